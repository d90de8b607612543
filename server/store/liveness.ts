import type { SessionInfo } from './store.ts';

type Presence = Pick<SessionInfo, 'attachments' | 'lastSeenAt' | 'policy' | 'holdUntil'>;

/** When the attachment went, or `undefined` while it is alive: a silent one went with its last sign of life. */
export function goneAt(
  attachment: { readonly beatAt: number; readonly goneAt: undefined | number },
  attachTtlMs: number,
  now: number,
): undefined | number {
  if (attachment.goneAt !== undefined) return attachment.goneAt;
  return now - attachment.beatAt > attachTtlMs ? attachment.beatAt : undefined;
}

/** Since when the session has had no connection, or `undefined` while it has one. */
export function disconnectedSince(presence: Presence, now: number): undefined | number {
  let latest = presence.lastSeenAt;
  for (const attachment of presence.attachments) {
    const gone = goneAt(attachment, presence.policy.attachTtlMs, now);
    if (gone === undefined) return undefined;
    latest = Math.max(latest, gone);
  }
  return latest;
}

/** When the session's time runs out if nobody comes back, or `undefined` while somebody is there. Inclusive: it is still alive then. */
export function expiresAt(presence: Presence, now: number): undefined | number {
  const since = disconnectedSince(presence, now);
  return since === undefined ? undefined : Math.max(since + presence.policy.mediumMs, presence.holdUntil);
}

/** Whether the session's time has run out. The drivers' own checks follow this function. */
export function isExpired(presence: Presence, now: number): boolean {
  const at = expiresAt(presence, now);
  return at !== undefined && now > at;
}
