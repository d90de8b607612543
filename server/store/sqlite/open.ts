import type { Position } from '../../../protocol/position.ts';
import { isExpired } from '../liveness.ts';
import type { ChunkBuffer, OpenedSession, OpenRequest, OpenResult } from '../store.ts';
import { bufferOf } from './chunks.ts';
import { pageOf } from './history.ts';
import { eventsAfter, headFault, tagAt } from './log.ts';
import { attach } from './presence.ts';
import { findSession, infoOf, type SessionRow } from './session-row.ts';
import type { Sql } from './sql.ts';

export function open(sql: Sql, request: OpenRequest): OpenResult {
  const row = findSession(sql, request.sessionId);
  if (row === undefined || !inScope(row, request.scope)) return { kind: 'missing' };
  const info = infoOf(sql, row);
  if (info.archived !== undefined || (!request.ignoreExpiry && isExpired(info, request.now)))
    return { kind: 'expired', info };

  const position = judge(sql, row, request.position);
  const content = contentOf(sql, row, request, position);
  const detail = headFault(sql, row) ?? content.fault;
  if (detail !== undefined) return { kind: 'fault', info, detail };

  const result: OpenedSession = {
    kind: 'open',
    info,
    cells: cellsOf(sql, row.n),
    position,
    content: content.content,
    chunks: chunksFor(sql, row, request.partial),
  };
  if (request.attach !== undefined) attach(sql, row, info.attachments, request.attach, request.now);
  return result;
}

function inScope(row: SessionRow, scope: OpenRequest['scope']): boolean {
  if (scope === undefined) return true;
  return row.subject === scope.subject && row.domain === scope.domain && row.workspace === scope.workspace;
}

function judge(sql: Sql, row: SessionRow, position: undefined | Position): OpenedSession['position'] {
  if (position === undefined) return 'none';
  const { epoch, seq, tag } = position;
  if (epoch !== row.epoch || seq > row.seq) return 'reset';
  if (seq === 0 || tag === undefined) return 'valid';
  return tagAt(sql, row.n, seq) === tag ? 'valid' : 'reset';
}

type Content = { readonly content: OpenedSession['content']; readonly fault: undefined | string };

function contentOf(
  sql: Sql,
  row: SessionRow,
  request: OpenRequest,
  judged: OpenedSession['position'],
): Content {
  const from = request.position?.seq ?? 0;
  const missed = row.seq - from;
  if (judged !== 'valid' || missed > request.maxReplay) {
    const { historyPage: limit, maxBytes } = request;
    const asked = { beforeSeq: undefined, limit, maxBytes, roles: undefined };
    return { content: { mode: 'snapshot', page: pageOf(sql, row, asked) }, fault: undefined };
  }
  const { events, lastSeq, hasMore } = eventsAfter(sql, row.n, from, missed + 1, request.maxBytes);
  // The primary key makes them distinct and ascending, and the head is checked, so their number tells of a hole. In what
  // is not answered now it is found when that is read: to count rows, SQLite reads them whole.
  const there = (hasMore ? lastSeq : row.seq) - from;
  const fault =
    events.length === there ? undefined : `${events.length} events after ${from} where ${there} should be`;
  return { content: { mode: 'replay', afterSeq: from, events }, fault };
}

function cellsOf(sql: Sql, n: number): Record<string, string> {
  const cells = sql.all<{ name: string; json: string }>('SELECT name, json FROM cell WHERE session = ?', n);
  return Object.fromEntries(cells.map(({ name, json }) => [name, json]));
}

function chunksFor(sql: Sql, row: SessionRow, partial: OpenRequest['partial']): undefined | ChunkBuffer {
  const same =
    partial !== undefined &&
    partial.messageId === row.chunk_message &&
    partial.attempt === row.chunk_attempt &&
    partial.nextIndex <= row.chunk_count;
  return bufferOf(sql, row, same ? partial.nextIndex : 0);
}
