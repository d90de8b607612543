import type { NewEvent } from '../../protocol/chat/down.ts';
import type { Part } from '../../protocol/chat/message.ts';
import type { RunOutcome } from '../../protocol/chat/run.ts';
import type { AppendDecision, PartialMessage } from '../session/decision.ts';
import type { ActiveRun, QueuedRun } from '../session/state.ts';

export interface Ending {
  readonly outcome: RunOutcome;
  readonly error: undefined | { readonly code: string; readonly message: string };
}

/** The message that ends together with its run. */
export interface LastMessage {
  readonly messageId: string;
  readonly parts: readonly Part[];
  readonly status: 'completed' | 'partial';
}

/** A message of an answer as the event that completes it. `seq` and `ts` are filled in when its place is known. */
export function messageCompleted(runId: string, { messageId, parts, status }: LastMessage): NewEvent {
  const message = {
    id: messageId,
    seq: 0,
    role: 'assistant' as const,
    parts: [...parts],
    status,
    run_id: runId,
    ts: '',
  };
  return { type: 'message_completed', data: { message } };
}

/** What the run streamed and did not complete: kept, whatever way the run ends. */
export function keptPartial(run: QueuedRun, partial: null | PartialMessage): undefined | LastMessage {
  if (partial === null || partial.runId !== run.runId) return undefined;
  return { messageId: partial.messageId, parts: partial.parts, status: 'partial' };
}

/**
 * Everything that ends the run in hand, in the order that people rely on: open inputs resolve, open tool calls get a
 * result, the last message is kept, and `run_finished` comes last.
 */
export function endActiveRun(run: ActiveRun, last: undefined | LastMessage, ending: Ending): NewEvent[] {
  return [
    ...run.pendingInputs.map(
      (input): NewEvent => ({
        type: 'input_resolved',
        data: { run_id: run.runId, request_id: input.request_id, resolution: 'canceled' },
      }),
    ),
    ...run.openTools.map(
      (id): NewEvent => ({
        type: 'tool_result',
        data: { run_id: run.runId, tool_call_id: id, error: toolErrorOf(ending.outcome) },
      }),
    ),
    ...(last === undefined ? [] : [messageCompleted(run.runId, last)]),
    runFinished(run, run.attempt, ending),
  ];
}

export function runFinished(run: QueuedRun, attempt: number, ending: Ending): NewEvent {
  return {
    type: 'run_finished',
    data: {
      ...runRef(run),
      attempt,
      outcome: ending.outcome,
      ...(ending.error === undefined ? {} : { error: ending.error }),
    },
  };
}

/** The fields by which every event of a run names it. */
export function runRef(run: QueuedRun): { run_id: string; message_id: string; retry_of?: string } {
  return {
    run_id: run.runId,
    message_id: run.messageId,
    ...(run.retryOf === undefined ? {} : { retry_of: run.retryOf }),
  };
}

/** An append that ends the run in hand with these events and gives its lease back. */
export function endingAppend(events: readonly NewEvent[], acknowledge: number, now: number): AppendDecision {
  return {
    kind: 'append',
    events,
    acknowledge,
    dropPartial: true,
    lease: { clear: true },
    // The session's own time counts again from here.
    holdUntil: now,
  };
}

function toolErrorOf(outcome: RunOutcome): { code: string; message: string } {
  if (outcome === 'canceled') return { code: 'canceled', message: 'The run was canceled' };
  return { code: 'run_ended', message: 'The run ended before the tool answered' };
}
