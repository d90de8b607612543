/**
 * The environment, in which development keys hold outside production beside whatever else it sets: tests use them with
 * key files and JWTs of their own. What the environment itself says of them counts; empty is as unset.
 */
export function withDevelopmentKeys(env: Readonly<Record<string, string>> = {}): Record<string, string> {
  return env.NODE_ENV === 'production' ? { ...env } : { ALLOW_DEVELOPMENT_KEYS: 'true', ...env };
}
