import type { Clock } from '../clock.ts';

export interface RateGateOptions {
  /** How many are allowed in `perMs`; `Infinity`: any number. */
  readonly rate: number;
  readonly perMs: number;
  /** How many are allowed at once; `rate` when left out. */
  readonly burst?: number;
  /** How many keys are remembered; the one unused for longest is forgotten first, and has its full allowance again. */
  readonly maxKeys?: number;
  readonly clock: Clock;
}

/**
 * An allowance for each key (an address, a subject): says who has to wait, and how long. Kept as one number a key, the
 * time at which its allowance would be full again if nothing more came (the "generic cell rate algorithm").
 */
export class RateGate {
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  readonly #maxKeys: number;
  readonly #clock: Clock;
  readonly #fullAt = new Map<string, number>();

  constructor({ rate, perMs, burst = rate, maxKeys = 10_000, clock }: RateGateOptions) {
    this.#intervalMs = perMs / rate;
    this.#toleranceMs = rate === Infinity ? 0 : (burst - 1) * this.#intervalMs;
    this.#maxKeys = maxKeys;
    this.#clock = clock;
  }

  /** Takes one from the key's allowance. 0: it was there. Otherwise nothing was taken, and that many ms are to be waited. */
  take(key: string): number {
    if (this.#intervalMs === 0) return 0;
    const waitMs = this.check(key);
    const now = this.#clock.now();
    const fullAt = Math.max(this.#fullAt.get(key) ?? now, now) + (waitMs === 0 ? this.#intervalMs : 0);
    // Deleted first, so that the map's order is that of use.
    this.#fullAt.delete(key);
    this.#fullAt.set(key, fullAt);
    if (this.#fullAt.size > this.#maxKeys) {
      const [oldest] = this.#fullAt.keys();
      if (oldest !== undefined) this.#fullAt.delete(oldest);
    }
    return waitMs;
  }

  /** What `take` would answer, without taking. */
  check(key: string): number {
    const fullAt = this.#fullAt.get(key);
    if (fullAt === undefined) return 0;
    const waitMs = Math.ceil(fullAt - this.#clock.now() - this.#toleranceMs);
    // Nobody ever has to wait for more than one interval, unless the clock was set back since.
    if (waitMs > Math.ceil(this.#intervalMs)) {
      this.#fullAt.delete(key);
      return 0;
    }
    return Math.max(0, waitMs);
  }
}
