import type { Keep } from './keep.ts';

/** A reload finds the lock of the page before it given back within this time; a duplicate of a tab never does. */
const PATIENCE_MS = 500;

/**
 * Makes sure that no other tab lives with the same storage: duplicating a tab copies it, and two clients with one outbox
 * would send the same things. The lock is held for as long as the page lives.
 */
export async function claimTab(keep: Keep, locks: LockManager | undefined = navigator.locks): Promise<void> {
  // Only pages from a safe origin have locks; without them a duplicate is not noticed.
  if (locks === undefined) return;
  if (await claim(keep.tab, locks)) return;
  keep.takeOver();
  await claim(keep.tab, locks);
}

function claim(tab: string, locks: LockManager): Promise<boolean> {
  return new Promise((resolve) => {
    locks
      .request(`holdfast.${tab}`, { signal: AbortSignal.timeout(PATIENCE_MS) }, () => {
        resolve(true);
        // Never given back by itself: the browser does when the page goes.
        return new Promise<void>(() => {});
      })
      .catch(() => resolve(false));
  });
}
