import type { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../store.ts';
import { diskFull, isDiskFull, portError } from './errors.ts';

/** Beyond so many waiting operations the store refuses more: the disk is slower than what comes in. */
export const MAX_WAITING = 50_000;
/** How much is done in one turn of the event loop before sockets get theirs. An ordinary operation counts 1. */
const MAX_WEIGHT_PER_TURN = 128;

/** What becomes of the store when its disk is full. */
export interface FullDisk {
  /** Only what makes room is to be written. */
  readonly isFull: boolean;
  /** The disk was found full. `true`: there is room now for what makes some. */
  giveUp(): boolean;
}

/** Nothing is kept for a full disk: every operation finds out for itself. */
const NO_RESERVE: FullDisk = { isFull: false, giveUp: () => false };

/** What an operation does: `grow` adds to what is stored; `tidy` removes, ends, or replaces what is there by as much. */
type Effect = 'read' | 'grow' | 'tidy';

interface Job {
  readonly run: () => unknown;
  readonly effect: Effect;
  readonly weight: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Called after each turn, with whether it may have written: resolves when all that its operations wrote or saw is as durable as was
 * asked for; `undefined`: it is already.
 */
export type Durable = (wrote: boolean) => undefined | Promise<void>;

type Outcome = { readonly job: Job } & ({ readonly value: unknown } | { readonly error: unknown });

/**
 * Runs operations in the order in which they were asked for. All that were asked for in one turn of the event loop share a
 * transaction, and so one commit; each is answered after it.
 *
 * Operations check everything before they write, so a refusal needs no savepoint. Should one throw after all (a full disk, a
 * bug), the transaction is rolled back and each operation of the turn runs again in a transaction of its own: nobody has been
 * answered yet, and none suffers for another. On a full disk what would grow is refused, and what tidies up is not.
 */
export class GroupCommit {
  readonly #db: DatabaseSync;
  readonly #durable: Durable;
  readonly #disk: FullDisk;
  #jobs: Job[] = [];
  #scheduled = false;
  #closed = false;
  #unanswered = 0;
  #idle: undefined | (() => void);

  constructor(db: DatabaseSync, durable: Durable, disk: FullDisk = NO_RESERVE) {
    this.#db = db;
    this.#durable = durable;
    this.#disk = disk;
  }

  /** Reads in the same order as everything else, so that a caller sees what it asked for before. */
  read<T>(run: () => T, weight = 1): Promise<T> {
    return this.#add(run, 'read', weight);
  }

  write<T>(run: () => T, weight = 1): Promise<T> {
    return this.#add(run, 'grow', weight);
  }

  /** A write that a full disk must not keep from happening, because it makes room or keeps things as they are. */
  tidy<T>(run: () => T, weight = 1): Promise<T> {
    return this.#add(run, 'tidy', weight);
  }

  /** Refuses what comes from now on; resolves when everything before is answered. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#unanswered > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  #add<T>(run: () => T, effect: Effect, weight: number): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('The store is closed.'));
    if (this.#unanswered >= MAX_WAITING)
      return Promise.reject(new StoreUnavailable('Too many operations wait for the disk.'));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#unanswered++;
    this.#jobs.push({ run, effect, weight, resolve: resolve as (value: unknown) => void, reject });
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    let weight = 0;
    let count = 0;
    while (count < this.#jobs.length && weight < MAX_WEIGHT_PER_TURN)
      weight += this.#jobs[count++]?.weight ?? 0;
    const jobs = this.#jobs.splice(0, count);
    if (this.#jobs.length > 0) this.#schedule();

    const writes = jobs.some((job) => job.effect !== 'read');
    const outcomes = writes ? this.#transaction(jobs) : jobs.map(attempt);
    const durable = this.#durable(writes);
    if (durable === undefined) this.#answer(outcomes);
    else
      durable.then(
        () => this.#answer(outcomes),
        (cause: unknown) => this.#answer(refuse(jobs, unkept(cause))),
      );
  }

  #transaction(all: readonly Job[]): Outcome[] {
    const jobs = this.#disk.isFull ? all.filter((job) => job.effect !== 'grow') : all;
    if (jobs.length < all.length) {
      const refused = refuse(
        all.filter((job) => job.effect === 'grow'),
        diskFull(),
      );
      return jobs.length === 0 ? refused : [...refused, ...this.#transaction(jobs)];
    }
    try {
      this.#db.exec('BEGIN IMMEDIATE');
    } catch (error) {
      return refuse(jobs, portError(error));
    }
    try {
      const outcomes = jobs.map((job) => ({ job, value: job.run() }));
      this.#db.exec('COMMIT');
      return outcomes;
    } catch (error) {
      // SQLite has rolled back by itself after some errors (a full disk).
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      if (jobs.length > 1) return jobs.flatMap((job) => this.#transaction([job]));
      return isDiskFull(error) && this.#disk.giveUp()
        ? this.#transaction(jobs)
        : refuse(jobs, portError(error));
    }
  }

  #answer(outcomes: readonly Outcome[]): void {
    this.#unanswered -= outcomes.length;
    for (const outcome of outcomes) {
      if ('error' in outcome) outcome.job.reject(outcome.error);
      else outcome.job.resolve(outcome.value);
    }
    if (this.#unanswered === 0) this.#idle?.();
  }
}

function attempt(job: Job): Outcome {
  try {
    return { job, value: job.run() };
  } catch (error) {
    return { job, error: portError(error) };
  }
}

const refuse = (jobs: readonly Job[], error: unknown): Outcome[] => jobs.map((job) => ({ job, error }));

const unkept = (cause: unknown) =>
  new StoreUnavailable('The disk did not keep what was written: the server must be started again.', {
    cause,
  });
