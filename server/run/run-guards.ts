import type { Clock } from '../clock.ts';
import type { Lease, Store } from '../store/store.ts';
import type { Journal } from './journal.ts';
import type { RunLog } from './run-log.ts';

/** How many renewals fit into a lease: two may fail. */
const RENEWALS = 3;

/**
 * Keeps the lease of an execution while it runs. Stops the execution when the store says that the lease is another's, or
 * has not been heard from for as long as the lease lasts: somebody else may have the run then.
 */
export function keepLease(
  log: RunLog,
  store: Store,
  clock: Clock,
  lease: Lease,
  leaseMs: number,
): () => void {
  const sessionId = log.live.id;
  let until = lease.until;
  let isRenewing = false;
  const renew = async () => {
    const askedUntil = clock.now() + leaseMs;
    try {
      if (await store.renewLease(sessionId, { ...lease, until: askedUntil })) until = askedUntil;
      else log.stop('lost');
    } catch {
      // Out of reach: as long as the lease lasts there is hope.
    }
    isRenewing = false;
  };
  return clock.every(Math.max(1, Math.floor(leaseMs / RENEWALS)), () => {
    if (clock.now() > until && isRenewing) log.stop('lost');
    if (isRenewing) return;
    isRenewing = true;
    void renew().then(() => {
      if (clock.now() > until) log.stop('lost');
    });
  });
}

/**
 * Stops an execution that works for longer than `runMaxMs` (0: no limit). Waiting for the person does not count, and
 * after each wait the time begins anew, as it does for the session's expiry.
 */
export function limitTime(log: RunLog, clock: Clock, runMaxMs: number): () => void {
  if (runMaxMs <= 0) return () => {};
  let cancel: undefined | (() => void);
  const update = () => {
    if (isWaiting(log.journal)) {
      cancel?.();
      cancel = undefined;
    } else cancel ??= clock.after(runMaxMs, () => log.stop('timeout'));
  };
  update();
  const off = log.onChange(update);
  return () => {
    off();
    cancel?.();
  };
}

function isWaiting(journal: Journal): boolean {
  for (const { resolved } of journal.requests.values()) if (resolved === undefined) return true;
  return false;
}
