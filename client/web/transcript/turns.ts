import type { Conversation, ConversationMessage, Run } from '../../sdk/index.ts';

/** One exchange: what a person wrote and what came of it. Either may be missing. */
export interface Turn {
  readonly question: ConversationMessage | null;
  /** Answers, or a system message, ascending. */
  readonly answers: readonly ConversationMessage[];
  /** Its run is in hand, or its answer in flight. */
  readonly live: boolean;
  /** Its place among the waiting runs, from 1; 0 when it does not wait. */
  readonly place: number;
}

/** The message that each run answers, by the run's id. */
export type Asked = ReadonlyMap<string, string>;

/** Behind everything that has a place in the log: first what is in hand, then what waits. */
const LIVE = Number.MAX_SAFE_INTEGER / 4;
const WAITING = 2 * LIVE;

/**
 * The exchanges in the order in which they are held: each answer stands below its question, a question that waits below
 * the answer in hand. So nothing moves when an answer is finished or a waiting question's turn comes, although in the log
 * the waiting question is the older one.
 */
export function turnsOf(c: Conversation, asked: Asked): readonly Turn[] {
  const drafts = new Map<string, { question: ConversationMessage | null; answers: ConversationMessage[] }>();
  for (const message of c.messages) {
    const of = message.role === 'assistant' && message.runId !== null ? asked.get(message.runId) : undefined;
    const turn = of === undefined ? undefined : drafts.get(of);
    if (turn !== undefined) turn.answers.push(message);
    else if (message.role === 'user') drafts.set(message.id, { question: message, answers: [] });
    else drafts.set(message.id, { question: null, answers: [message] });
  }

  const liveRun = c.run?.runId ?? c.streaming?.runId ?? null;
  const liveQuestion = c.run?.messageId ?? (liveRun === null ? undefined : asked.get(liveRun));
  const hasLive = c.run !== null || c.streaming !== null;
  const newestAnswer = c.messages.findLast((m) => m.role !== 'user')?.seq ?? 0;
  const turns = [...drafts].map(([id, { question, answers }]) => {
    const waits = c.queuedRuns.findIndex((run) => run.messageId === id);
    const live =
      hasLive && (id === liveQuestion || answers.some((m) => m.runId !== null && m.runId === liveRun));
    const turn: Turn = { question, answers, live, place: waits + 1 };
    return { turn, at: placeOf(turn, newestAnswer) };
  });
  if (hasLive && !turns.some(({ turn }) => turn.live))
    turns.push({ turn: { question: null, answers: [], live: true, place: 0 }, at: LIVE });
  return turns.sort((a, b) => a.at - b.at).map(({ turn }) => turn);
}

function placeOf({ question, answers, live, place }: Turn, newestAnswer: number): number {
  if (live) return LIVE;
  if (place > 0 && answers.length === 0) return WAITING + place;
  const first = answers[0]?.seq;
  if (first !== undefined) return first;
  const seq = question?.seq ?? 0;
  // Its run is not known yet: it was only just stored.
  return question?.runOutcome === null && seq > newestAnswer ? WAITING + WAITING / 2 + seq : seq;
}

/** Which message each run answers, as far as runs and history tell. Added to `asked`: what was known once stays known. */
export function noteQuestions(c: Conversation, asked: Map<string, string>): void {
  const note = (run: Run | null) => {
    if (run !== null && run.messageId !== null) asked.set(run.runId, run.messageId);
  };
  for (const message of c.messages)
    if (message.role === 'user' && message.runId !== null) asked.set(message.runId, message.id);
  for (const run of Object.values(c.runs)) note(run);
  note(c.run);
  note(c.lastRun);
}
