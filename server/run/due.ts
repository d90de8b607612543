import type { SessionState } from '../session/state.ts';
import { expiresAt, isExpired } from '../store/liveness.ts';
import type { SessionInfo } from '../store/store.ts';
import { hasExpired } from './decide-input.ts';
import type { Fence } from './fenced.ts';

/** What a session whose alarm went off needs. */
export type Due =
  /** Nothing yet: look again then (`Infinity`: never). */
  | { readonly kind: 'wait'; readonly until: number }
  /** That depends on what is at work: decide again with the state. */
  | { readonly kind: 'look' }
  /** A run that nobody has, or whose executor is lost. */
  | { readonly kind: 'claim'; readonly lost: undefined | Fence }
  /** Questions whose time has run out while nobody executes their run. */
  | { readonly kind: 'expire_inputs' }
  /** Its time has run out. What is at work ends with it. */
  | { readonly kind: 'expire' }
  /** Its archive's time has run out. */
  | { readonly kind: 'erase' };

export interface DueRules {
  /** How long the pointer to a successor is kept of a session without archive: as long as a token can name it. `Infinity`: for ever. */
  readonly forgetMs: number;
}

type DueInfo = Pick<
  SessionInfo,
  'archived' | 'lease' | 'policy' | 'attachments' | 'lastSeenAt' | 'holdUntil'
>;

/** What is to be done about a session at `now`. `state` must be of the same head as `info`; without it the answer may be `look`. */
export function decideDue(info: DueInfo, state: undefined | SessionState, now: number, rules: DueRules): Due {
  if (info.archived !== undefined) return archiveDue(info.archived, now, rules);
  const leasedUntil = info.lease !== undefined && info.lease.until >= now ? info.lease.until : undefined;
  if (isExpired(info, now)) {
    if (leasedUntil === undefined) return { kind: 'expire' };
    if (state === undefined) return { kind: 'look' };
    // One that works has had its time too: its executor is about to end it.
    return state.run?.state === 'running' ? { kind: 'wait', until: leasedUntil + 1 } : { kind: 'expire' };
  }
  const idleUntil = idleAlarm(info, now);
  // Whoever has the lease looks after the run and its questions.
  if (leasedUntil !== undefined) return { kind: 'wait', until: Math.min(leasedUntil + 1, idleUntil) };
  if (state === undefined) return { kind: 'look' };
  const { run, queue } = state;
  if (run === null && queue.length === 0) return { kind: 'wait', until: idleUntil };
  if (run?.pendingInputs.some((input) => hasExpired(input, now)) === true) return { kind: 'expire_inputs' };
  const isLost = run !== null && run.state !== 'recovering';
  return { kind: 'claim', lost: isLost ? { runId: run.runId, attempt: run.attempt } : undefined };
}

function archiveDue(archived: { at: number; until: number }, now: number, rules: DueRules): Due {
  const until = archived.until > 0 ? archived.until : archived.at + rules.forgetMs;
  return now > until ? { kind: 'erase' } : { kind: 'wait', until: until + 1 };
}

/** When an idle session must be looked at next. One that has a connection cannot expire sooner than its tier allows. */
export function idleAlarm(info: DueInfo, now: number): number {
  return (expiresAt(info, now) ?? now + info.policy.mediumMs) + 1;
}
