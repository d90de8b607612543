import type { Conversation, ConversationMessage, Run, StreamingMessage } from '../../sdk/index.ts';
import type { AnswerRow } from './row-types.ts';

export interface AnswerOf {
  readonly run: Run | null;
  readonly message?: ConversationMessage;
  readonly streaming?: StreamingMessage | null;
  /** Runs that have a row already: the first row of a run shows its steps, tools and questions. It is added to. */
  readonly used: Set<string>;
}

/** The row of an answer, whatever is known of it: only its run, its growing text, or the whole message. */
export function answerRow(c: Conversation, { run, message, streaming = null, used }: AnswerOf): AnswerRow {
  const messageId = message?.id ?? streaming?.messageId ?? null;
  const runId = run?.runId ?? message?.runId ?? streaming?.runId ?? messageId ?? 'none';
  const first = !used.has(runId);
  used.add(runId);
  const calls = run === null || run.toolCalls.length === 0 ? message?.toolCalls : run.toolCalls;
  return {
    kind: 'answer',
    // The same before, while and after it is written, so that the element stays and nothing flashes.
    key: first ? `a:${runId}` : `a:${runId}:${messageId}`,
    message: message ?? null,
    streaming,
    run,
    workflow: first && c.workflow?.workflow_id === runId ? c.workflow : null,
    inputs: first ? c.inputs.filter((input) => input.runId === runId) : [],
    toolCalls: first ? (calls ?? []) : [],
    retriable: run !== null && c.run === null && c.queuedRuns.length === 0 && c.lastRun?.runId === runId,
    past: false,
  };
}

export function runById(c: Conversation, runId: string | null): Run | null {
  if (runId === null) return null;
  if (c.run?.runId === runId) return c.run;
  if (c.lastRun?.runId === runId) return c.lastRun;
  return c.runs[runId] ?? null;
}

/** Runs that ended without a word, by the message that they should have answered. */
export function silentRuns(c: Conversation): ReadonlyMap<string, readonly Run[]> {
  const answered = new Set(c.messages.filter((m) => m.role === 'assistant').map((m) => m.runId));
  const byMessage = new Map<string, Run[]>();
  for (const run of Object.values(c.runs)) {
    if (run.messageId === null || answered.has(run.runId) || c.streaming?.runId === run.runId) continue;
    byMessage.set(run.messageId, [...(byMessage.get(run.messageId) ?? []), run]);
  }
  return byMessage;
}
