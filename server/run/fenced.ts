import type { NewEvent } from '../../protocol/chat/down.ts';
import { type Decide, refuse } from '../session/decision.ts';
import type { SessionState } from '../session/state.ts';

/** Who runs what: the fence of every write that an execution makes. */
export interface Fence {
  readonly runId: string;
  readonly attempt: number;
}

/** Whether the execution that holds the fence still has the run. */
export function holds(state: SessionState, fence: Fence): boolean {
  return state.run !== null && state.run.runId === fence.runId && state.run.attempt === fence.attempt;
}

/** The rule, only while the execution has the run; otherwise `conflict`. */
export function decideFenced(fence: Fence, decide: Decide): Decide {
  return (state, context) =>
    holds(state, fence) ? decide(state, context) : refuse('conflict', 'The run is in other hands');
}

/**
 * Appends these events unless they are in the log already: an append whose answer was lost is tried again, and must not
 * happen twice. `isDone` looks at what is in the log when the decision is made.
 */
export function decideOnce(events: readonly NewEvent[], isDone: () => boolean): Decide {
  return () =>
    isDone() ? { kind: 'nothing', doneBy: undefined } : { kind: 'append', events, acknowledge: 0 };
}
