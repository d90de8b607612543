import type { PolicyText } from './checks.ts';
import type { ReadValues } from './read.ts';

const DAY_MS = 86_400_000;

/** How long a session outlives its last connection, and its transcript the session (0: not at all). */
export interface RetentionPolicy {
  readonly briefMs: number;
  readonly mediumMs: number;
  readonly archiveMs: number;
}

/** The policy for everybody, and those that keys may name. */
export function readRetention({ values, isSet, faults }: ReadValues): {
  retention: RetentionPolicy;
  policies: ReadonlyMap<string, RetentionPolicy>;
} {
  const mediumMs = values.SESSION_TIER_MEDIUM_MS;
  const briefMs = values.SESSION_TIER_BRIEF_MS;
  if (isSet('SESSION_TIER_BRIEF_MS') && isSet('SESSION_TIER_MEDIUM_MS') && briefMs > mediumMs)
    faults.push('SESSION_TIER_BRIEF_MS must not be longer than SESSION_TIER_MEDIUM_MS');
  // Where only one of the two is set, the other's default gives way.
  const retention: RetentionPolicy = {
    briefMs: isSet('SESSION_TIER_BRIEF_MS') ? briefMs : Math.min(briefMs, mediumMs),
    mediumMs: isSet('SESSION_TIER_MEDIUM_MS') ? mediumMs : Math.max(briefMs, mediumMs),
    archiveMs: values.THREAD_ARCHIVE_DAYS * DAY_MS,
  };
  const policies = new Map<string, RetentionPolicy>();
  for (const [name, text] of Object.entries<PolicyText[string]>(values.RETENTION_POLICIES)) {
    if (text.brief_ms !== undefined && text.medium_ms !== undefined && text.brief_ms > text.medium_ms)
      faults.push(`RETENTION_POLICIES ${name}: brief_ms must not be longer than medium_ms`);
    policies.set(name, policyOf(text, retention));
  }
  return { retention, policies };
}

function policyOf(text: PolicyText[string], base: RetentionPolicy): RetentionPolicy {
  const mediumMs = text.medium_ms ?? Math.max(base.mediumMs, text.brief_ms ?? 0);
  return {
    briefMs: text.brief_ms ?? Math.min(base.briefMs, mediumMs),
    mediumMs,
    archiveMs: text.archive_days === undefined ? base.archiveMs : text.archive_days * DAY_MS,
  };
}
