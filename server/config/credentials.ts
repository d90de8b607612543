import { split } from './kinds.ts';
import type { ReadValues } from './read.ts';
import type { Values } from './table.ts';

/** The shortest secret that production takes: as many bytes as HS256 has, fewer could be guessed from one token. */
const MIN_SECRET_BYTES = 32;
/** The shortest token that production takes for its metrics: it can only be tried over HTTP. */
const MIN_TOKEN_LENGTH = 16;

/** The audience of session tokens. A key with it is refused, and so is a configuration that would allow one. */
export const SESSION_AUDIENCE = 'holdfast:session';

/** How JWTs that serve as API keys are verified. */
export interface JwtSettings {
  readonly algorithm: Values['JWT_ALGORITHM'];
  /** The shared secret, or the public key as PEM. */
  readonly secretOrPublicKey: string;
  readonly audience: string;
  readonly issuer: undefined | string;
}

/** Reads the `JWT_*` settings together; `undefined`: JWTs are no keys here. */
export function readJwt({ values, isSet, faults }: ReadValues): undefined | JwtSettings {
  const { JWT_ALGORITHM: algorithm, JWT_AUDIENCE: audience, JWT_ISSUER: issuer } = values;
  if (!isSet('JWT_SECRET') && !isSet('JWT_PUBLIC_KEY')) {
    for (const name of ['JWT_AUDIENCE', 'JWT_ISSUER'] as const)
      if (isSet(name)) faults.push(`${name} needs JWT_SECRET or JWT_PUBLIC_KEY`);
    return undefined;
  }
  const wanted = algorithm.startsWith('HS') ? 'JWT_SECRET' : 'JWT_PUBLIC_KEY';
  const other = wanted === 'JWT_SECRET' ? 'JWT_PUBLIC_KEY' : 'JWT_SECRET';
  if (isSet(other))
    faults.push(`${other} does not go with JWT_ALGORITHM=${algorithm}, which needs ${wanted}`);
  const text = values[wanted] ?? '';
  const secretOrPublicKey = wanted === 'JWT_SECRET' ? text : text.replaceAll('\\n', '\n');
  if (secretOrPublicKey === '' && !isSet(other))
    faults.push(`${wanted} is required with JWT_ALGORITHM=${algorithm}`);
  if (audience === undefined) faults.push('JWT_AUDIENCE is required when JWTs are accepted');
  if (audience === SESSION_AUDIENCE) faults.push('JWT_AUDIENCE must not be the audience of session tokens');
  return { algorithm, secretOrPublicKey, audience: audience ?? '', issuer };
}

/** What signs session tokens; empty: one that the store keeps. */
export function readSessionSecrets({ values, faults }: ReadValues): readonly string[] {
  const secrets = split(values.SESSION_SECRET ?? '');
  if (secrets.length === 0 && values.NODE_ENV === 'production')
    faults.push('SESSION_SECRET is required in production');
  return secrets;
}

/** Names the secrets that production does not take: those that could be guessed, and one that serves two purposes. */
export function checkSecrets({ values, faults }: ReadValues): void {
  if (values.NODE_ENV !== 'production') return;
  const { SESSION_SECRET: sessions = '', JWT_SECRET: keys, METRICS_TOKEN: metrics } = values;
  const weak = (secret: string) => Buffer.byteLength(secret) < MIN_SECRET_BYTES;
  if (split(sessions).some(weak))
    faults.push(`SESSION_SECRET must have at least ${MIN_SECRET_BYTES} bytes in production, each of a list`);
  if (keys !== undefined && weak(keys))
    faults.push(`JWT_SECRET must have at least ${MIN_SECRET_BYTES} bytes in production`);
  if (keys !== undefined && [sessions, ...split(sessions)].includes(keys.trim()))
    faults.push('SESSION_SECRET must not be the same as JWT_SECRET in production');
  if (metrics !== undefined && metrics.length < MIN_TOKEN_LENGTH)
    faults.push(`METRICS_TOKEN must have at least ${MIN_TOKEN_LENGTH} characters in production`);
}
