import type { Outcome, Tier } from '../../protocol/chat/handshake.ts';
import type { Warning } from '../../protocol/chat/restore.ts';
import type { RunView } from '../../protocol/chat/run.ts';
import { disconnectedSince, goneAt } from '../store/liveness.ts';
import type { ChunkBuffer, OpenedSession, SessionInfo } from '../store/store.ts';
import { type Cells, cell, runPart } from './cells.ts';
import { historyJson } from './history.ts';
import type { QueuedRun, SessionState } from './state.ts';

/** How long the session and this client were away, and what that makes of the restore. */
export interface Absence {
  readonly tier: Tier;
  readonly disconnectedMs: number;
  readonly awayMs: number;
}

/**
 * The tier is the session's: `brief` and 0 while another connection is attached. `awayMs` is that of the connection
 * which the client had before (`connectionId`, named by its token); without one it is the session's.
 */
export function absence(info: SessionInfo, connectionId: undefined | string, now: number): Absence {
  const since = disconnectedSince(info, now);
  const disconnectedMs = since === undefined ? 0 : Math.max(0, now - since);
  const mine = info.attachments.find((attachment) => attachment.connectionId === connectionId);
  const gone = mine === undefined ? undefined : goneAt(mine, info.policy.attachTtlMs, now);
  return {
    tier: disconnectedMs <= info.policy.briefMs ? 'brief' : 'medium',
    disconnectedMs,
    awayMs: gone === undefined ? disconnectedMs : Math.max(0, now - gone),
  };
}

export interface RestoreInput {
  readonly outcome: Exclude<Outcome, 'fresh'>;
  readonly opened: OpenedSession;
  readonly absence: Absence;
  readonly previousSessionId: undefined | string;
  /** How long the session outlives its last connection from now on: by the policy of this one. */
  readonly expiresInMs: number;
  readonly now: number;
}

/**
 * The frame of `session_restored`. What the store keeps as JSON (context, messages, chunks) goes into it as it is:
 * a restore parses and serialises nothing but the small part that says what is at work.
 */
export function restoredFrame(input: RestoreInput): string {
  const { opened, outcome, absence: away } = input;
  const { info, cells, content, chunks } = opened;
  const expired = outcome === 'expired';
  const replayed = replayOf(opened);
  const work = runPart(cells);
  const fields = [
    `"outcome":"${outcome}"`,
    `"tier":"${expired ? 'expired' : away.tier}"`,
    `"mode":"${content.mode}"`,
    ...(input.previousSessionId === undefined
      ? []
      : [`"previous_session_id":${JSON.stringify(input.previousSessionId)}`]),
    `"disconnected_ms":${away.disconnectedMs}`,
    `"away_ms":${away.awayMs}`,
    `"expires_in_ms":${input.expiresInMs}`,
    `"warnings":${JSON.stringify(expired || away.tier === 'brief' ? [] : warnings(away, replayed, work))}`,
    `"context":${contextJson(cells)}`,
    `"history":${content.mode === 'snapshot' ? historyJson(content.page) : historyOfReplay(info)}`,
    `"replay":${replayed.count === 0 ? 'null' : `{"from_seq":${info.seq - replayed.count + 1},"to_seq":${info.seq}}`}`,
    `"run":${JSON.stringify(work.run === null ? null : runView(work.run, info, input.now))}`,
    `"queued_runs":${JSON.stringify(work.queue.map((run) => queuedView(run)))}`,
    `"partial":${work.run !== null && chunks?.runId === work.run.runId ? partialJson(chunks) : 'null'}`,
  ];
  return `{"type":"session_restored","data":{${fields.join(',')}}}`;
}

/** What was missed: how many events, and the first of them. */
interface Replay {
  readonly count: number;
  readonly events: readonly string[];
}

function replayOf({ info, content }: OpenedSession): Replay {
  if (content.mode === 'snapshot') return { count: 0, events: [] };
  return { count: info.seq - content.afterSeq, events: content.events };
}

/** The context's JSON as the cells hold it. */
export function contextJson(cells: Cells): string {
  const [memory, preferences] = [cell(cells, 'memory'), cell(cells, 'preferences')];
  return `{"memory":${memory},"preferences":${preferences},"workflow":${cell(cells, 'workflow')},"tool_calls":${cell(cells, 'tools')}}`;
}

/** In a replay no messages are repeated; how many there are is told all the same. */
function historyOfReplay(info: SessionInfo): string {
  const { user, assistant, system } = info.messageCounts;
  const total = user + assistant + system;
  return `{"messages":[],"total":${total},"has_more":${total > 0}}`;
}

function partialJson(buffer: ChunkBuffer): string {
  const { messageId, attempt, fromIndex, chunks } = buffer;
  return `{"message_id":${JSON.stringify(messageId)},"attempt":${attempt},"from_index":${fromIndex},"chunks":[${chunks.join(',')}]}`;
}

function runView(run: NonNullable<SessionState['run']>, info: SessionInfo, now: number): RunView {
  // A lease that ran out is one that nobody holds: whoever takes it over has not come yet.
  const deserted = info.lease === undefined || info.lease.until < now;
  const state = run.state === 'waiting_input' ? 'waiting_input' : deserted ? 'recovering' : run.state;
  return { ...queuedView(run), state, pending_inputs: [...run.pendingInputs] };
}

function queuedView(run: QueuedRun): RunView {
  return {
    run_id: run.runId,
    message_id: run.messageId,
    state: 'queued',
    ...(run.retryOf === undefined ? {} : { retry_of: run.retryOf }),
    pending_inputs: [],
  };
}

function warnings(away: Absence, replayed: Replay, work: Pick<SessionState, 'run' | 'lastRun'>): Warning[] {
  const list: Warning[] = [
    { code: 'away', message: `This session was away for ${inWords(away.disconnectedMs)}` },
  ];
  if (replayed.count > 0)
    list.push({ code: 'missed_events', message: `${replayed.count} events happened meanwhile` });
  const finished = replayed.events.filter((frame) => frame.startsWith('{"type":"run_finished"')).length;
  // Of a long replay only the beginning is at hand.
  const orMore = replayed.events.length < replayed.count ? ' or more' : '';
  if (finished > 0)
    list.push({ code: 'runs_finished', message: `${finished}${orMore} runs finished meanwhile` });
  if (work.run?.state === 'waiting_input')
    list.push({ code: 'input_waiting', message: 'The agent waits for an answer' });
  else if (work.run !== null) list.push({ code: 'run_in_hand', message: 'The agent is at work' });
  return list;
}

/** "2 min 14 s" */
function inWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const words = [hours > 0 ? `${hours} h` : '', minutes > 0 ? `${minutes} min` : '', `${seconds % 60} s`];
  return words.filter((word) => word !== '').join(' ');
}
