import type { HistoryMessage } from '../../protocol/chat/restore.ts';
import type { Json, JsonObject } from '../../protocol/json.ts';
import { jsonFault } from '../../protocol/json.ts';
import type { Clock } from '../clock.ts';
import { decideContextUpdate } from '../session/decide-context.ts';
import type { Store } from '../store/store.ts';
import {
  type Answer,
  ContextRefused,
  type MessageWriter,
  type Question,
  type RunContext,
  type RunInput,
  type ToolCall,
  type Workflow,
} from './agent-port.ts';
import type { LastMessage } from './end-run.ts';
import { patchId } from './ids.ts';
import { RunCounters } from './run-counters.ts';
import type { RunLog } from './run-log.ts';
import { RunMessages } from './run-messages.ts';
import { RunQuestions } from './run-questions.ts';
import { RunWorkflow } from './run-steps.ts';
import { RunTools } from './run-tools.ts';

export interface ContextRules {
  readonly chunkCoalesceMs: number;
  readonly maxContextBytes: number;
  /** 0: no limit. */
  readonly runMaxMs: number;
}

export interface ContextDeps {
  readonly log: RunLog;
  readonly store: Store;
  readonly clock: Clock;
  readonly rules: ContextRules;
}

/** The agent's port over one execution of a run: every call is stored before it is answered, and found again later. */
export class LiveRunContext implements RunContext {
  readonly input: RunInput;
  readonly #deps: ContextDeps;
  readonly #counters = new RunCounters();
  readonly #messages: RunMessages;
  readonly #questions: RunQuestions;
  readonly #tools: RunTools;
  #workflow: undefined | { readonly name: string; readonly workflow: RunWorkflow };

  constructor(input: RunInput, deps: ContextDeps) {
    const { log, store, clock, rules } = deps;
    this.input = input;
    this.#deps = deps;
    this.#messages = new RunMessages({
      log,
      store,
      clock,
      counters: this.#counters,
      coalesceMs: rules.chunkCoalesceMs,
    });
    const settle = () => this.#messages.settle();
    this.#questions = new RunQuestions(log, this.#counters, settle, clock, rules.runMaxMs);
    this.#tools = new RunTools(log, this.#counters, this.#questions, settle);
  }

  get runId(): string {
    return this.#deps.log.fence.runId;
  }

  get attempt(): number {
    return this.#deps.log.fence.attempt;
  }

  get signal(): AbortSignal {
    return this.#deps.log.signal;
  }

  get memory(): JsonObject {
    return this.#deps.log.live.state.memory;
  }

  get preferences(): JsonObject {
    return this.#deps.log.live.state.preferences;
  }

  async history(limit: number): Promise<HistoryMessage[]> {
    await this.#messages.settle();
    const { log } = this.#deps;
    return await log.retrying(() => log.live.history(limit));
  }

  async patch(patch: { readonly memory?: JsonObject; readonly preferences?: JsonObject }): Promise<void> {
    const { step, n } = this.#counters.nextPatch();
    await this.#messages.settle();
    if (patch.memory === undefined && patch.preferences === undefined) return;
    const fault = jsonFault(patch);
    if (fault !== undefined) throw new ContextRefused(`the patch ${fault}`);
    const { log, rules } = this.#deps;
    const outcome = await log.execute({
      decide: decideContextUpdate(patch, rules.maxContextBytes),
      // A patch that an earlier execution made is not made again: the person may have changed the value since.
      id: { id: patchId(this.runId, step, n), digest: '' },
      needsPartial: false,
    });
    if (outcome.kind === 'refused') throw new ContextRefused(outcome.message);
  }

  workflow(name: string, steps: readonly string[]): Workflow {
    if (this.#workflow !== undefined) {
      if (this.#workflow.name !== name) throw new Error('a run has one workflow');
      return this.#workflow.workflow;
    }
    const plan = { runId: this.runId, name, steps: [...steps] };
    const settle = () => this.#messages.settle();
    const workflow = new RunWorkflow(plan, this.#deps.log, this.#counters, settle);
    this.#workflow = { name, workflow };
    return workflow;
  }

  tool<T extends Json>(call: ToolCall<T>): Promise<T> {
    return this.#tools.call(call);
  }

  ask(question: Question): Promise<Answer> {
    return this.#questions.ask(question);
  }

  message(): Promise<MessageWriter> {
    return this.#messages.next();
  }

  async sleep(ms: number): Promise<void> {
    await this.#messages.settle();
    await this.#deps.clock.sleep(ms, this.signal);
  }

  /** For the execution: what the run's end is stored with. */
  last(isSuccess: boolean): Promise<undefined | LastMessage> {
    return this.#messages.last(isSuccess);
  }

  /** For the execution: nothing of it is left running. */
  close(): void {
    this.#messages.close();
  }
}
