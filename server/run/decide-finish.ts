import type { NewEvent } from '../../protocol/chat/down.ts';
import { type Decide, refuse } from '../session/decision.ts';
import type { SessionState } from '../session/state.ts';
import {
  type Ending,
  endActiveRun,
  endingAppend,
  keptPartial,
  type LastMessage,
  runFinished,
} from './end-run.ts';
import { workflowCanceled } from './workflow-position.ts';

/**
 * An execution ends the run in hand, in one append with the last message: `last` when the agent completed it (or left it
 * open), otherwise what was streamed is kept as it is. To be fenced by the caller.
 */
export function decideFinish(ending: Ending, last: undefined | LastMessage): Decide {
  return (state, { partial, now }) => {
    const { run } = state;
    if (run === null) return refuse('conflict', 'No run is in hand');
    const events = [
      ...(ending.outcome === 'completed' ? leftUndone(state, run.runId) : []),
      ...endActiveRun(run, last ?? keptPartial(run, partial), ending),
    ];
    return endingAppend(events, events.length - 1, now);
  };
}

/** An agent that is done before its workflow is has given it up. */
function leftUndone({ workflow }: SessionState, runId: string): NewEvent[] {
  if (workflow === null || workflow.workflow_id !== runId) return [];
  const isUnderWay = workflow.status === 'running' || workflow.status === 'waiting_input';
  return isUnderWay ? [workflowCanceled(workflow)] : [];
}

/** Ends everything that is at work, in hand or queued: the session itself is over. */
export function decideEndAll(ending: Ending): Decide {
  return ({ run, queue }, { partial, now }) => {
    if (run === null && queue.length === 0) return { kind: 'nothing', doneBy: undefined };
    const events = [
      ...(run === null ? [] : endActiveRun(run, keptPartial(run, partial), ending)),
      ...queue.map((waiting) => runFinished(waiting, 0, ending)),
    ];
    // Nothing holds the session any more: its time may have run out long ago.
    return { ...endingAppend(events, events.length - 1, now), holdUntil: 0 };
  };
}
