import type { LogPage, MaxBytes } from '../store.ts';
import type { SessionRow } from './session-row.ts';
import type { Sql } from './sql.ts';

/** Part of a log, and the `seq` of its last event (that before the first one, when it has none). */
export interface LogPart extends LogPage {
  readonly lastSeq: number;
}

/** Events after `seq`, ascending, at most `limit` and as many as fit into `maxBytes`, but one in any case. */
export function eventsAfter(sql: Sql, n: number, seq: number, limit: number, maxBytes: MaxBytes): LogPart {
  const events: string[] = [];
  let lastSeq = seq;
  let bytes = 0;
  // Row by row: what does not fit is not even read into memory, but for the first such event.
  const rows = sql.each<{ seq: number; json: string }>(
    'SELECT seq, json FROM event WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?',
    n,
    seq,
    limit + 1,
  );
  for (const row of rows) {
    bytes += Buffer.byteLength(row.json);
    if (events.length === limit || (bytes > maxBytes && events.length > 0))
      return { events, lastSeq, hasMore: true };
    events.push(row.json);
    lastSeq = row.seq;
  }
  return { events, lastSeq, hasMore: false };
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
