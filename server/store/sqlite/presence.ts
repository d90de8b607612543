import { goneAt } from '../liveness.ts';
import type { AttachmentInfo, AttachRequest, Head, Policy, TouchEntry } from '../store.ts';
import { attachmentsOf, type SessionRow } from './session-row.ts';
import { optional, type Sql } from './sql.ts';

/** How many attachments that are gone a session keeps, for `away_ms`; older ones live on in `last_seen_at`. */
const KEPT_GONE = 16;

/** Attaches a connection, or attaches it again. `attachments` are those that the session has. */
export function attach(
  sql: Sql,
  row: SessionRow,
  attachments: readonly AttachmentInfo[],
  request: AttachRequest & { readonly policy: Policy },
  now: number,
): void {
  const { policy, connectionId, nodeId } = request;
  sql.run(
    `INSERT INTO attachment (session, connection, node, beat_at, gone_at) VALUES (?, ?, ?, ?, NULL)
     ON CONFLICT (session, connection) DO UPDATE SET node = excluded.node, beat_at = excluded.beat_at, gone_at = NULL`,
    row.n,
    connectionId,
    nodeId,
    now,
  );
  if (
    policy.briefMs !== row.brief_ms ||
    policy.mediumMs !== row.medium_ms ||
    policy.archiveMs !== row.archive_ms ||
    policy.attachTtlMs !== row.attach_ttl_ms
  )
    sql.run(
      'UPDATE session SET brief_ms = ?, medium_ms = ?, archive_ms = ?, attach_ttl_ms = ? WHERE n = ?',
      policy.briefMs,
      policy.mediumMs,
      policy.archiveMs,
      policy.attachTtlMs,
      row.n,
    );
  const others = attachments.filter((a) => a.connectionId !== connectionId);
  prune(sql, row.n, others, policy.attachTtlMs, now);
}

/** Drops all but the newest gone attachments; how late the dropped ones were seen stays with the session. */
function prune(
  sql: Sql,
  n: number,
  attachments: readonly AttachmentInfo[],
  attachTtlMs: number,
  now: number,
): void {
  if (attachments.length <= KEPT_GONE) return;
  const gone = attachments
    .map((a) => ({ connectionId: a.connectionId, at: goneAt(a, attachTtlMs, now) }))
    .filter((a): a is { connectionId: string; at: number } => a.at !== undefined)
    .sort((a, b) => b.at - a.at);
  const dropped = gone.slice(KEPT_GONE);
  for (const { connectionId } of dropped)
    sql.run('DELETE FROM attachment WHERE session = ? AND connection = ?', n, connectionId);
  if (dropped[0] !== undefined)
    sql.run('UPDATE session SET last_seen_at = max(last_seen_at, ?) WHERE n = ?', dropped[0].at, n);
}

export function touch(
  sql: Sql,
  nodeId: string,
  entries: readonly TouchEntry[],
  now: number,
): (undefined | Head)[] {
  return entries.map(({ sessionId, connectionIds }) => {
    const row = sql.get<Pick<SessionRow, 'n' | 'epoch' | 'seq' | 'tag'>>(
      'SELECT n, epoch, seq, tag FROM session WHERE id = ? AND archived_at IS NULL',
      sessionId,
    );
    if (row === undefined) return undefined;
    for (const connectionId of connectionIds)
      sql.run(
        `UPDATE attachment SET beat_at = ?1
         WHERE session = ?2 AND connection = ?3 AND node = ?4 AND gone_at IS NULL AND beat_at < ?1`,
        now,
        row.n,
        connectionId,
        nodeId,
      );
    return { epoch: row.epoch, seq: row.seq, tag: optional(row.tag) };
  });
}

export function detach(sql: Sql, sessionId: string, connectionId: string, now: number): void {
  const row = sql.get<{ n: number; attach_ttl_ms: number }>(
    'SELECT n, attach_ttl_ms FROM session WHERE id = ?',
    sessionId,
  );
  if (row === undefined) return;
  const changed = sql.run(
    'UPDATE attachment SET gone_at = ? WHERE session = ? AND connection = ? AND gone_at IS NULL',
    now,
    row.n,
    connectionId,
  );
  if (changed > 0) prune(sql, row.n, attachmentsOf(sql, row.n), row.attach_ttl_ms, now);
}

/**
 * What a process leaves that ended without a word: its connections went with their last sign of life, its leases are void, and
 * their sessions are due, runs first, so that somebody looks at what was left undone. Only one process owns the file, so at the start
 * everything that seems alive is such a remnant.
 */
export function buryFormerProcess(sql: Sql): void {
  sql.run(
    `UPDATE session SET alarm_at = CASE WHEN lease_owner IS NULL THEN 1 ELSE 0 END
     WHERE n IN (SELECT session FROM attachment WHERE gone_at IS NULL)
        OR n IN (SELECT n FROM session WHERE lease_owner IS NOT NULL)`,
  );
  sql.run('UPDATE session SET lease_until = 0 WHERE lease_owner IS NOT NULL');
  sql.run('UPDATE attachment SET gone_at = beat_at WHERE gone_at IS NULL');
}
