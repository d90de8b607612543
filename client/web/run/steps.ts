import type { Workflow } from '../../../protocol/chat/run.ts';
import type { Json } from '../../../protocol/json.ts';

export type StepState = 'done' | 'running' | 'waiting' | 'coming' | 'failed' | 'canceled';

export interface Step {
  /** From 1. */
  readonly index: number;
  readonly name: string;
  readonly state: StepState;
  /** What it came to, once done. */
  readonly result: Json | undefined;
}

/** The track of a workflow: what is done, what is in hand (the first that is pending), what is to come. */
export function stepsOf(workflow: Workflow, working: boolean): readonly Step[] {
  const done = workflow.completed.map(
    ({ name, result }, i): Step => ({ index: i + 1, name, state: 'done', result }),
  );
  const rest = workflow.pending.map(
    (name, i): Step => ({
      index: done.length + i + 1,
      name,
      state: i === 0 ? inHand(workflow.status, working) : 'coming',
      result: undefined,
    }),
  );
  return [...done, ...rest];
}

function inHand(status: Workflow['status'], working: boolean): StepState {
  switch (status) {
    case 'waiting_input':
      return 'waiting';
    case 'failed':
      return 'failed';
    case 'canceled':
      return 'canceled';
    case 'running':
      // Its run is over and nobody said how.
      return working ? 'running' : 'canceled';
    case 'completed':
      return 'done';
  }
}
