import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Random } from '../../random.ts';
import type { Store } from '../store.ts';
import { DATABASE_FILE, prepareDataDir, RESERVE_FILE } from './data-dir.ts';
import { DiskReserve, type ReserveOptions } from './disk-reserve.ts';
import { isDiskFull } from './errors.ts';
import { takeOwnership } from './owner-lock.ts';
import { buryFormerProcess } from './presence.ts';
import { migrate } from './schema.ts';
import { Sql } from './sql.ts';
import { SqliteStore } from './sqlite-store.ts';
import { type Synchronous, WalSync } from './wal-sync.ts';

export interface SqliteOptions {
  /** The folder that holds `holdfast.db`; made if it is not there. One process owns it at a time. */
  readonly dataDir: string;
  /**
   * `full` (the default): what was acknowledged outlives a power loss; each group of commits costs one sync of the log, off the
   * event loop. `normal`: it outlives the end of the process (kill -9 included), and a power loss may take the last moments.
   * Neither can leave a broken file.
   */
  readonly synchronous?: undefined | Synchronous;
  /** What is kept of the disk for the time when it is full; nothing when left out. */
  readonly reserve?: undefined | ReserveOptions;
}

const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -65536;
  PRAGMA temp_store = MEMORY;
  PRAGMA journal_size_limit = 67108864;
`;

/** The data directory, or what is in it, cannot be used: an operator has to look. */
export class UnusableDataDir extends Error {
  override readonly name = 'UnusableDataDir';

  shouldRetry(): boolean {
    return false;
  }
}

/**
 * Opens the embedded store. Rejects with `DataDirInUse` when another process owns the folder, with `NewerSchema` when its data is of
 * a later version, and with `UnusableDataDir` when the system or SQLite refuses the folder or the file.
 */
export async function openSqliteStore(options: SqliteOptions, deps: { random: Random }): Promise<Store> {
  try {
    prepareDataDir(options.dataDir);
    try {
      return await openDatabase(options, deps);
    } catch (error) {
      const reserve = join(options.dataDir, RESERVE_FILE);
      if (!isDiskFull(error) || !existsSync(reserve)) throw error;
      // This is what it is for.
      rmSync(reserve);
      return await openDatabase(options, deps);
    }
  } catch (error) {
    if (!(error instanceof Error && ('errcode' in error || 'errno' in error))) throw error;
    const message = `DATA_DIR ${options.dataDir} cannot be used: ${error.message}`;
    throw new UnusableDataDir(message, { cause: error });
  }
}

async function openDatabase(options: SqliteOptions, { random }: { random: Random }): Promise<Store> {
  const { dataDir, synchronous = 'full' } = options;
  const lock = takeOwnership(dataDir);
  const path = join(dataDir, DATABASE_FILE);
  let db: undefined | DatabaseSync;
  try {
    // A reader beside us, such as a backup, never blocks a writer for longer than this.
    db = new DatabaseSync(path, { timeout: 250 });
    db.exec(PRAGMAS);
    migrate(db);
    const storeId = begin(new Sql(db), db, random);
    const sync = synchronous === 'full' ? await WalSync.open(`${path}-wal`) : undefined;
    if (options.reserve === undefined) rmSync(join(dataDir, RESERVE_FILE), { force: true });
    const reserve = options.reserve && (await DiskReserve.open({ ...options.reserve, dataDir, db, random }));
    return new SqliteStore({ db, lock, sync, reserve, storeId });
  } catch (error) {
    db?.close();
    lock.release();
    throw error;
  }
}

/** One transaction at every start: the store's id, and the end of what an earlier process left. It also makes sure that there is a log file. */
function begin(sql: Sql, db: DatabaseSync, random: Random): string {
  db.exec('BEGIN IMMEDIATE');
  sql.run("INSERT INTO meta (name, value) VALUES ('store_id', ?) ON CONFLICT DO NOTHING", random.token(16));
  sql.run(
    "INSERT INTO meta (name, value) VALUES ('starts', '1') ON CONFLICT DO UPDATE SET value = CAST(value + 1 AS TEXT)",
  );
  buryFormerProcess(sql);
  const id = sql.get<{ value: string }>("SELECT value FROM meta WHERE name = 'store_id'");
  db.exec('COMMIT');
  if (id === undefined) throw new Error('the store has no id');
  return id.value;
}
