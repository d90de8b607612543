import { createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Clock } from '../clock.ts';
import { SESSION_AUDIENCE } from '../config.ts';

/** What a session token says. It authorises nothing without a key of the same subject. */
export interface SessionClaims {
  readonly sessionId: string;
  readonly subject: string;
  readonly domain: string;
  readonly workspace: string;
  /** The store that the session was in. */
  readonly storeId: string;
  /** The connection that it was issued to. */
  readonly connectionId: string;
}

export type TokenVerdict =
  | { readonly kind: 'ok'; readonly claims: SessionClaims }
  | { readonly kind: 'expired' }
  | { readonly kind: 'forged' };

/** The claims as they stand in the token: short, because every reconnect carries them. */
interface WireClaims {
  readonly aud: typeof SESSION_AUDIENCE;
  readonly sub: string;
  readonly sid: string;
  readonly dom: string;
  readonly wsp: string;
  readonly sto: string;
  readonly con: string;
  readonly iat: number;
  readonly exp?: number;
}

const ALGORITHM = 'HS256';
const TEXT_CLAIMS = ['sub', 'sid', 'dom', 'wsp', 'sto', 'con'] as const;

export interface SessionTokenOptions {
  /** At least one; the first signs, all verify. */
  readonly secrets: readonly string[];
  /** `Infinity`: for ever. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
}

/** Signs and verifies session tokens. */
export class SessionTokens {
  readonly #keys: readonly KeyObject[];
  readonly #signing: KeyObject;
  readonly #maxAgeMs: number;
  readonly #clock: Clock;

  constructor({ secrets, maxAgeMs, clock }: SessionTokenOptions) {
    const [first] = secrets;
    if (first === undefined) throw new Error('session tokens need a secret');
    this.#keys = secrets.map((secret) => createSecretKey(secret, 'utf8'));
    this.#signing = createSecretKey(first, 'utf8');
    this.#maxAgeMs = maxAgeMs;
    this.#clock = clock;
  }

  /** A new token. */
  issue(claims: SessionClaims): string {
    const issuedAt = this.#clock.now();
    const wire: WireClaims = {
      aud: SESSION_AUDIENCE,
      sub: claims.subject,
      sid: claims.sessionId,
      dom: claims.domain,
      wsp: claims.workspace,
      sto: claims.storeId,
      con: claims.connectionId,
      iat: Math.floor(issuedAt / 1000),
      ...(this.#maxAgeMs !== Infinity && { exp: Math.floor((issuedAt + this.#maxAgeMs) / 1000) }),
    };
    return jwt.sign(wire, this.#signing, { algorithm: ALGORITHM });
  }

  /** What the token says, if one of the secrets signed it and its time has not run out. */
  verify(token: string): TokenVerdict {
    for (const key of this.#keys) {
      try {
        const claims = read(
          jwt.verify(token, key, {
            algorithms: [ALGORITHM],
            audience: SESSION_AUDIENCE,
            clockTimestamp: Math.floor(this.#clock.now() / 1000),
          }),
        );
        return claims === undefined ? { kind: 'forged' } : { kind: 'ok', claims };
      } catch (error) {
        if (error instanceof jwt.TokenExpiredError) return { kind: 'expired' };
      }
    }
    return { kind: 'forged' };
  }
}

function read(payload: unknown): undefined | SessionClaims {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const claims = payload as WireClaims;
  if (TEXT_CLAIMS.some((name) => typeof claims[name] !== 'string')) return undefined;
  return {
    sessionId: claims.sid,
    subject: claims.sub,
    domain: claims.dom,
    workspace: claims.wsp,
    storeId: claims.sto,
    connectionId: claims.con,
  };
}
