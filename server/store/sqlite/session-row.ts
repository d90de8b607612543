import type { AttachmentInfo, Lease, SessionInfo } from '../store.ts';
import { optional, type Sql } from './sql.ts';

/** A row of the table `session`. */
export interface SessionRow {
  readonly n: number;
  readonly id: string;
  readonly epoch: string;
  readonly seq: number;
  readonly tag: null | string;
  readonly subject: string;
  readonly domain: string;
  readonly workspace: string;
  readonly listed: number;
  readonly title: null | string;
  readonly previous_id: null | string;
  readonly brief_ms: number;
  readonly medium_ms: number;
  readonly archive_ms: number;
  readonly attach_ttl_ms: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly last_seen_at: number;
  readonly hold_until: number;
  readonly alarm_at: null | number;
  readonly user_messages: number;
  readonly assistant_messages: number;
  readonly system_messages: number;
  readonly log_bytes: number;
  readonly lease_run: null | string;
  readonly lease_attempt: null | number;
  readonly lease_owner: null | string;
  readonly lease_until: null | number;
  readonly chunk_message: null | string;
  readonly chunk_run: null | string;
  readonly chunk_attempt: null | number;
  readonly chunk_count: number;
  readonly archived_at: null | number;
  readonly archived_until: null | number;
  readonly successor_id: null | string;
  readonly last_message: null | string;
}

export function findSession(sql: Sql, sessionId: string): undefined | SessionRow {
  return sql.get<SessionRow>('SELECT * FROM session WHERE id = ?', sessionId);
}

interface AttachmentRow {
  readonly connection: string;
  readonly node: string;
  readonly beat_at: number;
  readonly gone_at: null | number;
}

export function attachmentsOf(sql: Sql, n: number): AttachmentInfo[] {
  return sql
    .all<AttachmentRow>('SELECT connection, node, beat_at, gone_at FROM attachment WHERE session = ?', n)
    .map((row) => ({
      connectionId: row.connection,
      nodeId: row.node,
      beatAt: row.beat_at,
      goneAt: optional(row.gone_at),
    }));
}

export function leaseOf(row: SessionRow): undefined | Lease {
  if (row.lease_run === null) return undefined;
  return {
    runId: row.lease_run,
    attempt: row.lease_attempt ?? 0,
    owner: row.lease_owner ?? '',
    until: row.lease_until ?? 0,
  };
}

/** Whether the session's lease is that one; `until` is no part of the fence. */
export function holdsLease(row: SessionRow, fence: Omit<Lease, 'until'>): boolean {
  return (
    row.lease_run === fence.runId && row.lease_attempt === fence.attempt && row.lease_owner === fence.owner
  );
}

export function toInfo(row: SessionRow, attachments: readonly AttachmentInfo[]): SessionInfo {
  return {
    sessionId: row.id,
    epoch: row.epoch,
    seq: row.seq,
    tag: optional(row.tag),
    subject: row.subject,
    domain: row.domain,
    workspace: row.workspace,
    title: optional(row.title),
    previousId: optional(row.previous_id),
    policy: {
      briefMs: row.brief_ms,
      mediumMs: row.medium_ms,
      archiveMs: row.archive_ms,
      attachTtlMs: row.attach_ttl_ms,
    },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastMessage: optional(row.last_message),
    messageCounts: {
      user: row.user_messages,
      assistant: row.assistant_messages,
      system: row.system_messages,
    },
    logBytes: row.log_bytes,
    attachments,
    lastSeenAt: row.last_seen_at,
    holdUntil: row.hold_until,
    lease: leaseOf(row),
    alarmAt: optional(row.alarm_at),
    archived:
      row.archived_at === null
        ? undefined
        : { at: row.archived_at, until: row.archived_until ?? 0, successorId: row.successor_id ?? '' },
  };
}

/** The record as it stands now, attachments included. */
export function infoOf(sql: Sql, row: SessionRow): SessionInfo {
  return toInfo(row, attachmentsOf(sql, row.n));
}
