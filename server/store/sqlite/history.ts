import type { Role } from '../../../protocol/chat/message.ts';
import type { HistoryPage, HistoryRequest } from '../store.ts';
import { findSession, type SessionRow } from './session-row.ts';
import { optional, type Sql } from './sql.ts';

const ROLES: readonly Role[] = ['user', 'assistant', 'system'];

interface MessageRow {
  readonly seq: number;
  readonly json: string;
  readonly annotation: null | string;
}

/** Messages of the session, found by the index of each role, so that events that carry none cost nothing. */
export function pageOf(sql: Sql, row: SessionRow, request: Omit<HistoryRequest, 'sessionId'>): HistoryPage {
  const roles = ROLES.filter((role) => request.roles?.includes(role) ?? true);
  const before = request.beforeSeq ?? Number.MAX_SAFE_INTEGER;
  // One more than asked for, to know whether there are more.
  const newest = roles
    .flatMap((role) =>
      sql.all<{ seq: number }>(
        'SELECT seq FROM event WHERE session = ? AND role = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
        row.n,
        role,
        before,
        request.limit + 1,
      ),
    )
    .map(({ seq }) => seq)
    .sort((a, b) => b - a);
  const items: HistoryPage['items'][number][] = [];
  let bytes = 0;
  for (const seq of newest.slice(0, request.limit)) {
    const item = message(sql, row.n, seq);
    bytes += Buffer.byteLength(item.event) + Buffer.byteLength(item.annotation ?? '');
    if (bytes > request.maxBytes && items.length > 0) break;
    items.push(item);
  }
  const counts = { user: row.user_messages, assistant: row.assistant_messages, system: row.system_messages };
  return {
    items: items.reverse(),
    total: roles.reduce((sum, role) => sum + counts[role], 0),
    hasMore: newest.length > items.length,
  };
}

function message(sql: Sql, n: number, seq: number): HistoryPage['items'][number] {
  const row = sql.get<MessageRow>(
    `SELECT event.seq, event.json, annotation.json AS annotation
     FROM event LEFT JOIN annotation ON annotation.session = event.session AND annotation.seq = event.seq
     WHERE event.session = ? AND event.seq = ?`,
    n,
    seq,
  );
  if (row === undefined) throw new Error('the index of messages names an event that is not there');
  return { event: row.json, annotation: optional(row.annotation) };
}

export function history(sql: Sql, request: HistoryRequest): HistoryPage {
  const row = findSession(sql, request.sessionId);
  return row === undefined ? { items: [], total: 0, hasMore: false } : pageOf(sql, row, request);
}
