import { disconnectedSince, isExpired } from '../liveness.ts';
import type { ExpireRequest, ExpireResult } from '../store.ts';
import { dropChunks } from './chunks.ts';
import { countSession } from './create.ts';
import { findSession, infoOf, type SessionRow } from './session-row.ts';
import type { Sql } from './sql.ts';

/** What follows from a session's log. */
export function dropFolded(sql: Sql, n: number): void {
  sql.run('DELETE FROM cell WHERE session = ?', n);
  sql.run('DELETE FROM known_id WHERE session = ?', n);
}

/** What a session has beside its log. */
function dropState(sql: Sql, n: number): void {
  dropFolded(sql, n);
  sql.run('DELETE FROM attachment WHERE session = ?', n);
}

export function dropLog(sql: Sql, n: number): void {
  sql.run('DELETE FROM event WHERE session = ?', n);
  sql.run('DELETE FROM annotation WHERE session = ?', n);
}

export function expire(sql: Sql, request: ExpireRequest): ExpireResult {
  const row = findSession(sql, request.sessionId);
  if (row === undefined) return { kind: 'missing' };
  if (row.archived_at !== null) return { kind: 'expired', successorId: row.successor_id ?? '' };
  const info = infoOf(sql, row);
  if (!request.force && !isExpired(info, request.now)) return { kind: 'alive' };
  dropState(sql, row.n);
  dropChunks(sql, row.n);
  sql.run(
    `UPDATE session SET archived_at = ?, archived_until = ?, successor_id = ?, last_seen_at = ?, hold_until = 0,
       lease_run = NULL, lease_attempt = NULL, lease_owner = NULL, lease_until = NULL
     WHERE n = ?`,
    request.now,
    request.archiveUntil,
    request.successorId,
    disconnectedSince(info, request.now) ?? request.now,
    row.n,
  );
  if (request.archiveUntil === 0) leavePointer(sql, row);
  return { kind: 'expired', successorId: request.successorId };
}

/** Takes everything but the way to the successor. */
function leavePointer(sql: Sql, row: SessionRow): void {
  dropLog(sql, row.n);
  sql.run(
    `UPDATE session SET listed = 0, title = NULL, last_message = NULL, log_bytes = 0,
       user_messages = 0, assistant_messages = 0, system_messages = 0
     WHERE n = ?`,
    row.n,
  );
  countSession(sql, row.subject, -1);
}

export function erase(sql: Sql, sessionId: string): void {
  const row = findSession(sql, sessionId);
  if (row === undefined) return;
  dropState(sql, row.n);
  dropLog(sql, row.n);
  sql.run('DELETE FROM chunk WHERE session = ?', row.n);
  sql.run('DELETE FROM session WHERE n = ?', row.n);
  if (row.listed === 1) countSession(sql, row.subject, -1);
}
