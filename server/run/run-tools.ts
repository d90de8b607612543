import type { Json } from '../../protocol/json.ts';
import { type Answer, type ToolCall, ToolError } from './agent-port.ts';
import { repeatRequestId, toolCallId } from './ids.ts';
import type { JournalTool, ToolOutcome } from './journal.ts';
import { asStored, UnfitValue } from './json-value.ts';
import type { RunCounters } from './run-counters.ts';
import type { RunLog } from './run-log.ts';
import type { RunQuestions } from './run-questions.ts';
import type { Settle } from './run-steps.ts';

const INTERRUPTED = {
  code: 'interrupted',
  message: 'The call was interrupted; whether it had its effect is not known',
};

/** A run's tool calls: one that has an outcome answers it again; one that was in flight is repeated only if it may be. */
export class RunTools {
  readonly #log: RunLog;
  readonly #counters: RunCounters;
  readonly #questions: RunQuestions;
  readonly #settle: Settle;

  constructor(log: RunLog, counters: RunCounters, questions: RunQuestions, settle: Settle) {
    this.#log = log;
    this.#counters = counters;
    this.#questions = questions;
    this.#settle = settle;
  }

  async call<T extends Json>(call: ToolCall<T>): Promise<T> {
    const n = this.#counters.nextTool();
    const args = asStored(call.arguments, `the arguments of ${call.name}`);
    await this.#settle();
    const known = this.#log.journal.tools[n - 1];
    if (known !== undefined && known.name !== call.name)
      throw new Error(`tool call ${n} of the run was ${known.name}, not ${call.name}`);
    if (known?.outcome !== undefined) return answer(known.outcome);

    let attempt = known?.attempt ?? 1;
    if (known === undefined) await this.#begin(n, 1, call.name, args);
    else if (!call.repeatable) attempt = await this.#decideRepeat(n, known, args);
    const callId = toolCallId(this.#log.fence.runId, n, attempt);
    const outcome = await this.#run(call);
    await this.#log.append([resultEvent(this.#log.fence.runId, callId, outcome)], (j) =>
      isAnswered(j.tools[n - 1], attempt),
    );
    return answer(outcome);
  }

  async #begin(n: number, attempt: number, name: string, args: Json): Promise<void> {
    const { runId } = this.#log.fence;
    const call = { run_id: runId, tool_call_id: toolCallId(runId, n, attempt), name, arguments: args };
    await this.#log.append([{ type: 'tool_call', data: call }], (j) => j.tools[n - 1] !== undefined);
  }

  async #run<T extends Json>(call: ToolCall<T>): Promise<ToolOutcome> {
    const { signal } = this.#log;
    try {
      const value = await call.call(signal);
      signal.throwIfAborted();
      return { ok: true, result: asStored(value, 'its result') };
    } catch (error) {
      // A stopped call is left open: its outcome is not known.
      signal.throwIfAborted();
      if (error instanceof ToolError) return { ok: false, code: error.code, message: error.message };
      if (error instanceof UnfitValue)
        return { ok: false, code: 'unfit_result', message: `${call.name}: ${error.message}` };
      return { ok: false, code: 'tool_failed', message: `${call.name} failed` };
    }
  }

  /**
   * The call was in flight when its executor died, and must not be made twice unasked: the person decides.
   * Either way the interrupted call gets a result; a repeat is a call with an id of its own.
   * Answers the number of the new attempt; rejects with `ToolError` when it is given up.
   */
  async #decideRepeat(n: number, open: JournalTool, args: Json): Promise<number> {
    const { runId } = this.#log.fence;
    const decision = await this.#questions.request(repeatRequestId(open.callId), {
      kind: 'question',
      prompt: `${open.name} was interrupted and may have had its effect already. Run it again?`,
      arguments: {
        tool_call_id: open.callId,
        name: open.name,
        arguments: args,
        choices: ['again', 'give_up'],
      },
    });
    const closed = resultEvent(runId, open.callId, { ok: false, ...INTERRUPTED });
    if (!saysAgain(decision)) {
      await this.#log.append([closed], (j) => isAnswered(j.tools[n - 1], open.attempt));
      throw new ToolError(INTERRUPTED.code, INTERRUPTED.message);
    }
    const attempt = open.attempt + 1;
    const callId = toolCallId(runId, n, attempt);
    const call = { run_id: runId, tool_call_id: callId, name: open.name, arguments: args };
    await this.#log.append([closed, { type: 'tool_call', data: call }], (j) => {
      const tool = j.tools[n - 1];
      return tool !== undefined && tool.attempt >= attempt;
    });
    return attempt;
  }
}

function isAnswered(tool: undefined | JournalTool, attempt: number): boolean {
  return tool !== undefined && (tool.attempt > attempt || tool.outcome !== undefined);
}

function answer<T extends Json>(outcome: ToolOutcome): T {
  // What is stored under a call was answered by that call, so it is of its type.
  if (outcome.ok) return outcome.result as T;
  throw new ToolError(outcome.code, outcome.message);
}

function resultEvent(runId: string, callId: string, outcome: ToolOutcome) {
  const ref = { run_id: runId, tool_call_id: callId };
  return {
    type: 'tool_result' as const,
    data: outcome.ok
      ? { ...ref, result: outcome.result }
      : { ...ref, error: { code: outcome.code, message: outcome.message } },
  };
}

const YES = /^\s*(again|yes|y|true|run|run it again)\s*$/i;

/** Only a clear yes repeats: `approved`, `true`, `"again"`, or one of these as `choice`. */
function saysAgain({ approved, value }: Answer): boolean {
  if (approved !== undefined) return approved;
  const choice = typeof value === 'object' && value !== null && !Array.isArray(value) ? value.choice : value;
  return choice === true || (typeof choice === 'string' && YES.test(choice));
}
