import type {
  Conversation,
  ConversationMessage,
  OutgoingMessage,
  PreviousTranscript,
} from '../../sdk/index.ts';
import { dayKey } from '../format/moment.ts';
import { textOf } from '../format/text.ts';
import { answerRow, runById, silentRuns } from './answer-row.ts';
import type { Cut, PersonRow, Row, SeamRow } from './row-types.ts';
import { type PlacedSeam, seamPlaces } from './seam-places.ts';

export interface RowsInput {
  readonly conversation: Conversation;
  readonly cuts: readonly Cut[];
  /** When the line was cut, if it is cut now. */
  readonly cutSince: number | null;
  /** The calendar day of now (`dayKey`): it needs no name. */
  readonly today: string;
}

/**
 * Turns a conversation into the rows of its transcript, in order. Holds the rows of what is settled, so that a growing
 * answer costs the same after 10 messages and after 10 000.
 */
export function rowBuilder(): (input: RowsInput) => readonly Row[] {
  let seen: readonly unknown[] = [];
  let settled: readonly Row[] = [];
  return ({ conversation: c, cuts, cutSince, today }) => {
    const parts = [
      c.messages,
      c.seams,
      c.runs,
      c.run,
      c.queuedRuns,
      c.lastRun,
      c.inputs,
      c.workflow,
      c.previous,
      c.session,
      c.history,
      c.streaming?.messageId,
      c.streaming?.runId,
      cuts,
      today,
    ];
    if (parts.length !== seen.length || parts.some((part, i) => part !== seen[i])) {
      seen = parts;
      settled = settledRows(c, cuts, today);
    }
    return [...settled, ...liveRows(c, cuts, settled), ...tailRows(c, cutSince)];
  };
}

/** The rows of a thread that is over. */
export function pastRows(messages: PreviousTranscript['messages']): readonly Row[] {
  return messages.map((message) => pastRow(message));
}

function settledRows(c: Conversation, cuts: readonly Cut[], today: string): readonly Row[] {
  const rows: Row[] = [];
  if (c.history.hasMore) rows.push({ kind: 'older', key: 'older', loading: c.history.loading });
  rows.push(...endedRows(c));

  const answered = new Set(c.messages.filter((m) => m.role === 'assistant').map((m) => m.runId));
  const silent = silentRuns(c, answered);
  const seams = seamPlaces(c, cuts);
  const used = new Set<string>();
  let next = 0;
  let day = today;
  let asked: string | null = null;

  for (const message of c.messages) {
    for (
      let placed = seams.bySeq[next];
      placed && placed.seam.afterSeq < message.seq;
      placed = seams.bySeq[next]
    ) {
      rows.push(seamRow(placed, false));
      next++;
    }
    if (dayKey(message.ts) !== day) {
      day = dayKey(message.ts);
      rows.push({ kind: 'day', key: `d:${message.id}`, at: message.ts });
    }
    rows.push(messageRow(c, message, asked, used));
    if (message.role === 'user') {
      asked = message.id;
      for (const run of silent.get(message.id) ?? []) rows.push(answerRow(c, { run, asked, used }));
    }
    for (const placed of seams.byMessage.get(message.id) ?? []) rows.push(seamRow(placed, true));
  }
  for (const placed of seams.bySeq.slice(next)) rows.push(seamRow(placed, false));
  return joinSeams(rows);
}

/** The answer in flight, or the run in hand that has not said anything yet. */
function liveRows(c: Conversation, cuts: readonly Cut[], settled: readonly Row[]): readonly Row[] {
  const { run, streaming } = c;
  const runId = streaming?.runId ?? run?.runId ?? null;
  const shown = settled.some((row) => row.kind === 'answer' && row.run !== null && row.run.runId === runId);
  if (streaming === null && (run === null || shown)) return [];
  const used = new Set(shown && runId !== null ? [runId] : []);
  const asked = c.messages.findLast((m) => m.role === 'user')?.id ?? null;
  const row = answerRow(c, { run, streaming, asked, used });
  const seams = streaming === null ? undefined : seamPlaces(c, cuts).byMessage.get(streaming.messageId);
  return joinSeams([row, ...(seams ?? []).map((placed) => seamRow(placed, true))]);
}

function tailRows(c: Conversation, cutSince: number | null): readonly Row[] {
  const outgoing = c.outgoing.map(outgoingRow);
  if (cutSince === null || c.session === null) return outgoing;
  return [{ kind: 'cut', key: `s:${cutSince}`, since: cutSince, during: c.streaming !== null }, ...outgoing];
}

function endedRows(c: Conversation): readonly Row[] {
  const { previous } = c;
  const sessionId = previous?.sessionId ?? c.session?.previousSessionId ?? null;
  if (sessionId === null) return [];
  return [
    ...pastRows(previous?.messages ?? []),
    {
      kind: 'ended',
      key: `e:${sessionId}`,
      sessionId,
      endedAt: previous?.endedAt ?? null,
      awayMs: c.seams.findLast((s) => s.outcome === 'expired')?.awayMs ?? null,
      shown: previous !== null,
    },
  ];
}

function pastRow(message: ConversationMessage): Row {
  if (message.role === 'user') return { ...personRow(message), past: true };
  if (message.role === 'system') return systemRow(message, true);
  return {
    kind: 'answer',
    key: `a:${message.runId ?? message.id}:${message.id}`,
    message,
    streaming: null,
    run: null,
    workflow: null,
    inputs: [],
    toolCalls: message.toolCalls,
    answers: null,
    retriable: false,
    past: true,
  };
}

function messageRow(
  c: Conversation,
  message: ConversationMessage,
  asked: string | null,
  used: Set<string>,
): Row {
  switch (message.role) {
    case 'user': {
      const index = c.queuedRuns.findIndex((run) => run.messageId === message.id);
      const run = c.queuedRuns[index];
      return {
        ...personRow(message),
        queued: run === undefined ? null : { place: index + 1, runId: run.runId },
      };
    }
    case 'system':
      return systemRow(message, false);
    case 'assistant': {
      const run = message.runId === null ? null : runById(c, message.runId);
      return answerRow(c, { message, run, asked, used });
    }
  }
}

function systemRow(message: ConversationMessage, past: boolean): Row {
  return { kind: 'system', key: `y:${message.id}`, text: textOf(message.parts), past };
}

function personRow(message: ConversationMessage): PersonRow {
  return {
    kind: 'person',
    key: `p:${message.id}`,
    id: message.id,
    text: textOf(message.parts),
    at: message.ts,
    delivery: 'sent',
    error: null,
    queued: null,
    past: false,
  };
}

function outgoingRow(message: OutgoingMessage): PersonRow {
  return {
    kind: 'person',
    key: `p:${message.id}`,
    id: message.id,
    text: message.content,
    at: message.createdAt,
    delivery: message.delivery,
    error: message.error,
    queued: null,
    past: false,
  };
}

function seamRow({ seam, key }: PlacedSeam, during: boolean): SeamRow {
  return { kind: 'seam', key, seams: [seam], during };
}

/** Cuts with nothing in between are one seam. */
function joinSeams(rows: readonly Row[]): readonly Row[] {
  const joined: Row[] = [];
  for (const row of rows) {
    const last = joined.at(-1);
    if (row.kind === 'seam' && last?.kind === 'seam')
      joined[joined.length - 1] = { ...last, key: row.key, seams: [...last.seams, ...row.seams] };
    else joined.push(row);
  }
  return joined;
}
