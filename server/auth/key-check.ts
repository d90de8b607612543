import type { Clock } from '../clock.ts';
import type { Count } from '../metrics.ts';
import type { KeyRing } from './key-ring.ts';
import type { Authentication } from './principal.ts';
import { RateGate } from './rate-gate.ts';

/**
 * Processor time per second that goes into signatures of unknown JWTs from addresses which have used up their failed
 * attempts: from one address, and from all of them. With much less, junk in the form of JWTs would keep out a good JWT of
 * the same address that was never seen before.
 */
const ADDRESS_MS_PER_S = 50;
const TOTAL_MS_PER_S = 200;

/** About how long one check of a signature takes, in ms, measured on a busy machine. */
export function signatureMs(algorithm: string): number {
  if (algorithm.startsWith('HS')) return 0.05;
  if (algorithm === 'ES256') return 0.5;
  return algorithm.startsWith('ES') ? 4 : 0.1;
}

export interface KeyCheckOptions {
  readonly keys: Pick<KeyRing, 'authenticate'>;
  /** Failed attempts that an address may make in a minute. */
  readonly failedPerMin: number;
  /** The algorithm of JWTs that serve as keys; `undefined`: there are none. */
  readonly jwtAlgorithm: undefined | string;
  readonly clock: Clock;
  readonly metrics: { readonly authFailures: Count };
}

/** What became of one try. `throttled`: the address has used up its failed attempts, and this key is not known as good. */
export type KeyVerdict = Authentication | { readonly kind: 'throttled'; readonly retryAfterMs: number };

/**
 * Checks keys for all planes, and counts each failed try when it is made, by address. An address that has used up its
 * failed attempts is told nothing more about its bad keys, but a good key is let in at all times: otherwise a
 * guesser would shut out every customer who shares an address with him.
 *
 * So a guesser does learn when a guess is right, however often he has failed: he is in. That is no oracle worth the name,
 * because keys are random: 256 bits are not found at any number of tries that a server can answer. It does mean that a
 * short, guessable key in the key file is not protected by the throttle. What a bad key was (unknown, revoked, expired)
 * is not told once the address is throttled, and looking costs one digest. Checking the signature of a JWT costs more:
 * one that was good before is known by its digest, others share an allowance for each throttled address.
 */
export class KeyCheck {
  readonly #keys: Pick<KeyRing, 'authenticate'>;
  readonly #metrics: { readonly authFailures: Count };
  readonly #failed: RateGate;
  readonly #signatures: { readonly ofAddress: RateGate; readonly ofAll: RateGate };

  constructor({ keys, failedPerMin, jwtAlgorithm, clock, metrics }: KeyCheckOptions) {
    this.#keys = keys;
    this.#metrics = metrics;
    this.#failed = new RateGate({ rate: failedPerMin, perMs: 60_000, clock });
    const costMs = jwtAlgorithm === undefined ? 1 : signatureMs(jwtAlgorithm);
    const gate = (msPerS: number) => new RateGate({ rate: msPerS / costMs, perMs: 1000, clock });
    this.#signatures = { ofAddress: gate(ADDRESS_MS_PER_S), ofAll: gate(TOTAL_MS_PER_S) };
  }

  /** Whom the key speaks for, tried from this address. */
  try(apiKey: string, address: string): KeyVerdict {
    const retryAfterMs = this.#failed.check(address);
    const answer =
      retryAfterMs === 0
        ? this.#keys.authenticate(apiKey)
        : this.#keys.authenticate(apiKey, () => this.#mayVerify(address));
    if (answer.kind === 'ok') return answer;
    this.#metrics.authFailures.inc();
    if (retryAfterMs > 0) return { kind: 'throttled', retryAfterMs };
    this.#failed.take(address);
    return answer;
  }

  #mayVerify(address: string): boolean {
    const { ofAddress, ofAll } = this.#signatures;
    return ofAddress.take(address) === 0 && ofAll.take('') === 0;
  }
}
