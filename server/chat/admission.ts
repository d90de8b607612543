import { RateGate } from '../auth/rate-gate.ts';
import type { Clock } from '../clock.ts';
import { Crowd, type CrowdLimits } from '../crowd.ts';
import type { SocketSettings } from '../config.ts';
import type { Metrics } from '../metrics.ts';

/** A connection as it is counted. */
export interface Member {
  /** The address that it is counted by. */
  readonly address: string;
  /** It has to make room for another address. Called once it is no longer counted among those that wait. */
  evict(): void;
}

/** Why an upgrade is refused, and when to try again. */
export interface Turned {
  /** `rate`, `share`: the address has too many. `full`: there is no room for anybody. */
  readonly why: 'rate' | 'share' | 'full';
  readonly retryAfterMs: number;
}

export interface AdmissionOptions {
  readonly settings: Pick<
    SocketSettings,
    'connectionRatePerS' | 'maxConnectionsPerSubject' | 'maxUnauthenticated' | 'maxUnauthenticatedPerAddress'
  >;
  /** Connections that may be open: `MAX_CONNECTIONS`, or what the process's descriptors allow if that is less. */
  readonly maxConnections: number;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'connections' | 'unauthenticated'>;
}

/** When to try again where nobody knows when there will be room. */
const RETRY_MS = 1000;

/**
 * Who may come in: counts of open connections, and the rate of new ones by address. Connections that have not
 * authenticated are counted by address, so that no address takes the room of the others.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #limits: CrowdLimits;
  readonly #newByAddress: RateGate;
  readonly #waiting = new Crowd<Member>();
  readonly #bySubject = new Map<string, number>();
  #open = 0;

  constructor(options: AdmissionOptions) {
    const { settings, clock } = options;
    this.#options = options;
    this.#limits = { max: settings.maxUnauthenticated, maxPerAddress: settings.maxUnauthenticatedPerAddress };
    this.#newByAddress = new RateGate({ rate: settings.connectionRatePerS, perMs: 1000, clock });
  }

  get open(): number {
    return this.#open;
  }

  /** Whether an upgrade from this address is to be refused. Every answer counts towards the address's rate. */
  turnsAway(address: string): undefined | Turned {
    const waitMs = this.#newByAddress.take(address);
    if (waitMs > 0) return { why: 'rate', retryAfterMs: waitMs };
    if (this.#open >= this.#options.maxConnections) return { why: 'full', retryAfterMs: RETRY_MS };
    const entry = this.#waiting.judge(address, this.#limits);
    return entry.kind === 'refuse' ? { why: entry.why, retryAfterMs: RETRY_MS } : undefined;
  }

  /** Counts a new connection that was not turned away. Where there is no room, another one makes it. */
  enter(member: Member): void {
    const entry = this.#waiting.judge(member.address, this.#limits);
    this.#open++;
    this.#waiting.add(member.address, member);
    if (entry.kind === 'replace') {
      this.#waiting.remove(entry.member.address, entry.member);
      entry.member.evict();
    }
    this.#measure();
  }

  /** A connection has authenticated as `subject`. `false`: the subject has as many as it may. */
  authenticated(member: Member, subject: string): boolean {
    const count = this.#bySubject.get(subject) ?? 0;
    if (count >= this.#options.settings.maxConnectionsPerSubject) return false;
    this.#bySubject.set(subject, count + 1);
    this.#waiting.remove(member.address, member);
    this.#measure();
    return true;
  }

  /** A connection that had authenticated as `subject` was not let in after all, and may try again. */
  withdraw(member: Member, subject: string): void {
    this.#forget(subject);
    this.#waiting.add(member.address, member);
    this.#measure();
  }

  /** A connection is gone; `subject` if it had authenticated. */
  leave(member: Member, subject: undefined | string): void {
    this.#open--;
    if (subject === undefined) this.#waiting.remove(member.address, member);
    else this.#forget(subject);
    this.#measure();
  }

  #measure(): void {
    const { connections, unauthenticated } = this.#options.metrics;
    connections.set(this.#open);
    unauthenticated.set(this.#waiting.size);
  }

  #forget(subject: string): void {
    const count = (this.#bySubject.get(subject) ?? 1) - 1;
    if (count === 0) this.#bySubject.delete(subject);
    else this.#bySubject.set(subject, count);
  }
}
