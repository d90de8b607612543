import type { ChunkBuffer, ChunkRequest, ChunkResult } from '../store.ts';
import { findSession, holdsLease, type SessionRow } from './session-row.ts';
import type { Sql } from './sql.ts';

/** The buffer of the message in flight from `fromIndex` on. */
export function bufferOf(sql: Sql, row: SessionRow, fromIndex: number): undefined | ChunkBuffer {
  if (row.chunk_message === null) return undefined;
  const chunks = sql
    .all<{ json: string }>('SELECT json FROM chunk WHERE session = ? AND i >= ? ORDER BY i', row.n, fromIndex)
    .map((chunk) => chunk.json);
  return {
    messageId: row.chunk_message,
    runId: row.chunk_run ?? '',
    attempt: row.chunk_attempt ?? 0,
    count: row.chunk_count,
    fromIndex,
    chunks,
  };
}

export function chunks(sql: Sql, sessionId: string, fromIndex: number): undefined | ChunkBuffer {
  const row = findSession(sql, sessionId);
  return row && bufferOf(sql, row, fromIndex);
}

export function appendChunk(sql: Sql, request: ChunkRequest): ChunkResult {
  const row = findSession(sql, request.sessionId);
  if (row === undefined || !holdsLease(row, request.fence)) return { kind: 'fenced' };
  const { index, json } = request;
  if (row.chunk_message === request.messageId && row.chunk_attempt === request.messageAttempt) {
    if (index < row.chunk_count) {
      const stored = sql.get<{ json: string }>(
        'SELECT json FROM chunk WHERE session = ? AND i = ?',
        row.n,
        index,
      );
      if (stored?.json === json) return { kind: 'applied' };
    }
    if (index !== row.chunk_count) return { kind: 'gap', count: row.chunk_count };
    sql.run('UPDATE session SET chunk_count = ? WHERE n = ?', index + 1, row.n);
  } else {
    if (index !== 0) return { kind: 'gap', count: 0 };
    sql.run('DELETE FROM chunk WHERE session = ?', row.n);
    sql.run(
      'UPDATE session SET chunk_message = ?, chunk_run = ?, chunk_attempt = ?, chunk_count = 1 WHERE n = ?',
      request.messageId,
      request.fence.runId,
      request.messageAttempt,
      row.n,
    );
  }
  sql.run('INSERT INTO chunk (session, i, json) VALUES (?, ?, ?)', row.n, index, json);
  return { kind: 'applied' };
}

export function dropChunks(sql: Sql, n: number): void {
  sql.run('DELETE FROM chunk WHERE session = ?', n);
  sql.run(
    'UPDATE session SET chunk_message = NULL, chunk_run = NULL, chunk_attempt = NULL, chunk_count = 0 WHERE n = ?',
    n,
  );
}
