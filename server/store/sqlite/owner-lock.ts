import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LOCK_FILE } from './data-dir.ts';

/** Another process (or another store of this one) owns the data directory. */
export class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse';

  shouldRetry(): boolean {
    return false;
  }
}

/** Released by `release`, or by the end of the process, however it ends. */
export interface OwnerLock {
  release(): void;
}

/**
 * Makes this process the owner of the data directory, or throws `DataDirInUse` at once.
 *
 * The lock is an exclusive transaction, never ended, on a database file of its own: SQLite's file locks work on every
 * platform, and the system drops them with the process, so nothing stale is left by kill -9, as a file with a process id in it would be.
 * The data file itself stays open to readers beside the server, such as a backup.
 */
export function takeOwnership(dataDir: string): OwnerLock {
  const db = new DatabaseSync(join(dataDir, LOCK_FILE), { timeout: 0 });
  try {
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === 5)
      throw new DataDirInUse(
        `The data directory ${dataDir} is in use by another process: stop it, or set another DATA_DIR.`,
        { cause: error },
      );
    throw error;
  }
  return { release: () => db.close() };
}
