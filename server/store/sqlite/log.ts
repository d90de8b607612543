import type { SessionRow } from './session-row.ts';
import type { Sql } from './sql.ts';

/** Events after `seq`, ascending, at most `limit`. */
export function eventsAfter(sql: Sql, n: number, seq: number, limit: number): string[] {
  return sql
    .all<{ json: string }>(
      'SELECT json FROM event WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?',
      n,
      seq,
      limit,
    )
    .map((row) => row.json);
}

export function tagAt(sql: Sql, n: number, seq: number): undefined | string {
  return sql.get<{ tag: string }>('SELECT tag FROM event WHERE session = ? AND seq = ?', n, seq)?.tag;
}

/** Why the recorded head is not the log's last event, or `undefined`. */
export function headFault(sql: Sql, row: SessionRow): undefined | string {
  const last = sql.get<{ seq: number; tag: string }>(
    'SELECT seq, tag FROM event WHERE session = ? ORDER BY seq DESC LIMIT 1',
    row.n,
  );
  if ((last?.seq ?? 0) === row.seq && (last?.tag ?? null) === row.tag) return undefined;
  return `the head is ${row.seq} (${row.tag}), the last event ${last?.seq ?? 0} (${last?.tag ?? null})`;
}
