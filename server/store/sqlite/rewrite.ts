import type { RewriteRequest } from '../store.ts';
import { write } from './append.ts';
import { dropChunks } from './chunks.ts';
import { dropFolded, dropLog } from './ending.ts';
import { findSession } from './session-row.ts';
import type { Sql } from './sql.ts';

export function rewrite(sql: Sql, request: RewriteRequest): boolean {
  const row = findSession(sql, request.sessionId);
  if (row === undefined || row.archived_at !== null) return false;
  if (row.epoch !== request.epochBefore) return row.epoch === request.epoch;
  dropLog(sql, row.n);
  dropFolded(sql, row.n);
  dropChunks(sql, row.n);
  sql.run(
    `UPDATE session SET epoch = ?, seq = 0, tag = NULL, log_bytes = 0,
       user_messages = 0, assistant_messages = 0, system_messages = 0,
       lease_run = NULL, lease_attempt = NULL, lease_owner = NULL, lease_until = NULL
     WHERE n = ?`,
    request.epoch,
    row.n,
  );
  const emptied = findSession(sql, request.sessionId);
  if (emptied === undefined) throw new Error('a session that was just rewritten is not there');
  // Nobody has used it by that.
  write(sql, emptied, { ...request, ...NOTHING, now: row.updated_at });
  return true;
}

/** What an append may do besides, and this does not. */
const NOTHING = {
  dropChunks: undefined,
  lease: undefined,
  holdUntil: undefined,
  lastMessage: undefined,
  titleIfNone: undefined,
};
