/** What a data directory has left. */
export interface Space {
  /** Bytes that the file system has free, those of the reserve not counted. */
  readonly free: number;
  /** Bytes of the database file that erased content has left free: they are written again before the file grows. */
  readonly reusable: number;
}

/** What may be kept as a reserve. */
export interface Room {
  readonly bytes: number;
  /** Whether the database file may become larger. Where it may not, what is free beside the reserve stays for the write-ahead log. */
  readonly mayGrow: boolean;
}

/** How much of the disk the write-ahead log takes before it is written back and begins again. */
export const logBytes = (reserveBytes: number): number => Math.ceil(reserveBytes / 4);

/**
 * Whether there is room for ordinary writes beside a reserve; `undefined`: only what makes room may be written.
 *
 * A disk with plenty left holds the whole reserve. One that is full by the database itself, in which content was erased, gets
 * nothing back from the file, which never shrinks: there the database goes on within its file, and the reserve may be up to half smaller.
 */
export function roomFor({ free, reusable }: Space, reserveBytes: number): undefined | Room {
  const log = logBytes(reserveBytes);
  if (free >= reserveBytes + 2 * log) return { bytes: reserveBytes, mayGrow: true };
  const bytes = Math.min(reserveBytes, free - log);
  if (bytes < reserveBytes / 2 || reusable < log) return undefined;
  return { bytes, mayGrow: false };
}
