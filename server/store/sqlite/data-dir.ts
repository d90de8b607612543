import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The files of a data directory. SQLite adds those that end in `-wal` and `-shm`. */
export const DATABASE_FILE = 'holdfast.db';
export const LOCK_FILE = 'holdfast.lock';
export const RESERVE_FILE = 'holdfast.reserve';

/** Others of the machine read nothing: a folder that is made here is its owner's alone, and so is each file, in any folder. */
const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;

/**
 * Makes the folder if it is not there, and the files that SQLite is about to open, so that they have the right mode from their
 * beginning. Throws the system's own error when the folder cannot be used.
 */
export function prepareDataDir(dataDir: string): void {
  makeFolder(resolve(dataDir));
  for (const name of [LOCK_FILE, DATABASE_FILE]) makeFile(join(dataDir, name));
  for (const name of [LOCK_FILE, DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`, RESERVE_FILE])
    closeToOthers(join(dataDir, name));
}

/**
 * With its parents. `mkdirSync` with `recursive` never returns for a folder that the system denies although its parent is there
 * (`/proc/x`), so each is made by itself.
 */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, FOLDER_MODE);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path) throw error;
    makeFolder(parent);
    mkdirSync(path, FOLDER_MODE);
  }
}

/** Makes an empty file where there is none. One that is there is not opened: closing it again would drop the locks that a store of this process has on it. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', FILE_MODE));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/** Takes the file from everybody but its owner; SQLite gives what it makes beside the database the database's mode. */
function closeToOthers(path: string): void {
  if (!existsSync(path) || (statSync(path).mode & 0o077) === 0) return;
  try {
    chmodSync(path, FILE_MODE);
  } catch (error) {
    // Another's file, or a file system without modes: whoever set it up so has decided who reads it.
    if (codeOf(error) !== 'EPERM') throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
