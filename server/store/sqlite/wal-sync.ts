import { close, fdatasync, open } from 'node:fs';
import { promisify } from 'node:util';

const openFile = promisify(open);
const closeFile = promisify(close);

/** What was asked for: `full` outlives a power loss, `normal` outlives the end of the process (kill -9 included). */
export type Synchronous = 'full' | 'normal';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes commits durable without stopping the event loop.
 *
 * With `PRAGMA synchronous = FULL` SQLite syncs the write-ahead log inside COMMIT, on the one thread that serves every
 * connection. Instead it runs at NORMAL (which still orders the log against the database file at checkpoints, so nothing can be
 * corrupted), and the log's file is synced from the thread pool after the commit; who waits is answered after that. Commits that
 * happen during one sync share the next. The log keeps its inode while the database is open, so one descriptor serves, and
 * SQLite takes no locks on it that closing the descriptor could drop.
 */
export class WalSync {
  readonly #fd: number;
  /** They wait for the sync that runs (empty: none runs). */
  #current: Waiter[] = [];
  /** They wait for the one after it: what they wrote may have missed the one that runs. */
  #next: Waiter[] = [];
  /** After a failed sync nobody knows what is on disk, not even after a later one that succeeds. */
  #failure: undefined | { readonly cause: unknown };

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** `walPath` must exist: the database is open and has been written to. */
  static async open(walPath: string): Promise<WalSync> {
    return new WalSync(await openFile(walPath, 'r+'));
  }

  /** Resolves when what the caller has just committed is on disk. Rejects for good once a sync failed. */
  committed(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.cause);
    const promise = join(this.#next);
    if (this.#current.length === 0) this.#sync();
    return promise;
  }

  /** For who has only read: `undefined` when all that could be read is on disk, otherwise resolves when it is. */
  settled(): undefined | Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.cause);
    if (this.#next.length > 0) return join(this.#next);
    return this.#current.length > 0 ? join(this.#current) : undefined;
  }

  /** The caller has waited for all that matters to it. */
  async close(): Promise<void> {
    await closeFile(this.#fd);
  }

  #sync(): void {
    this.#current = this.#next;
    this.#next = [];
    fdatasync(this.#fd, (error) => {
      const waiters = this.#current;
      this.#current = [];
      if (error === null) {
        if (this.#next.length > 0) this.#sync();
        for (const waiter of waiters) waiter.resolve();
      } else {
        this.#failure = { cause: error };
        for (const waiter of [...waiters, ...this.#next]) waiter.reject(error);
        this.#next = [];
      }
    });
  }
}

function join(waiters: Waiter[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  waiters.push({ resolve, reject });
  return promise;
}
