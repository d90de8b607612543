import { StoreUnavailable } from '../store.ts';

/** SQLite's primary result codes that say "not now" or "not on this disk", not "this statement is wrong". */
const UNAVAILABLE: ReadonlySet<number> = new Set([
  5, // BUSY
  6, // LOCKED
  7, // NOMEM
  8, // READONLY
  9, // INTERRUPT
  10, // IOERR
  11, // CORRUPT
  13, // FULL
  14, // CANTOPEN
  15, // PROTOCOL
  26, // NOTADB
]);

const FULL = 13;
/** There was no room for the index of the write-ahead log. */
const NO_ROOM_FOR_SHM = 4874;

/** Whether SQLite found no room on the disk. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error)) return false;
  return error.errcode === FULL || error.errcode === NO_ROOM_FOR_SHM;
}

/** What an operation is refused with that would make the store grow while the disk is full. */
export function diskFull(): StoreUnavailable {
  return new StoreUnavailable('The disk of the embedded store is full.');
}

/** The error as the port reports it: trouble with the file or disk is `StoreUnavailable`, a bug stays what it is. */
export function portError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  // The low byte is the primary code, the rest says more of the same.
  if (!UNAVAILABLE.has(error.errcode & 0xff)) return error;
  return new StoreUnavailable(`The embedded store cannot be used: ${error.message}.`, { cause: error });
}
