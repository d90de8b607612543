import type { LogEvent, NewEvent } from '../../protocol/chat/down.ts';
import type { AppendEvent, AppendRequest, KnownId } from '../store/store.ts';
import { changedCells } from './cells.ts';
import {
  type AppendDecision,
  type Decide,
  type Decision,
  type DecisionContext,
  type PartialMessage,
  type Refusal,
  refuse,
} from './decision.ts';
import { textOf } from './live-partial.ts';
import { reduce, type SessionState } from './state.ts';

/** Something that somebody wants of a session: its rule, and the id under which it is remembered. */
export interface Command {
  readonly decide: Decide;
  /** A client's own id with a digest of what it asks. */
  readonly id: undefined | { readonly id: string; readonly digest: string };
  /** Its rule looks at the message in flight, or ends it. */
  readonly needsPartial: boolean;
}

/** What the session is when commands are decided. */
export interface PlanBase {
  readonly sessionId: string;
  readonly nodeId: string;
  readonly epoch: string;
  readonly seq: number;
  readonly tag: undefined | string;
  readonly state: SessionState;
  readonly holdUntil: number;
  readonly partial: null | PartialMessage;
  readonly logBytes: number;
  readonly now: number;
  readonly newId: () => string;
  readonly newTag: () => string;
}

export interface Plan {
  /** One for each command that was planned; those after the last one wait for the next append. */
  readonly decisions: readonly { readonly decision: Decision; readonly firstSeq: number }[];
  /** `undefined`: nothing is to be stored. */
  readonly request: undefined | AppendRequest;
  readonly events: readonly LogEvent[];
  readonly state: SessionState;
}

/** An append that carries so many bytes takes no further command: a batch of large ones goes in several. */
const MAX_APPEND_BYTES = 1_048_576;

const FULL: Refusal = {
  ...refuse('limit_exceeded', 'The session holds as much as it may (MAX_SESSION_BYTES)'),
  isFull: true,
};

/**
 * Decides commands one after another, each on the state that those before it led to, and puts what they append into
 * one request. At most one of them may touch the lease or the message in flight: it is the last of its append.
 */
export function plan(base: PlanBase, commands: readonly Command[]): Plan {
  const decisions: { decision: Decision; firstSeq: number }[] = [];
  const events: LogEvent[] = [];
  const frames: AppendEvent[] = [];
  const ids: KnownId[] = [];
  const extras: Extras = { annotations: [], lastMessage: undefined, titleIfNone: undefined };
  let state = base.state;
  let last: undefined | AppendDecision;
  let holdUntil: undefined | number;
  let alarmAt: undefined | number;
  let bytes = 0;
  const ts = new Date(base.now).toISOString();

  for (const command of commands) {
    if (bytes >= MAX_APPEND_BYTES) break;
    // The same id again, sent before the first was answered: the store tells, once the first is stored.
    if (command.id !== undefined && ids.some((known) => known.id === command.id?.id)) break;
    const context: DecisionContext = {
      now: base.now,
      newId: base.newId,
      partial: command.needsPartial ? base.partial : null,
      logBytes: base.logBytes + bytes,
    };
    const decision = command.decide(state, context);
    const firstSeq = base.seq + events.length + 1;
    if (decision.kind !== 'append') {
      decisions.push({ decision, firstSeq });
      continue;
    }
    const stamped = decision.events.map((event, i) => {
      const logged = stamp(event, firstSeq + i, base.newTag(), ts);
      return { logged, json: JSON.stringify(logged) };
    });
    const added = stamped.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0);
    if (decision.maxLogBytes !== undefined && context.logBytes + added > decision.maxLogBytes) {
      decisions.push({ decision: FULL, firstSeq });
      continue;
    }
    decisions.push({ decision, firstSeq });
    bytes += added;
    for (const { logged, json } of stamped) {
      const after = reduce(state, logged);
      noteExtras(extras, state, logged);
      if (logged.type === 'run_finished')
        ids.push({ id: `!fin:${logged.data.run_id}`, digest: '', seq: logged.seq });
      events.push(logged);
      frames.push({ json, tag: logged.tag, role: roleOf(logged) });
      state = after;
    }
    if (command.id !== undefined) ids.push({ ...command.id, seq: firstSeq + decision.acknowledge });
    // Runs that still wait keep the session from expiring, whatever the run that ended says.
    if (decision.holdUntil !== undefined)
      holdUntil =
        state.queue.length > 0
          ? Math.max(decision.holdUntil, holdUntil ?? base.holdUntil)
          : decision.holdUntil;
    alarmAt = decision.alarmAt ?? alarmAt;
    last = decision;
    if (decision.lease !== undefined || decision.dropPartial === true) break;
  }
  if (last === undefined) return { decisions, request: undefined, events, state };
  const request: AppendRequest = {
    sessionId: base.sessionId,
    nodeId: base.nodeId,
    now: base.now,
    epoch: base.epoch,
    expectedSeq: base.seq,
    expectedTag: base.tag,
    events: frames,
    cells: changedCells(base.state, state),
    ids,
    annotations: extras.annotations,
    dropChunks: last.dropPartial === true ? (base.partial ?? NO_CHUNKS) : undefined,
    lease: last.lease,
    holdUntil,
    alarmAt,
    lastMessage: extras.lastMessage,
    titleIfNone: extras.titleIfNone,
  };
  return { decisions, request, events, state };
}

/** Nothing of a message is stored, as far as this node knows: whoever stores its first chunk meanwhile is not passed over. */
const NO_CHUNKS = { messageId: '', attempt: 0, count: 0 };

/** The event with its place in the log; a message in it gets the same. */
function stamp(event: NewEvent, seq: number, tag: string, ts: string): LogEvent {
  if (event.type === 'message_created' || event.type === 'message_completed')
    return { type: event.type, data: { message: { ...event.data.message, seq, ts } }, seq, tag, ts };
  return { type: event.type, data: event.data, seq, tag, ts } as LogEvent;
}

/** The role under which the event counts in history, if it carries a message. */
export function roleOf(event: LogEvent): AppendEvent['role'] {
  return event.type === 'message_created' || event.type === 'message_completed'
    ? event.data.message.role
    : undefined;
}

/** What a log's events are stored with besides themselves. */
export interface Extras {
  readonly annotations: { seq: number; json: string }[];
  lastMessage: undefined | string;
  titleIfNone: undefined | string;
}

const PREVIEW_CHARACTERS = 200;
const TITLE_CHARACTERS = 80;

/** Notes what the list of threads and the history show besides the event itself. `before` is the state that it is folded into. */
export function noteExtras(extras: Extras, before: SessionState, event: LogEvent): void {
  if (event.type === 'message_created' || event.type === 'message_completed') {
    const { role, parts, ts } = event.data.message;
    const text = textOf(parts);
    extras.lastMessage = JSON.stringify({ role, text: cut(text, PREVIEW_CHARACTERS), ts });
    if (role === 'user' && before.personMessages === 0 && extras.titleIfNone === undefined)
      extras.titleIfNone = cut(text.trim().split('\n', 1)[0] ?? '', TITLE_CHARACTERS) || undefined;
  }
  if (event.type !== 'run_finished') return;
  const { run_id, outcome } = event.data;
  const active = before.run?.runId === run_id ? before.run : null;
  const queued = before.queue.find((run) => run.runId === run_id);
  const calls = before.toolCalls.filter((call) => call.run_id === run_id);
  const seqs = [active?.messageSeq ?? queued?.messageSeq, ...(active?.messageSeqs ?? [])];
  const withCalls = seqs.at(-1);
  for (const [i, seq] of seqs.entries()) {
    if (seq === undefined) continue;
    const annotation = {
      // The person's message learns which run answered it; an answer says it by itself.
      ...(i === 0 ? { run_id } : {}),
      run_outcome: outcome,
      ...(seq === withCalls && calls.length > 0 ? { tool_calls: calls } : {}),
    };
    extras.annotations.push({ seq, json: JSON.stringify(annotation) });
  }
}

/** At most `length` UTF-16 units, never half a surrogate pair. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const code = text.charCodeAt(length - 1);
  return text.slice(0, code >= 0xd800 && code <= 0xdbff ? length - 1 : length);
}
