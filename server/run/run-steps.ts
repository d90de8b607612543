import type { Json } from '../../protocol/json.ts';
import type { Workflow } from './agent-port.ts';
import { asStored } from './json-value.ts';
import type { RunCounters } from './run-counters.ts';
import type { RunLog } from './run-log.ts';
import {
  type StepResult,
  stepCompleted,
  stepStarted,
  type WorkflowPlan,
  workflowCanceled,
} from './workflow-position.ts';

/** What every call of a context does first: a message whose completion was held back is stored before anything else. */
export type Settle = () => Promise<void>;

/**
 * A run's workflow: steps that are done answer what they answered before, and are not run again.
 * A step that was begun and not done runs again from its beginning; the log says once that it began.
 */
export class RunWorkflow implements Workflow {
  readonly #plan: WorkflowPlan;
  readonly #log: RunLog;
  readonly #counters: RunCounters;
  readonly #settle: Settle;
  /** How many steps this execution has been through. */
  #position = 0;
  #isInStep = false;

  constructor(plan: WorkflowPlan, log: RunLog, counters: RunCounters, settle: Settle) {
    const known = log.journal.workflow;
    if (plan.steps.length === 0) throw new Error('a workflow needs a step');
    if (new Set(plan.steps).size !== plan.steps.length) throw new Error('a workflow names a step twice');
    if (known !== undefined && known.name !== plan.name)
      throw new Error(`the run's workflow is ${known.name}, not ${plan.name}`);
    this.#plan = plan;
    this.#log = log;
    this.#counters = counters;
    this.#settle = settle;
  }

  async step<T extends Json>(name: string, fn: () => Promise<T>): Promise<T> {
    await this.#settle();
    if (this.#isInStep || name !== this.#plan.steps[this.#position])
      throw new Error(`step ${name} is not the next step of the workflow`);
    const index = this.#position + 1;
    const done = this.#log.journal.steps[index - 1];
    if (done !== undefined) {
      if (done.name !== name) throw new Error(`step ${index} of the run was ${done.name}, not ${name}`);
      this.#position = index;
      this.#counters.skipTo(done);
      // Stored by this very step: its result had this type then.
      return done.result as T;
    }
    this.#isInStep = true;
    this.#counters.enterStep(index);
    try {
      const before = this.#completed();
      if (this.#log.journal.stepsStarted < index)
        await this.#log.append([stepStarted(this.#plan, before)], (j) => j.stepsStarted >= index);
      const result = asStored(await fn(), `the result of step ${name}`);
      await this.#settle();
      await this.#log.append(
        [stepCompleted(this.#plan, [...before, { name, result }])],
        (j) => j.steps.length >= index,
      );
      this.#position = index;
      return result as T;
    } finally {
      this.#counters.leaveStep();
      this.#isInStep = false;
    }
  }

  async cancel(): Promise<void> {
    await this.#settle();
    const { workflow } = this.#log.journal;
    if (workflow === undefined || workflow.status === 'completed') return;
    await this.#log.append([workflowCanceled(workflow)], (j) => j.workflow?.status === 'canceled');
  }

  #completed(): StepResult[] {
    return this.#log.journal.steps.map(({ name, result }) => ({ name, result }));
  }
}
