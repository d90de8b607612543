import type { Thread } from '../../protocol/http/threads.ts';
import { disconnectedSince, expiresAt } from '../store/liveness.ts';
import type { SessionInfo } from '../store/store.ts';

type Life = Pick<Thread, 'tier' | 'expires_in_ms' | 'archived'>;

/** How a session stands at `now`. What has expired shows as archived at once, whether or not a sweep has come by. */
export function lifeOf(info: SessionInfo, now: number): Life {
  const since = disconnectedSince(info, now);
  const end = expiresAt(info, now);
  if (info.archived !== undefined || (end !== undefined && now > end))
    return { tier: 'expired', expires_in_ms: null, archived: true };
  if (since === undefined || end === undefined)
    return { tier: 'brief', expires_in_ms: null, archived: false };
  const tier = now - since <= info.policy.briefMs ? 'brief' : 'medium';
  return { tier, expires_in_ms: end - now, archived: false };
}

/** A session as the list of threads shows it. */
export function threadOf(info: SessionInfo, now: number): Thread {
  const { user, assistant, system } = info.messageCounts;
  return {
    session_id: info.sessionId,
    title: info.title ?? null,
    domain: info.domain,
    workspace: info.workspace,
    last_message: info.lastMessage === undefined ? null : JSON.parse(info.lastMessage),
    message_count: user + assistant + system,
    ...lifeOf(info, now),
    created_at: new Date(info.createdAt).toISOString(),
    updated_at: new Date(info.updatedAt).toISOString(),
  };
}

/** Whether the session is still to be shown: not once its archive ran out, or where expiry leaves none. */
export function isShown(info: SessionInfo, now: number): boolean {
  if (info.archived !== undefined) return now <= info.archived.until;
  return info.policy.archiveMs > 0 || !lifeOf(info, now).archived;
}
