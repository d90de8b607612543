import type { Decide } from '../session/decision.ts';
import { type Ending, endActiveRun, endingAppend, keptPartial, runFinished } from './end-run.ts';

export { decideInputRespond } from './decide-input.ts';

const CANCELED: Ending = { outcome: 'canceled', error: undefined };

/** Ends a run for good, wherever it stands: the one in hand, or one that waits. */
export function decideCancel(runId: string, ending: Ending = CANCELED): Decide {
  return (state, context) => {
    const queued = state.queue.find((run) => run.runId === runId);
    if (queued !== undefined) {
      const events = [runFinished(queued, 0, ending)];
      const isAtWork = state.run !== null && state.run.pendingInputs.length === 0;
      const wasLast = !isAtWork && state.queue.length === 1;
      return {
        kind: 'append',
        events,
        acknowledge: 0,
        // Nothing is left that would keep the session from expiring.
        ...(wasLast ? { holdUntil: context.now } : {}),
      };
    }
    if (state.run?.runId !== runId) return { kind: 'nothing', doneBy: undefined };
    const events = endActiveRun(state.run, keptPartial(state.run, context.partial), ending);
    return endingAppend(events, events.length - 1, context.now);
  };
}
