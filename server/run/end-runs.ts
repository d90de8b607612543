import { SessionGone } from '../session/gone.ts';
import type { LiveSession } from '../session/live-session.ts';
import { decideEndAll } from './decide-finish.ts';
import type { Ending } from './end-run.ts';

export const SESSION_EXPIRED: Ending = {
  outcome: 'canceled',
  error: { code: 'session_expired', message: 'The session has expired' },
};

export const SESSION_ERASED: Ending = {
  outcome: 'canceled',
  error: { code: 'session_erased', message: 'The session was erased' },
};

/**
 * Ends whatever is at work in a session that is itself about to end: what was streamed is kept, nothing stays open.
 * Several may want that at once (all devices that come back to an expired session): who comes second finds it done.
 * @throws StoreUnavailable
 * @throws SessionGone when the log was rewritten
 */
export async function endRuns(live: LiveSession, ending: Ending = SESSION_EXPIRED): Promise<void> {
  try {
    await live.execute({ decide: decideEndAll(ending), id: undefined, needsPartial: true });
  } catch (error) {
    if (!(error instanceof SessionGone) || error.reason === 'rewritten') throw error;
  }
}
