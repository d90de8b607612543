import { goneAt } from '../store/liveness.ts';
import type { SessionInfo } from '../store/store.ts';

/** A node that did not reach the store for longer than this was cut off from it, or slept, and others may have been as well. */
const CUT_OFF_MS = 5000;

/**
 * How long this node has been in touch with the store without a break. After a break connections of any node may seem
 * gone only because it could not say that they are alive: until all have beaten again nothing expires for their sake.
 */
export class StoreContact {
  readonly #breakMs: number;
  #lastAt = Number.POSITIVE_INFINITY;
  #backAt = Number.NEGATIVE_INFINITY;

  /** `intervalMs`: how often somebody says `reached`. */
  constructor(intervalMs: number) {
    this.#breakMs = Math.max(CUT_OFF_MS, 3 * intervalMs);
  }

  /** The store has answered. */
  reached(now: number): void {
    if (this.#isBroken(now)) this.#backAt = now;
    this.#lastAt = now;
  }

  /** This node was at work with the store all the time since it last said something: that was no break. */
  wasBusy(now: number): void {
    this.#lastAt = now;
  }

  /** The clock was moved by hand: nobody was cut off for that. */
  clockMoved(ms: number): void {
    this.#lastAt += ms;
  }

  /** Until when it is not known who is connected; a moment in the past: it is. */
  doubtfulUntil(attachTtlMs: number, now: number): number {
    return (this.#isBroken(now) ? now : this.#backAt) + attachTtlMs;
  }

  /** Whether one of the session's connections, gone as far as the store knows, may be alive. */
  mayBeConnected({ attachments, policy }: Pick<SessionInfo, 'attachments' | 'policy'>, now: number): boolean {
    if (now > this.doubtfulUntil(policy.attachTtlMs, now)) return false;
    // One that was detached is gone for certain.
    return attachments.some(
      (a) => a.goneAt === undefined && goneAt(a, policy.attachTtlMs, now) !== undefined,
    );
  }

  #isBroken(now: number): boolean {
    return now - this.#lastAt > this.#breakMs;
  }
}
