import { rmSync, statfsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import type { Random } from '../../random.ts';
import { FILE_MODE, RESERVE_FILE } from './data-dir.ts';
import { logBytes, type Room, roomFor, type Space } from './disk-room.ts';

export interface ReserveOptions {
  /** How much is kept, in bytes; more than 0. */
  readonly bytes: number;
  readonly clock: Clock;
  readonly log: undefined | { warn(fields: object, message: string): void };
}

interface ReserveDeps extends ReserveOptions {
  readonly dataDir: string;
  readonly db: DatabaseSync;
  readonly random: Random;
}

/** How often it is looked whether there is room again. */
const RETRY_MS = 1000;
const PIECE_BYTES = 1_048_576;
/** When SQLite writes its log back unless it is told otherwise. */
const ORDINARY_LOG_PAGES = 1000;
/** SQLite's largest database. */
const ANY_PAGES = 4_294_967_294;

/**
 * A file that does nothing but take room, so that there is some when the disk is full: to erase something a store must write.
 *
 * `held`: the file is there. `given_up`: the disk was found full and the file removed; only what makes room is written then, until
 * there is room for ordinary writes beside a reserve again. `retaking`: the file is being written.
 */
export class DiskReserve {
  readonly #deps: ReserveDeps;
  readonly #path: string;
  #state: 'held' | 'given_up' | 'retaking' = 'given_up';
  #cancelTry: undefined | (() => void);
  #taking: undefined | Promise<void>;
  #closed = false;

  private constructor(deps: ReserveDeps) {
    this.#deps = deps;
    this.#path = join(deps.dataDir, RESERVE_FILE);
  }

  /** Takes the reserve, or begins without one on a disk that is full. Never rejects. */
  static async open(deps: ReserveDeps): Promise<DiskReserve> {
    const reserve = new DiskReserve(deps);
    const room = reserve.#look(reserve.#heldBytes());
    if (room === undefined || !(await reserve.#take(room))) {
      rmSync(reserve.#path, { force: true });
      reserve.#limitLog(true);
      reserve.#warn('disk_full', IS_FULL);
      reserve.#tryLater();
    }
    return reserve;
  }

  /** The disk was found full: only what makes room is to be written. */
  get isFull(): boolean {
    return this.#state !== 'held';
  }

  /** The disk was found full. `true`: the reserve was given up for it, and what makes room may be tried again. */
  giveUp(): boolean {
    if (this.#state !== 'held') return false;
    this.#state = 'given_up';
    rmSync(this.#path, { force: true });
    this.#limitFile(false);
    this.#limitLog(true);
    this.#warn('disk_full', IS_FULL);
    this.#tryLater();
    return true;
  }

  /** Leaves the file where it is: the next start may need it. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTry?.();
    await this.#taking;
  }

  #tryLater(): void {
    if (this.#cancelTry !== undefined || this.#closed) return;
    this.#cancelTry = this.#deps.clock.after(RETRY_MS, () => {
      this.#cancelTry = undefined;
      this.#taking = this.#tryAgain();
    });
  }

  async #tryAgain(): Promise<void> {
    if (this.#closed || this.#state !== 'given_up') return;
    const room = this.#look(0);
    if (room !== undefined) {
      this.#state = 'retaking';
      if (await this.#take(room)) return this.#warn('disk_ok', 'There is room on the disk again');
      this.#state = 'given_up';
    }
    this.#tryLater();
  }

  /** What there would be without a file of so many bytes. */
  #look(heldBytes: number): undefined | Room {
    const { db, bytes, dataDir } = this.#deps;
    try {
      // Written back, the log begins again and is cut: what it took is free.
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // It is not written back, and takes what it takes.
    }
    try {
      const { bavail, bsize } = statfsSync(dataDir);
      const reusable = pragma(db, 'freelist_count') * pragma(db, 'page_size');
      const space: Space = { free: bavail * bsize + heldBytes, reusable };
      return roomFor(space, bytes);
    } catch {
      return undefined;
    }
  }

  async #take({ bytes, mayGrow }: Room): Promise<boolean> {
    try {
      if (this.#heldBytes() !== bytes) await writeFile(this.#path, bytes, this.#deps.random);
    } catch {
      rmSync(this.#path, { force: true });
      return false;
    }
    this.#limitFile(!mayGrow);
    this.#limitLog(!mayGrow);
    this.#state = 'held';
    return true;
  }

  /** Keeps the database file from becoming larger: SQLite finds it full where it would. */
  #limitFile(isTight: boolean): void {
    const { db } = this.#deps;
    db.exec(`PRAGMA max_page_count = ${isTight ? pragma(db, 'page_count') : ANY_PAGES}`);
  }

  /** How large the write-ahead log becomes before it is written back. Where room is tight, the last transaction must fit in, too. */
  #limitLog(isTight: boolean): void {
    const { db, bytes } = this.#deps;
    const pages = Math.floor(logBytes(bytes) / pragma(db, 'page_size') / (isTight ? 2 : 1));
    db.exec(`PRAGMA wal_autocheckpoint = ${Math.min(ORDINARY_LOG_PAGES, Math.max(16, pages))}`);
  }

  /** How large the file is; 0 when it is not there, or a copy left holes in it that take no room. */
  #heldBytes(): number {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    return found === undefined || found.blocks * 512 < found.size ? 0 : found.size;
  }

  #warn(event: 'disk_full' | 'disk_ok', message: string): void {
    this.#deps.log?.warn({ event, data_dir: this.#deps.dataDir }, message);
  }
}

const IS_FULL =
  'The disk is full: until there is room, only what makes some is stored (erasing, expiring), everything else is refused';

/** With content that no file system can store in less room. */
async function writeFile(path: string, bytes: number, random: Random): Promise<void> {
  const file = await open(path, 'w', FILE_MODE);
  try {
    for (let at = 0; at < bytes; at += PIECE_BYTES) {
      const piece = Buffer.from(random.token(Math.min(PIECE_BYTES, bytes - at)), 'base64url');
      for (let done = 0; done < piece.length; )
        done += (await file.write(piece, done, piece.length - done)).bytesWritten;
    }
    await file.datasync();
  } finally {
    await file.close();
  }
}

function pragma(db: DatabaseSync, name: 'page_size' | 'page_count' | 'freelist_count'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}
