import { isLoopbackName } from './hosts.ts';
import type { ReadValues } from './read.ts';

/** What exists outside production only. */
export interface DevelopmentSettings {
  /** Keys that everybody knows. */
  readonly developmentKeys: undefined | { readonly all: string; readonly chat: string };
  readonly debugEndpoints: boolean;
}

/**
 * Reads whether keys that everybody knows hold, and whether the clock can be moved. By itself that is so only where the
 * server is for this machine alone and has no other keys: everywhere else `NODE_ENV` may have been forgotten, and the
 * settings must say it.
 */
export function readDevelopment(read: ReadValues): DevelopmentSettings {
  const { values, isFaulty, faults } = read;
  const { ALLOW_DEVELOPMENT_KEYS: allowed, DEBUG_ENDPOINTS: debug } = values;
  if (values.NODE_ENV === 'production') {
    for (const name of ['DEBUG_ENDPOINTS', 'ALLOW_DEVELOPMENT_KEYS'] as const)
      if (values[name] === true) faults.push(`${name} must not be true in production`);
    return { developmentKeys: undefined, debugEndpoints: false };
  }
  const isLocal = isLoopbackName(values.HOST);
  const signs = signsOfUse(read);
  if (
    allowed === undefined &&
    signs.length > 0 &&
    !isFaulty('NODE_ENV') &&
    !isFaulty('ALLOW_DEVELOPMENT_KEYS')
  )
    faults.push(
      `NODE_ENV must be production where ${signs.join(' and ')}: otherwise keys that everybody knows would hold. ` +
        'To go on outside production, set ALLOW_DEVELOPMENT_KEYS=true to let them hold, or ALLOW_DEVELOPMENT_KEYS=false to do without them',
    );
  if (debug === true && !isLocal && allowed === false)
    faults.push(
      'DEBUG_ENDPOINTS must not be true where HOST is not a loopback address, unless ALLOW_DEVELOPMENT_KEYS=true',
    );
  return {
    developmentKeys: allowed === false ? undefined : { all: 'development', chat: values.TEST_API_KEY },
    debugEndpoints: debug ?? (isLocal && allowed !== false),
  };
}

/** What says that the server is there for more than trying it out on one machine. */
function signsOfUse({ values, isSet }: ReadValues): readonly string[] {
  const set = (
    ['API_KEYS_FILE', 'JWT_SECRET', 'JWT_PUBLIC_KEY', 'TRUST_PROXY', 'PUBLIC_HOSTS'] as const
  ).filter(isSet);
  return [
    ...(isLoopbackName(values.HOST) ? [] : ['HOST is not a loopback address']),
    ...set.map((name) => `${name} is set`),
  ];
}
