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

/** The error as the port reports it: trouble with the file or disk is `StoreUnavailable`, a bug stays what it is. */
export function portError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  // The low byte is the primary code, the rest says more of the same.
  if (!UNAVAILABLE.has(error.errcode & 0xff)) return error;
  return new StoreUnavailable(`The embedded store cannot be used: ${error.message}.`, { cause: error });
}
