import type { Chunk, Message, MessageDeltaData } from '../../protocol/chat/message.ts';
import type { History, HistoryMessage } from '../../protocol/chat/restore.ts';
import type {
  Conversation,
  ConversationMessage,
  OutgoingMessage,
  Run,
  StreamingMessage,
  StreamingPart,
} from './conversation-types.ts';
import { newRun } from './conversation-runs.ts';
import type { ClientEvent } from './types.ts';

/** A message of the wire as a page shows it. */
export function toMessage(message: HistoryMessage | Message): ConversationMessage {
  return {
    id: message.id,
    seq: message.seq,
    role: message.role,
    parts: message.parts,
    status: message.status,
    runId: message.run_id ?? null,
    ts: message.ts,
    metadata: message.metadata ?? null,
    delivery: message.role === 'user' ? 'sent' : null,
    runOutcome: ('run_outcome' in message ? message.run_outcome : undefined) ?? null,
    toolCalls: ('tool_calls' in message ? message.tool_calls : undefined) ?? [],
  };
}

/** A new message at the end of the log. It takes the place of our own unconfirmed one, and of the stream of the same id. */
export function messageAdded(c: Conversation, wire: Message): Conversation {
  const message = toMessage(wire);
  return {
    ...c,
    messages: [...c.messages, message],
    streaming: c.streaming?.messageId === message.id ? null : c.streaming,
    outgoing: without(c.outgoing, (own) => own.id === message.id),
    history: { ...c.history, total: c.history.total + 1 },
  };
}

export function streamStarted(c: Conversation, messageId: string, runId: string): Conversation {
  const streaming: StreamingMessage = { messageId, runId, attempt: 1, nextIndex: 0, parts: [] };
  return { ...c, streaming };
}

/** The answer begins anew: what the earlier attempt wrote goes. */
export function streamRestarted(c: Conversation, messageId: string, attempt: number): Conversation {
  if (c.streaming?.messageId === messageId && c.streaming.attempt >= attempt) return c;
  return { ...c, streaming: { messageId, runId: c.run?.runId ?? null, attempt, nextIndex: 0, parts: [] } };
}

/** The answer in flight as a restore found it. What we hold of the same attempt stays on the screen. */
export function streamAtHead(
  c: Conversation,
  partial: { readonly message_id: string; readonly attempt: number } | null,
): Conversation {
  if (partial === null) return c.streaming === null ? c : { ...c, streaming: null };
  const { message_id: messageId, attempt } = partial;
  if (c.streaming?.messageId === messageId && c.streaming.attempt === attempt) return c;
  const streaming = { messageId, runId: c.run?.runId ?? null, attempt, nextIndex: 0, parts: [] };
  return { ...c, streaming };
}

/** One more chunk. Nothing but the stream is touched, however long the conversation is. */
export function streamAppended(c: Conversation, delta: MessageDeltaData): Conversation {
  const { message_id: messageId, attempt, index } = delta;
  const same = c.streaming?.messageId === messageId && c.streaming.attempt === attempt ? c.streaming : null;
  // The same message at a new attempt, or one that nothing announced, begins with its first chunk.
  if (same === null ? index !== 0 : index !== same.nextIndex) return c;
  const runId = same === null ? (c.run?.runId ?? null) : same.runId;
  const parts = withChunk(same?.parts ?? [], delta);
  return { ...c, streaming: { messageId, runId, attempt, nextIndex: index + 1, parts } };
}

function withChunk(parts: readonly StreamingPart[], { part, kind, delta }: Chunk): readonly StreamingPart[] {
  const known = parts[part];
  if (known !== undefined) return parts.with(part, { ...known, text: known.text + delta });
  // Parts come in order; a hole could only be a part without text.
  const holes: StreamingPart[] = Array.from({ length: Math.max(0, part - parts.length) }, () => ({
    type: 'text',
    text: '',
  }));
  return [...parts, ...holes, { type: kind, text: delta }];
}

/** A page of older messages, put before those that are there; what is there already is not put twice. */
export function pageAdded(c: Conversation, page: History): Conversation {
  const first = c.messages[0]?.seq ?? Number.POSITIVE_INFINITY;
  const older = page.messages.filter((message) => message.seq < first);
  return {
    ...withRunsOf(c, page.messages),
    messages: older.length === 0 ? c.messages : [...older.map(toMessage), ...c.messages],
    history: { total: page.total, hasMore: page.has_more, loading: false },
  };
}

/** Runs that only history tells of. */
export function withRunsOf(c: Conversation, messages: readonly HistoryMessage[]): Conversation {
  const told: Record<string, Run> = {};
  for (const { id, role, run_id, run_outcome, tool_calls } of messages) {
    if (run_id === undefined || run_outcome === undefined || Object.hasOwn(c.runs, run_id)) continue;
    const run = told[run_id] ?? { ...newRun(run_id), state: 'finished', outcome: run_outcome };
    told[run_id] = {
      ...run,
      messageId: role === 'user' ? id : run.messageId,
      // Each of a run's messages may carry its calls.
      toolCalls: (tool_calls?.length ?? 0) > run.toolCalls.length ? (tool_calls ?? []) : run.toolCalls,
    };
  }
  return Object.keys(told).length === 0 ? c : { ...c, runs: { ...told, ...c.runs } };
}

/** Our own messages follow the outbox. One that is in `messages` already is not shown twice. */
export function outgoingAfter(
  c: Conversation,
  { change, entry, seq, error }: Extract<ClientEvent, { type: 'outbox' }>,
): Conversation {
  const settled = change === 'discarded' || (change === 'sent' && isConfirmed(c, entry.id));
  if (settled) {
    const outgoing = without(c.outgoing, (own) => own.id === entry.id);
    return outgoing === c.outgoing ? c : { ...c, outgoing };
  }
  const own: OutgoingMessage = {
    id: entry.id,
    content: entry.content,
    metadata: entry.metadata ?? null,
    createdAt: entry.createdAt,
    delivery: change,
    seq,
    error,
  };
  const at = c.outgoing.findIndex((o) => o.id === entry.id);
  return { ...c, outgoing: at === -1 ? [...c.outgoing, own] : c.outgoing.with(at, own) };
}

function isConfirmed(c: Conversation, id: string): boolean {
  return c.messages.findLast((message) => message.id === id) !== undefined;
}

/** Own messages after a snapshot: those in the log go. An acknowledged one is in it, if below the page that we see. */
export function outgoingAfterSnapshot(c: Conversation): readonly OutgoingMessage[] {
  return without(c.outgoing, (own) => own.delivery === 'sent' || isConfirmed(c, own.id));
}

/** The very same array when nothing goes. */
function without<T>(items: readonly T[], goes: (item: T) => boolean): readonly T[] {
  return items.some(goes) ? items.filter((item) => !goes(item)) : items;
}
