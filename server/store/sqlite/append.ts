import type { Role } from '../../../protocol/chat/message.ts';
import { type AppendRequest, type AppendResult, CONFLICT_LIMITS, type KnownId } from '../store.ts';
import { bufferOf, dropChunks } from './chunks.ts';
import { eventsAfter, tagAt } from './log.ts';
import { findSession, holdsLease, type SessionRow } from './session-row.ts';
import { nullable, type Sql } from './sql.ts';

export function append(sql: Sql, request: AppendRequest): AppendResult {
  const row = findSession(sql, request.sessionId);
  if (row === undefined || row.archived_at !== null) return { kind: 'gone' };
  const answer = refusal(sql, row, request);
  if (answer !== undefined) return answer;
  write(sql, row, request);
  return { kind: 'applied' };
}

/** Why nothing is to be written, in the order of STO-39; a repeat of what is stored is `applied`. */
function refusal(sql: Sql, row: SessionRow, request: AppendRequest): undefined | AppendResult {
  const { expectedSeq, expectedTag, dropChunks: drop, lease } = request;
  const isHead = expectedSeq === row.seq && (expectedTag === undefined || expectedTag === row.tag);
  if (request.epoch !== row.epoch || !isHead) return repeatOrConflict(sql, row, request);
  const known = lookupIds(
    sql,
    row.n,
    request.ids.map(({ id }) => id),
  );
  if (known.length > 0) return { kind: 'known', ids: known };
  if (drop !== undefined && !isBuffer(row, drop))
    return { kind: 'chunk_conflict', chunks: bufferOf(sql, row, 0) };
  if (lease !== undefined && 'held' in lease && !holdsLease(row, lease.held)) return { kind: 'fenced' };
  return undefined;
}

function repeatOrConflict(sql: Sql, row: SessionRow, request: AppendRequest): AppendResult {
  const head = { epoch: row.epoch, seq: row.seq };
  if (request.epoch !== row.epoch || request.expectedSeq > row.seq)
    return { kind: 'conflict', head, events: [] };
  // Tags are random: whoever finds its own at its place has been here before.
  if (tagAt(sql, row.n, request.expectedSeq + 1) === request.events[0]?.tag) return { kind: 'applied' };
  const { expectedTag } = request;
  if (expectedTag !== undefined && tagAt(sql, row.n, request.expectedSeq) !== expectedTag)
    return { kind: 'conflict', head, events: [] };
  const { events, bytes } = CONFLICT_LIMITS;
  return {
    kind: 'conflict',
    head,
    events: eventsAfter(sql, row.n, request.expectedSeq, events, bytes).events,
  };
}

function isBuffer(row: SessionRow, drop: NonNullable<AppendRequest['dropChunks']>): boolean {
  if (row.chunk_message === null) return drop.count === 0;
  return (
    row.chunk_message === drop.messageId &&
    row.chunk_attempt === drop.attempt &&
    row.chunk_count === drop.count
  );
}

type Written = Omit<AppendRequest, 'sessionId' | 'nodeId' | 'epoch' | 'expectedSeq' | 'expectedTag'>;

/** Appends to what the row says. Nothing is refused from here on. */
export function write(sql: Sql, row: SessionRow, request: Written): void {
  const counts: Record<Role, number> = { user: 0, assistant: 0, system: 0 };
  let { seq, log_bytes: bytes } = row;
  for (const { json, tag, role } of request.events) {
    seq++;
    bytes += Buffer.byteLength(json);
    if (role !== undefined) counts[role]++;
    sql.run(
      'INSERT INTO event (session, seq, tag, role, json) VALUES (?, ?, ?, ?, ?)',
      row.n,
      seq,
      tag,
      nullable(role),
      json,
    );
  }
  sql.run(
    `UPDATE session SET seq = ?, tag = ?, updated_at = ?, log_bytes = ?, user_messages = user_messages + ?,
       assistant_messages = assistant_messages + ?, system_messages = system_messages + ?,
       hold_until = coalesce(?, hold_until), last_message = coalesce(?, last_message), title = coalesce(title, ?)
     WHERE n = ?`,
    seq,
    request.events.at(-1)?.tag ?? row.tag,
    request.now,
    bytes,
    counts.user,
    counts.assistant,
    counts.system,
    nullable(request.holdUntil),
    nullable(request.lastMessage),
    nullable(request.titleIfNone),
    row.n,
  );
  for (const [name, json] of Object.entries(request.cells))
    sql.run('INSERT OR REPLACE INTO cell (session, name, json) VALUES (?, ?, ?)', row.n, name, json);
  for (const { id, digest, seq: ledTo } of request.ids)
    sql.run('INSERT INTO known_id (session, id, digest, seq) VALUES (?, ?, ?, ?)', row.n, id, digest, ledTo);
  for (const { seq: of, json } of request.annotations)
    sql.run('INSERT OR REPLACE INTO annotation (session, seq, json) VALUES (?, ?, ?)', row.n, of, json);
  if (request.dropChunks !== undefined && row.chunk_message !== null) dropChunks(sql, row.n);
  writeLease(sql, row, request.lease);
  // By themselves: these columns are indexed, and most appends leave them alone.
  if (request.alarmAt !== undefined && request.alarmAt !== row.alarm_at)
    sql.run('UPDATE session SET alarm_at = ? WHERE n = ?', request.alarmAt, row.n);
}

function writeLease(sql: Sql, row: SessionRow, change: AppendRequest['lease']): void {
  if (change === undefined) return;
  const set = 'set' in change ? change.set : undefined;
  if (set === undefined && (('clear' in change && !change.clear) || row.lease_run === null)) return;
  sql.run(
    'UPDATE session SET lease_run = ?, lease_attempt = ?, lease_owner = ?, lease_until = ? WHERE n = ?',
    nullable(set?.runId),
    nullable(set?.attempt),
    nullable(set?.owner),
    nullable(set?.until),
    row.n,
  );
}

/** What is known of these ids, in their order. */
export function lookupIds(sql: Sql, n: number, ids: readonly string[]): KnownId[] {
  return ids.flatMap((id) => {
    const known = sql.get<{ digest: string; seq: number }>(
      'SELECT digest, seq FROM known_id WHERE session = ? AND id = ?',
      n,
      id,
    );
    return known === undefined ? [] : [{ id, digest: known.digest, seq: known.seq }];
  });
}
