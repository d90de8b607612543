import type { CreateRequest, CreateResult } from '../store.ts';
import { attach } from './presence.ts';
import { findSession, infoOf } from './session-row.ts';
import { nullable, type Sql } from './sql.ts';

/** Keeps the number of a subject's listed sessions: counting them anew would cost as much as there are. */
export function countSession(sql: Sql, subject: string, by: 1 | -1): void {
  sql.run(
    `INSERT INTO subject (subject, sessions) VALUES (?, ?)
     ON CONFLICT (subject) DO UPDATE SET sessions = sessions + excluded.sessions`,
    subject,
    by,
  );
  if (by < 0) sql.run('DELETE FROM subject WHERE subject = ? AND sessions <= 0', subject);
}

export function create(sql: Sql, request: CreateRequest): CreateResult {
  const { sessionId, subject, policy, maxSessions, now } = request;
  if (sql.get('SELECT n FROM session WHERE id = ?', sessionId) !== undefined) return { kind: 'exists' };
  const count = sql.get<{ sessions: number }>('SELECT sessions FROM subject WHERE subject = ?', subject);
  if (maxSessions > 0 && (count?.sessions ?? 0) >= maxSessions) return { kind: 'over_limit' };
  sql.run(
    `INSERT INTO session (
       id, epoch, seq, subject, domain, workspace, listed, title, previous_id,
       brief_ms, medium_ms, archive_ms, attach_ttl_ms, created_at, updated_at, last_seen_at, hold_until, alarm_at,
       user_messages, assistant_messages, system_messages, log_bytes, chunk_count
     ) VALUES (?, ?, 0, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0, 0, 0, 0, 0)`,
    sessionId,
    request.epoch,
    subject,
    request.domain,
    request.workspace,
    nullable(request.title),
    nullable(request.previousId),
    policy.briefMs,
    policy.mediumMs,
    policy.archiveMs,
    policy.attachTtlMs,
    now,
    now,
    now,
    nullable(request.alarmAt),
  );
  countSession(sql, subject, 1);
  const row = findSession(sql, sessionId);
  if (row === undefined) throw new Error('a session that was just stored is not there');
  if (request.attach !== undefined) attach(sql, row, [], { ...request.attach, policy }, now);
  return { kind: 'created', info: infoOf(sql, row) };
}
