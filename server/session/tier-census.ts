import type { Policy } from '../store/store.ts';

/** Sessions that this node knows of, by where they stand. */
export interface TierCounts {
  readonly attached: number;
  readonly brief: number;
  readonly medium: number;
}

/** How many sessions without a connection are remembered; beyond it the one that left first is forgotten. */
const MAX_AWAY = 100_000;

/**
 * Counts sessions by tier for the metrics: those whose last connection left this node, until they come back here or
 * their time runs out. One that comes back through another node is counted twice for so long: the store's truth would
 * cost a scan.
 */
export class TierCensus {
  readonly #away = new Map<string, { readonly since: number; readonly policy: Policy }>();

  left(sessionId: string, policy: Policy, now: number): void {
    this.#away.delete(sessionId);
    this.#away.set(sessionId, { since: now, policy });
    if (this.#away.size <= MAX_AWAY) return;
    const [oldest] = this.#away.keys();
    if (oldest !== undefined) this.#away.delete(oldest);
  }

  returned(sessionId: string): void {
    this.#away.delete(sessionId);
  }

  count(attached: number, now: number): TierCounts {
    let brief = 0;
    let medium = 0;
    for (const [sessionId, { since, policy }] of this.#away) {
      const awayMs = now - since;
      if (awayMs > policy.mediumMs) this.#away.delete(sessionId);
      else if (awayMs > policy.briefMs) medium++;
      else brief++;
    }
    return { attached, brief, medium };
  }
}
