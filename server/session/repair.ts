import type { LogEvent } from '../../protocol/chat/down.ts';
import type { Clock } from '../clock.ts';
import type { Random } from '../random.ts';
import type { AppendEvent, KnownId, SessionInfo, Store } from '../store/store.ts';
import { changedCells } from './cells.ts';
import { type Extras, noteExtras, roleOf } from './plan.ts';
import { EMPTY_STATE, reduce, type SessionState } from './state.ts';

export interface RepairDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodeId: string;
}

const PAGE = 500;
const PAGE_BYTES = 1_048_576;

/**
 * Answers what makes a log that is not continuous whole again: whatever events are left keep their order, get new
 * places, and the session goes on under a new epoch. Clients learn it as `reset` and take a snapshot.
 * One session is repaired once at a time: whoever else finds the fault meanwhile waits for the same repair.
 */
export function repairer(deps: RepairDeps): (info: SessionInfo) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  return (info) => {
    const known = running.get(info.sessionId);
    if (known !== undefined) return known;
    const repairing = repair(info, deps).finally(() => running.delete(info.sessionId));
    running.set(info.sessionId, repairing);
    return repairing;
  };
}

async function repair(info: SessionInfo, { store, clock, random, nodeId }: RepairDeps): Promise<void> {
  const events: AppendEvent[] = [];
  const ids: KnownId[] = [];
  const extras: Extras = { annotations: [], lastMessage: undefined, titleIfNone: undefined };
  let state: SessionState = EMPTY_STATE;
  for (const [i, event] of (await survivors(info, store)).entries()) {
    const moved = renumber(event, i + 1, random.token(6));
    noteExtras(extras, state, moved);
    state = reduce(state, moved);
    events.push({ json: JSON.stringify(moved), tag: moved.tag, role: roleOf(moved) });
    // A person's message keeps its id, so that sending it again still stores nothing.
    if (moved.type === 'message_created')
      ids.push({ id: moved.data.message.id, digest: ANY_DIGEST, seq: moved.seq });
    if (moved.type === 'run_finished')
      ids.push({ id: `!fin:${moved.data.run_id}`, digest: '', seq: moved.seq });
  }
  // In one step, and only in the place of the log that was read: another process may have been quicker.
  await store.rewrite({
    sessionId: info.sessionId,
    nodeId,
    epochBefore: info.epoch,
    epoch: random.token(9),
    events,
    cells: changedCells(EMPTY_STATE, state),
    ids,
    annotations: extras.annotations,
    alarmAt: clock.now(),
  });
}

/** The digest of an id whose content is no longer known: any content counts as the same. */
export const ANY_DIGEST = '*';

/** All events that are left, each once. Read by their number, not from seq to seq: a store may find them by either. */
async function survivors(info: SessionInfo, store: Store): Promise<LogEvent[]> {
  const events = new Map<number, LogEvent>();
  for (let next = 1; ; ) {
    const { events: page } = await store.read({
      sessionId: info.sessionId,
      fromSeq: next,
      limit: PAGE,
      maxBytes: PAGE_BYTES,
    });
    for (const frame of page) {
      const event = JSON.parse(frame) as LogEvent;
      events.set(event.seq, event);
    }
    if (page.length === 0) return [...events.values()].sort((a, b) => a.seq - b.seq);
    next += page.length;
  }
}

function renumber(event: LogEvent, seq: number, tag: string): LogEvent {
  if (event.type === 'message_created' || event.type === 'message_completed')
    return { ...event, data: { message: { ...event.data.message, seq } }, seq, tag };
  return { ...event, seq, tag };
}
