import type { Store } from '../store/store.ts';

/** Why a session is no longer live on a node. Only what was erased is over for its people; they come back to the others. */
export type GoneReason =
  | 'erased'
  /** Its time had run out, by the word of another node: whoever comes back is led to its successor. */
  | 'expired'
  /** Its log is not the one that this node knew. */
  | 'rewritten';

/** The session is no longer live here. */
export class SessionGone extends Error {
  override readonly name = 'SessionGone';
  readonly reason: GoneReason;

  constructor(reason: GoneReason) {
    super(`the session is gone: ${reason}`);
    this.reason = reason;
  }

  shouldRetry(): boolean {
    return this.reason !== 'erased';
  }
}

/**
 * Why the store does not take or name the session any more. `storeId` is what the store's id was when the session became
 * live here: a store that has lost everything has another. Never rejects: in doubt people come back and are told.
 */
export async function whyGone(store: Store, sessionId: string, storeId: string): Promise<GoneReason> {
  try {
    const info = await store.info(sessionId);
    if (info !== undefined) return info.archived === undefined ? 'rewritten' : 'expired';
    await store.ping();
    return store.storeId === storeId ? 'erased' : 'rewritten';
  } catch {
    return 'rewritten';
  }
}
