import { RateGate } from '../auth/rate-gate.ts';
import type { Clock } from '../clock.ts';
import type { SocketSettings } from '../config.ts';
import type { Metrics } from '../metrics.ts';

/** Who may come in: counts of open connections, and rates by address. */
export class Admission {
  readonly #settings: SocketSettings;
  readonly #metrics: Metrics;
  readonly #newByAddress: RateGate;
  readonly #failedByAddress: RateGate;
  readonly #bySubject = new Map<string, number>();
  #open = 0;
  #unauthenticated = 0;

  /** `failedAuth`: failed attempts by address, which all planes share. */
  constructor(settings: SocketSettings, failedAuth: RateGate, clock: Clock, metrics: Metrics) {
    this.#settings = settings;
    this.#metrics = metrics;
    this.#newByAddress = new RateGate({ rate: settings.connectionRatePerS, perMs: 1000, clock });
    this.#failedByAddress = failedAuth;
  }

  get open(): number {
    return this.#open;
  }

  /** Whether there is room for one more socket at all. */
  hasRoom(): boolean {
    const { maxConnections, maxUnauthenticated } = this.#settings;
    return this.#open < maxConnections && this.#unauthenticated < maxUnauthenticated;
  }

  /** Counts a new socket. The answer is how long its address has to wait, 0 when it is welcome. */
  enter(address: string): number {
    this.#open++;
    this.#unauthenticated++;
    this.#metrics.connections.set(this.#open);
    this.#metrics.unauthenticated.set(this.#unauthenticated);
    return Math.max(this.#newByAddress.take(address), this.#failedByAddress.check(address));
  }

  /** A socket has authenticated as `subject`. `false`: the subject has as many as it may. */
  authenticated(subject: string): boolean {
    const count = this.#bySubject.get(subject) ?? 0;
    if (count >= this.#settings.maxConnectionsPerSubject) return false;
    this.#bySubject.set(subject, count + 1);
    this.#unauthenticated--;
    this.#metrics.unauthenticated.set(this.#unauthenticated);
    return true;
  }

  /** A socket that had authenticated as `subject` was not let in after all, and may try again. */
  withdraw(subject: string): void {
    this.#forget(subject);
    this.#unauthenticated++;
    this.#metrics.unauthenticated.set(this.#unauthenticated);
  }

  /** An attempt to authenticate failed. The answer is how long the address has to wait from now on. */
  failed(address: string): number {
    this.#metrics.authFailures.inc();
    return this.#failedByAddress.take(address);
  }

  /** A socket is gone; `subject` if it had authenticated. */
  leave(subject: undefined | string): void {
    this.#open--;
    this.#metrics.connections.set(this.#open);
    if (subject === undefined) {
      this.#unauthenticated--;
      this.#metrics.unauthenticated.set(this.#unauthenticated);
      return;
    }
    this.#forget(subject);
  }

  #forget(subject: string): void {
    const count = (this.#bySubject.get(subject) ?? 1) - 1;
    if (count === 0) this.#bySubject.delete(subject);
    else this.#bySubject.set(subject, count);
  }
}
