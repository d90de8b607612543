import type { RetentionPolicy, SessionSettings } from '../config.ts';
import type { Policy } from '../store/store.ts';

/** The retention policy that a key names; one that is not known any more is as for everybody. */
export function retentionOf(settings: SessionSettings, name: undefined | string): RetentionPolicy {
  return (name === undefined ? undefined : settings.policies.get(name)) ?? settings.retention;
}

/** The same as the store keeps it with a session. */
export function policyOf(settings: SessionSettings, name: undefined | string): Policy {
  const { briefMs, mediumMs, archiveMs } = retentionOf(settings, name);
  return { briefMs, mediumMs, archiveMs, attachTtlMs: settings.attachTtlMs };
}
