import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import { permissionSchema } from '../../protocol/chat/handshake.ts';
import { label } from '../../protocol/ids.ts';
import { type JwtSettings, SESSION_AUDIENCE } from '../config.ts';
import { type Authentication, EXPIRED, INVALID, type Principal } from './principal.ts';

/** Three parts of base64url: only such a key is looked at as a JWT. */
const JWT_SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

const claimsSchema = z.object({
  iss: z.string().min(1).max(256),
  sub: z.string().min(1).max(256),
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
  permissions: z.array(permissionSchema).min(1).default(['chat']),
  workspaces: z.array(label).min(1).optional(),
  retention: z.string().max(64).optional(),
});

/** Marks principals that came by a JWT: they end by their own `exp`, no file can revoke them. */
export const JWT_KEY_ID = 'jwt';

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
    try {
      key = createPublicKey(settings.secretOrPublicKey);
    } catch {
      return { ok: false, fault: 'JWT_PUBLIC_KEY is not a public key in PEM form' };
    }
    const wanted = algorithm.startsWith('ES') ? 'ec' : 'rsa';
    if (key.asymmetricKeyType !== wanted)
      return { ok: false, fault: `JWT_PUBLIC_KEY is not of the kind that JWT_ALGORITHM=${algorithm} needs` };
    return { ok: true, keys: new JwtKeys(settings, key) };
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
      subject: `jwt:${iss}:${sub}`,
      permissions,
      workspaces,
      retention,
      keyId: JWT_KEY_ID,
      expiresAt: exp * 1000,
    };
    return { kind: 'ok', principal };
  }
}
