import type { Redis } from 'ioredis';
import type { Clock } from '../../clock.ts';
import type { NodeRecord } from '../store.ts';
import { unavailable } from './faults.ts';
import { decodeNodeRecord } from './node-record.ts';

const PING_MS = 10_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;

interface Listener {
  readonly channel: string;
  readonly onRecord: (record: NodeRecord) => void;
  /** Records may have been lost: the subscription was away. */
  readonly onResync: () => void;
}

interface Deps {
  readonly clock: Clock;
  /** Makes a connection; `turn` counts the attempts. */
  readonly connect: (turn: number) => Redis;
  readonly warn: (error: unknown, message: string) => void;
}

/**
 * One node's subscription to its own channel, on a connection of its own. A lost one is made anew until it is closed, on another
 * node of a cluster when there is one.
 */
export class NodeChannel {
  readonly #listener: Listener;
  readonly #deps: Deps;
  readonly #closed = new AbortController();
  #turn = 0;
  #redis: undefined | Redis;

  constructor(listener: Listener, deps: Deps) {
    this.#listener = listener;
    this.#deps = deps;
  }

  /** Resolves when the node is heard. @throws StoreUnavailable when it is not at once; nothing goes on then */
  async start(): Promise<void> {
    try {
      await this.#subscribe();
    } catch (error) {
      this.close();
      throw unavailable('cannot subscribe', error);
    }
  }

  close(): void {
    this.#closed.abort();
    this.#redis?.disconnect();
  }

  async #subscribe(): Promise<void> {
    const redis = this.#deps.connect(this.#turn++);
    this.#redis = redis;
    redis.on('error', () => {}); // the promise below, or the end of the connection, says the same
    redis.on('messageBuffer', (_channel, message: Buffer) => {
      const record = decodeNodeRecord(message);
      if (record === undefined) this.#deps.warn(undefined, 'a record of another node cannot be read');
      else this.#listener.onRecord(record);
    });
    try {
      await redis.subscribe(this.#listener.channel);
    } catch (error) {
      redis.disconnect();
      throw error;
    }
    // A line that is dead without being cut would never be noticed: nothing has to be said on it.
    const stopPinging = this.#deps.clock.every(PING_MS, () => {
      redis.ping().catch(() => redis.disconnect());
    });
    redis.once('end', () => {
      stopPinging();
      this.#onLost();
    });
  }

  #onLost(): void {
    if (this.#closed.signal.aborted) return;
    this.#deps.warn(undefined, 'lost the subscription to records of other nodes');
    this.#again(FIRST_RETRY_MS);
  }

  #again(delayMs: number): void {
    this.#deps.clock.after(delayMs, () => {
      if (this.#closed.signal.aborted) return;
      this.#subscribe().then(
        () => this.#listener.onResync(),
        () => this.#again(Math.min(LAST_RETRY_MS, 2 * delayMs)),
      );
    });
  }
}
