import { AUTHENTICATED_MESSAGE } from '../../protocol/chat/handshake.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import { policyOf } from '../session/policy.ts';
import { absence, restoredFrame } from '../session/restore.ts';
import type { ChunkBuffer } from '../store/store.ts';
import type { Admitted } from './authenticate.ts';
import type { ChatDeps } from './chat-deps.ts';
import type { Cursor, Missed } from './outbound.ts';

/** What a connection that was let in is told, in order, and from where it follows its session. */
export interface Greeting {
  readonly frames: readonly string[];
  /** The events that it missed, up to the cursor. */
  readonly missed: undefined | Missed;
  readonly cursor: Cursor;
}

/** The first chunks of the message in flight, as many as fit into `maxBytes`: the others follow as they would have come. */
function beginningOf(buffer: ChunkBuffer, maxBytes: number): ChunkBuffer {
  let [count, bytes] = [0, 0];
  for (const { length } of buffer.chunks) {
    bytes += length;
    if (bytes > maxBytes) return { ...buffer, chunks: buffer.chunks.slice(0, count) };
    count++;
  }
  return buffer;
}

/**
 * `connection_success`, `message_delivered`, `session_restored` (unless the session is fresh), then the missed events.
 * All of it shows one atomic reading of the session.
 */
export function greet(
  admitted: Admitted,
  connectionId: string,
  requestId: undefined | string,
  deps: ChatDeps,
): Greeting {
  const { principal, attachment, formerConnectionId } = admitted;
  const { outcome, opened, previousSessionId, former } = attachment.attached;
  const { info, content } = opened;
  const { sockets } = deps.settings;
  const chunks = opened.chunks && beginningOf(opened.chunks, sockets.pageBytes);
  const now = deps.clock.now();
  const away = absence(former ?? info, formerConnectionId, now);
  const tier = outcome === 'expired' ? 'expired' : outcome === 'fresh' ? 'brief' : away.tier;
  const success = {
    type: 'connection_success',
    data: {
      message: 'Connected',
      session_id: info.sessionId,
      session_token: deps.tokens.issue({
        sessionId: info.sessionId,
        subject: info.subject,
        domain: info.domain,
        workspace: info.workspace,
        storeId: deps.store.storeId,
        connectionId,
      }),
      position: { epoch: info.epoch, seq: info.seq, ...(info.tag === undefined ? {} : { tag: info.tag }) },
      outcome,
      tier,
      ...(previousSessionId === undefined ? {} : { previous_session_id: previousSessionId }),
      user: { subject: principal.subject, permissions: principal.permissions },
      heartbeat_interval_ms: sockets.heartbeatIntervalMs,
      reconnect: { min_ms: sockets.reconnectMinMs, max_ms: sockets.reconnectMaxMs, jitter: 'full' },
      protocol_version: PROTOCOL_VERSION,
      node_id: deps.nodeId,
    },
    ...(requestId === undefined ? {} : { reply_to: requestId }),
  };
  const delivered = {
    type: 'message_delivered',
    data: { message: AUTHENTICATED_MESSAGE, original_type: 'connect', status: 'success' },
    ...(requestId === undefined ? {} : { reply_to: requestId }),
  };
  const frames = [JSON.stringify(success), JSON.stringify(delivered)];
  deps.metrics.restores[outcome].inc();
  if (outcome !== 'fresh') {
    deps.metrics.restoreTiers[tier].inc();
    const { mediumMs } = policyOf(deps.settings.sessions, principal.retention);
    const fields = {
      outcome,
      opened: { ...opened, chunks },
      absence: away,
      previousSessionId,
      expiresInMs: mediumMs,
      now,
    };
    frames.push(restoredFrame(fields));
  }
  const missed = content.mode === 'replay' ? content : undefined;
  const partial =
    chunks === undefined
      ? undefined
      : {
          messageId: chunks.messageId,
          attempt: chunks.attempt,
          nextIndex: chunks.fromIndex + chunks.chunks.length,
        };
  return { frames, missed, cursor: { seq: info.seq, partial } };
}
