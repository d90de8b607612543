import type { DatabaseSync } from 'node:sqlite';
import type * as S from '../store.ts';
import { append, lookupIds } from './append.ts';
import { appendChunk, chunks } from './chunks.ts';
import { create } from './create.ts';
import { erase, expire } from './ending.ts';
import { GroupCommit } from './group-commit.ts';
import { history } from './history.ts';
import { due, list } from './list.ts';
import { eventsAfter } from './log.ts';
import { open } from './open.ts';
import type { DiskReserve } from './disk-reserve.ts';
import type { OwnerLock } from './owner-lock.ts';
import { detach, touch } from './presence.ts';
import { rewrite } from './rewrite.ts';
import { findSession, holdsLease, infoOf } from './session-row.ts';
import { nullable, Sql } from './sql.ts';
import type { WalSync } from './wal-sync.ts';

/** How many sessions one turn touches at most: a node's heartbeat must not hold up everything else. */
const TOUCH_SLICE = 200;

/** What `openSqliteStore` hands over, to be released by `close` in the reverse order. */
export interface OpenedDatabase {
  readonly db: DatabaseSync;
  readonly lock: OwnerLock;
  /** `undefined`: a commit alone is durable enough. */
  readonly sync: undefined | WalSync;
  /** `undefined`: nothing is kept for a full disk. */
  readonly reserve: undefined | DiskReserve;
  readonly storeId: string;
}

/** So many bytes of a write weigh as much as an ordinary operation: a transaction of large ones is a short one. */
const BYTES_PER_WEIGHT = 16_384;
/** What is larger has a turn to itself anyway. */
const MAX_PAGE_WEIGHED = 2_097_152;
/** Most sessions are small, and many are opened at once after an outage; but a turn must not read a large one for each of 128. */
const OPEN_WEIGHT = 8;

/** The port over one SQLite file. Every operation is a function of this folder, run by `GroupCommit`. */
export class SqliteStore implements S.Store {
  readonly driver = 'sqlite';
  readonly storeId: string;
  readonly #opened: OpenedDatabase;
  readonly #sql: Sql;
  readonly #commits: GroupCommit;
  #closing: undefined | Promise<void>;

  constructor(opened: OpenedDatabase) {
    const { db, sync, reserve } = opened;
    this.storeId = opened.storeId;
    this.#opened = opened;
    this.#sql = new Sql(db);
    const durable = (wrote: boolean) => (wrote ? sync?.committed() : sync?.settled());
    this.#commits = new GroupCommit(db, durable, reserve);
  }

  ping(): Promise<void> {
    return this.#commits.read(() => {
      this.#sql.get('SELECT value FROM meta WHERE name = ?', 'store_id');
    });
  }

  probe(): Promise<void> {
    return this.#commits.write(() => {
      this.#sql.run(
        "INSERT INTO meta (name, value) VALUES ('probe', '1') ON CONFLICT DO UPDATE SET value = CAST(value + 1 AS TEXT)",
      );
    });
  }

  secret(name: string, proposed: string): Promise<string> {
    // A start asks for it, on a full disk too, and mostly it is there.
    return this.#commits.tidy(() => {
      this.#sql.run('INSERT OR IGNORE INTO secret (name, value) VALUES (?, ?)', name, proposed);
      return (
        this.#sql.get<{ value: string }>('SELECT value FROM secret WHERE name = ?', name)?.value ?? proposed
      );
    });
  }

  create(request: S.CreateRequest): Promise<S.CreateResult> {
    return this.#commits.write(() => create(this.#sql, request));
  }

  open(request: S.OpenRequest): Promise<S.OpenResult> {
    const run = () => open(this.#sql, request);
    return request.attach === undefined
      ? this.#commits.read(run, OPEN_WEIGHT)
      : this.#commits.write(run, OPEN_WEIGHT);
  }

  append(request: S.AppendRequest): Promise<S.AppendResult> {
    const run = () => append(this.#sql, request);
    const weight = weightOf(request.events);
    // What gives a lease back ends a run: without that neither could a session end.
    return isEnding(request) ? this.#commits.tidy(run, weight) : this.#commits.write(run, weight);
  }

  rewrite(request: S.RewriteRequest): Promise<boolean> {
    return this.#commits.write(() => rewrite(this.#sql, request), weightOf(request.events));
  }

  appendChunk(request: S.ChunkRequest): Promise<S.ChunkResult> {
    return this.#commits.write(() => appendChunk(this.#sql, request), weightOf([request]));
  }

  read(request: S.ReadRequest): Promise<S.LogPage> {
    const { sessionId, fromSeq, limit, maxBytes } = request;
    const run = () => {
      const row = findSession(this.#sql, sessionId);
      if (row === undefined) return { events: [], hasMore: false };
      const { events, hasMore } = eventsAfter(this.#sql, row.n, fromSeq - 1, limit, maxBytes);
      return { events, hasMore };
    };
    return this.#commits.read(run, weightOfPage(request));
  }

  history(request: S.HistoryRequest): Promise<S.HistoryPage> {
    return this.#commits.read(() => history(this.#sql, request), weightOfPage(request));
  }

  chunks(sessionId: string, fromIndex: number): Promise<undefined | S.ChunkBuffer> {
    return this.#commits.read(() => chunks(this.#sql, sessionId, fromIndex));
  }

  lookupIds(sessionId: string, ids: readonly string[]): Promise<S.KnownId[]> {
    return this.#commits.read(() => {
      const row = findSession(this.#sql, sessionId);
      return row === undefined ? [] : lookupIds(this.#sql, row.n, ids);
    });
  }

  async touch(
    nodeId: string,
    entries: readonly S.TouchEntry[],
    now: number,
  ): Promise<(undefined | S.Head)[]> {
    const slices: Promise<(undefined | S.Head)[]>[] = [];
    for (let i = 0; i === 0 || i < entries.length; i += TOUCH_SLICE) {
      const slice = entries.slice(i, i + TOUCH_SLICE);
      slices.push(this.#commits.tidy(() => touch(this.#sql, nodeId, slice, now), slice.length));
    }
    return (await Promise.all(slices)).flat();
  }

  detach(sessionId: string, connectionId: string, now: number): Promise<void> {
    return this.#commits.tidy(() => detach(this.#sql, sessionId, connectionId, now));
  }

  renewLease(sessionId: string, lease: S.Lease): Promise<boolean> {
    return this.#commits.tidy(() => {
      const row = findSession(this.#sql, sessionId);
      if (row === undefined || !holdsLease(row, lease)) return false;
      this.#sql.run('UPDATE session SET lease_until = ? WHERE n = ?', lease.until, row.n);
      return true;
    });
  }

  expire(request: S.ExpireRequest): Promise<S.ExpireResult> {
    return this.#commits.tidy(() => expire(this.#sql, request));
  }

  due(now: number, limit: number): Promise<string[]> {
    return this.#commits.read(() => due(this.#sql, now, limit));
  }

  setAlarm(sessionId: string, alarmAt: undefined | number): Promise<void> {
    return this.#commits.tidy(() => {
      this.#sql.run('UPDATE session SET alarm_at = ? WHERE id = ?', nullable(alarmAt), sessionId);
    });
  }

  list(request: S.ListRequest): Promise<S.ListPage> {
    return this.#commits.read(() => list(this.#sql, request), request.limit);
  }

  info(sessionId: string): Promise<undefined | S.SessionInfo> {
    return this.#commits.read(() => {
      const row = findSession(this.#sql, sessionId);
      return row && infoOf(this.#sql, row);
    });
  }

  setTitle(sessionId: string, title: string): Promise<boolean> {
    return this.#commits.write(
      () => this.#sql.run('UPDATE session SET title = ? WHERE id = ?', title, sessionId) > 0,
    );
  }

  erase(sessionId: string): Promise<void> {
    return this.#commits.tidy(() => erase(this.#sql, sessionId));
  }

  /** One process owns the file: there are no other nodes, and so nothing to hear. */
  async subscribe(): Promise<void> {}

  /** Answers what was asked before, then gives the data directory free. */
  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    await this.#commits.close();
    const { db, lock, sync, reserve } = this.#opened;
    await reserve?.close();
    await sync?.close();
    db.close();
    lock.release();
  }
}

/** A page may be as large as it was allowed to be: how large it is shows only when it was read. */
function weightOfPage({ maxBytes }: { readonly maxBytes: number }): number {
  return Math.ceil(Math.min(maxBytes, MAX_PAGE_WEIGHED) / BYTES_PER_WEIGHT);
}

function weightOf(parts: readonly { readonly json: string }[]): number {
  const units = parts.reduce((sum, { json }) => sum + json.length, 0);
  return Math.max(parts.length, Math.ceil(units / BYTES_PER_WEIGHT));
}

function isEnding({ lease }: S.AppendRequest): boolean {
  return lease !== undefined && 'clear' in lease && lease.clear;
}
