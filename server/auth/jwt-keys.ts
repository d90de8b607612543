import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import { permissionSchema } from '../../protocol/chat/handshake.ts';
import { label } from '../../protocol/ids.ts';
import { type JwtSettings, SESSION_AUDIENCE } from '../config.ts';
import { type Authentication, EXPIRED, INVALID, type Principal } from './principal.ts';

/** Three parts of base64url: only such a key is looked at as a JWT. */
const JWT_SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Of half a surrogate pair nothing is left in a store: two names would become one. */
const name = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => text.isWellFormed());
const claimsSchema = z.object({
  iss: name,
  sub: name,
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
  permissions: z.array(permissionSchema).min(1).default(['chat']),
  workspaces: z.array(label).min(1).optional(),
  retention: z.string().max(64).optional(),
});

/** Marks principals that came by a JWT: they end by their own `exp`, no file can revoke them. */
export const JWT_KEY_ID = 'jwt';

/** The smallest RSA key that is taken, in bits. */
const MIN_RSA_BITS = 2048;
/** The curves of ES algorithms, by their names in OpenSSL. */
const CURVES: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1' };

/**
 * The subject of a JWT. No two pairs of issuer and subject have the same: the last colon is the one between them, as
 * those of the subject are written `%3A`, and its percent signs `%25`. At most 1 029 characters.
 */
export function jwtSubject(iss: string, sub: string): string {
  return `jwt:${iss}:${sub.replaceAll('%', '%25').replaceAll(':', '%3A')}`;
}

/** Verifies JWTs that serve as API keys, by one algorithm and one key. */
export class JwtKeys {
  readonly #settings: JwtSettings;
  readonly #key: KeyObject;

  private constructor(settings: JwtSettings, key: KeyObject) {
    this.#settings = settings;
    this.#key = key;
  }

  /** Prepares the key, or answers what is wrong with it in a line that does not show it. */
  static create(settings: JwtSettings): { ok: true; keys: JwtKeys } | { ok: false; fault: string } {
    const { algorithm } = settings;
    if (algorithm.startsWith('HS')) {
      return { ok: true, keys: new JwtKeys(settings, createSecretKey(settings.secretOrPublicKey, 'utf8')) };
    }
    let key: KeyObject;
    // Node would take its public half, and anybody who can read the settings could sign keys.
    if (settings.secretOrPublicKey.includes('PRIVATE KEY'))
      return { ok: false, fault: 'JWT_PUBLIC_KEY must be the public key, not the private one that signs' };
    try {
      key = createPublicKey(settings.secretOrPublicKey);
    } catch {
      return { ok: false, fault: 'JWT_PUBLIC_KEY must be a public key in PEM form' };
    }
    const fault = publicKeyFault(key, algorithm);
    return fault === undefined
      ? { ok: true, keys: new JwtKeys(settings, key) }
      : { ok: false, fault: `JWT_PUBLIC_KEY ${fault}` };
  }

  static looksLikeOne(apiKey: string): boolean {
    return JWT_SHAPE.test(apiKey);
  }

  authenticate(token: string, now: number): Authentication {
    const { algorithm, audience, issuer } = this.#settings;
    let payload: unknown;
    try {
      payload = jwt.verify(token, this.#key, {
        algorithms: [algorithm],
        audience,
        ...(issuer !== undefined && { issuer }),
        clockTimestamp: Math.floor(now / 1000),
      });
    } catch (error) {
      return error instanceof jwt.TokenExpiredError ? EXPIRED : INVALID;
    }
    const claims = claimsSchema.safeParse(payload);
    if (!claims.success) return INVALID;
    const { iss, sub, aud, exp, permissions, workspaces, retention } = claims.data;
    // Signed by the same secret or not: a session token names a session and must never open one by itself.
    if (aud === SESSION_AUDIENCE || aud.includes(SESSION_AUDIENCE)) return INVALID;
    const principal: Principal = {
      subject: jwtSubject(iss, sub),
      permissions,
      workspaces,
      retention,
      keyId: JWT_KEY_ID,
      expiresAt: exp * 1000,
    };
    return { kind: 'ok', principal };
  }
}

/** What is wrong with a public key under an algorithm, if anything. */
function publicKeyFault(key: KeyObject, algorithm: string): undefined | string {
  const details = key.asymmetricKeyDetails;
  const curve = CURVES[algorithm];
  if (curve !== undefined)
    return key.asymmetricKeyType === 'ec' && details?.namedCurve === curve
      ? undefined
      : `must be a key of the curve ${curve}, which JWT_ALGORITHM=${algorithm} needs`;
  if (key.asymmetricKeyType !== 'rsa') return `must be an RSA key, which JWT_ALGORITHM=${algorithm} needs`;
  return (details?.modulusLength ?? 0) < MIN_RSA_BITS ? `must have at least ${MIN_RSA_BITS} bits` : undefined;
}
