import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { Clock } from './clock.ts';

/** The one source of chance. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** An unguessable token of `bytes` random bytes, base64url. */
  token(bytes: number): string;
  /** A new sortable id (UUIDv7). */
  id(): string;
}

/** Chance from the system's generator, drawn in blocks: a tag is needed for every event. */
export class SystemRandom implements Random {
  readonly #clock: Clock;
  #pool = Buffer.alloc(0);
  #used = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(): number {
    return Math.random();
  }

  token(bytes: number): string {
    return this.#take(bytes).toString('base64url');
  }

  id(): string {
    return v7({ msecs: this.#clock.now(), random: this.#take(16) });
  }

  #take(bytes: number): Buffer {
    if (this.#used + bytes > this.#pool.length) {
      this.#pool = randomBytes(Math.max(4096, bytes));
      this.#used = 0;
    }
    this.#used += bytes;
    return this.#pool.subarray(this.#used - bytes, this.#used);
  }
}
