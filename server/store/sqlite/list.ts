import type { ListPage, ListRequest } from '../store.ts';
import { infoOf, type SessionRow } from './session-row.ts';
import type { Sql } from './sql.ts';

/** A cursor names the last session of the page before, by what the list is ordered by. */
const cursorAfter = (row: SessionRow): string =>
  Buffer.from(JSON.stringify([row.updated_at, row.id])).toString('base64url');

/** Where the page begins. A cursor that is none of ours begins at the newest: it comes from outside. */
function parseCursor(cursor: undefined | string): readonly [updatedAt: number, id: string] {
  const start = [Number.MAX_SAFE_INTEGER, ''] as const;
  if (cursor === undefined) return start;
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(value)) return start;
    const [updatedAt, id]: unknown[] = value;
    return Number.isSafeInteger(updatedAt) && typeof id === 'string' ? [updatedAt as number, id] : start;
  } catch {
    return start;
  }
}

export function list(sql: Sql, request: ListRequest): ListPage {
  const [updatedAt, id] = parseCursor(request.cursor);
  const rows = sql.all<SessionRow>(
    `SELECT * FROM session WHERE subject = ? AND listed = 1 AND (updated_at, id) < (?, ?)
     ORDER BY updated_at DESC, id DESC LIMIT ?`,
    request.subject,
    updatedAt,
    id,
    request.limit + 1,
  );
  const page = rows.slice(0, request.limit);
  const last = page.at(-1);
  return {
    sessions: page.map((row) => infoOf(sql, row)),
    nextCursor: rows.length > page.length && last !== undefined ? cursorAfter(last) : undefined,
  };
}

export function due(sql: Sql, now: number, limit: number): string[] {
  return sql
    .all<{ id: string }>(
      'SELECT id FROM session WHERE alarm_at <= ? ORDER BY alarm_at, n LIMIT ?',
      now,
      limit,
    )
    .map((row) => row.id);
}
