import type { Random } from '../../random.ts';
import type { Calls } from './calls.ts';
import type { Keys } from './keys.ts';

/** What the store keeps about itself: its id, and secrets that all nodes share. */
export class StoreIdentity {
  readonly #calls: Calls;
  readonly #key: string;
  readonly #random: Random;
  #storeId = '';

  constructor(calls: Calls, keys: Keys, random: Random) {
    this.#calls = calls;
    this.#key = keys.store();
    this.#random = random;
  }

  get storeId(): string {
    return this.#storeId;
  }

  /** Reads the id, and makes one where there is none: at first, and again when Redis has lost its data. */
  async refresh(): Promise<void> {
    const stored = await this.#calls.command('hget', this.#key, 'id');
    this.#storeId = typeof stored === 'string' ? stored : await this.#propose('id', this.#random.token(18));
  }

  /** Writes as every operation that adds something does: a Redis without memory refuses both. */
  async probe(): Promise<void> {
    await this.#calls.command('hset', this.#key, 'probe', '1');
  }

  secret(name: string, proposed: string): Promise<string> {
    return this.#propose(`secret:${name}`, proposed);
  }

  async #propose(field: string, value: string): Promise<string> {
    await this.#calls.command('hsetnx', this.#key, field, value);
    return (await this.#calls.command('hget', this.#key, field)) as string;
  }
}
