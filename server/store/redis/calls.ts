import type { Writable } from 'node:stream';
import { Cluster } from 'ioredis';
import type { Clock } from '../../clock.ts';
import type { Random } from '../../random.ts';
import { unavailable, UnsuitableRedis, verdictOn } from './faults.ts';
import { type FunctionName, functionName, mastersOf, type RedisClient } from './library.ts';

/** What Redis answers: bulk strings, integers, nulls and lists of these. */
export type Reply = null | string | number | Reply[];

/** More than this waiting for an answer is refused at once; only an outage under load comes near it. */
const MAX_WAITING = 100_000;
const TICKS_TO_TIMEOUT = 20;
/** After so many commands a turn's write goes out before the turn is over: Redis works on them meanwhile. */
const MOST_HELD = 16;

interface Waiting {
  readonly untilTick: number;
  readonly reject: (reason: Error) => void;
  lastError: unknown;
}

export interface CallsHooks {
  /** Makes a Redis ready that does not know the function library. */
  readonly prepare: () => Promise<void>;
  /** Why there is no connection, as far as it is known. */
  readonly away: () => undefined | Error;
}

/**
 * Sends commands, each bounded in time: until then it is sent again after everything that passes (a lost connection, a failover,
 * a library that is not loaded), and then refused with `StoreUnavailable`. All operations can be sent again.
 *
 * Commands of one turn of the event loop leave in one write, or in a few when they are many. ioredis' own automatic pipelines
 * keep only one batch on its way at a time, and in a cluster do not follow a slot that moved; plain commands on a corked socket do
 * both, and cost half the CPU.
 */
export class Calls {
  readonly #client: RedisClient;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timeoutMs: number;
  readonly #hooks: CallsHooks;
  #preparing: undefined | Promise<void>;
  // All wait equally long, so they are in the order of their deadlines.
  readonly #waiting = new Set<Waiting>();
  readonly #stopTicking: () => void;
  #tick = 0;
  #corked: Writable[] = [];
  /** How many commands the corked sockets hold. */
  #held = 0;
  #closed = false;

  constructor(
    client: RedisClient,
    timeoutMs: number,
    deps: { readonly clock: Clock; readonly random: Random },
    hooks: CallsHooks,
  ) {
    this.#client = client;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#timeoutMs = timeoutMs;
    this.#hooks = hooks;
    this.#stopTicking = deps.clock.every(Math.max(1, timeoutMs / TICKS_TO_TIMEOUT), () => this.#onTick());
  }

  /** Calls a function of the library on the key. */
  fcall(name: FunctionName, key: string, args: readonly string[]): Promise<Reply> {
    return this.run(() => this.#client.fcall(functionName(name), 1, key, ...args) as Promise<Reply>);
  }

  /** Sends a command whose first argument is its only key. */
  command(name: string, key: string, ...args: readonly (string | number)[]): Promise<Reply> {
    return this.run(() => this.#client.call(name, key, ...args) as Promise<Reply>);
  }

  /** Runs `attempt` until it succeeds, fails for good, or time is up. */
  run<T>(attempt: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(unavailable('the store is closed'));
    if (this.#waiting.size >= MAX_WAITING)
      return Promise.reject(unavailable('too many operations wait for Redis'));
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        untilTick: this.#tick + TICKS_TO_TIMEOUT,
        reject,
        lastError: undefined,
      };
      this.#waiting.add(waiting);
      const send = (tries: number): void => {
        if (!this.#waiting.has(waiting)) return;
        this.#cork();
        attempt().then(
          (value) => {
            this.#waiting.delete(waiting);
            resolve(value);
          },
          (error) => this.#onError(waiting, error, tries, () => send(tries + 1)),
        );
      };
      send(0);
    });
  }

  /** Those who ask meanwhile share one attempt. */
  #prepare(): Promise<void> {
    this.#preparing ??= this.#hooks.prepare().finally(() => {
      this.#preparing = undefined;
    });
    return this.#preparing;
  }

  /** Refuses everything that waits, and everything from now on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopTicking();
    for (const waiting of this.#waiting) waiting.reject(unavailable('the store was closed'));
    this.#waiting.clear();
  }

  #onError(waiting: Waiting, error: unknown, tries: number, again: () => void): void {
    if (!this.#waiting.has(waiting)) return;
    waiting.lastError = error;
    const later = () => {
      const mostMs = Math.min(500, 25 * 2 ** Math.min(tries, 5));
      this.#clock.after(mostMs * (0.5 + this.#random.next() / 2), again);
    };
    switch (verdictOn(error)) {
      case 'reload':
        this.#prepare().then(tries === 0 ? again : later, (reason) => {
          waiting.lastError = reason;
          later();
        });
        return;
      case 'retry':
        later();
        return;
      case 'late':
        this.#giveUp(waiting);
        return;
      case 'fail':
        this.#waiting.delete(waiting);
        waiting.reject(error instanceof UnsuitableRedis ? error : unavailable('Redis refused', error));
        return;
    }
  }

  /**
   * Ends the retries whose time is up. What is on its way for the first time is left to the client's own timer, which runs in
   * real time: a test that moves the clock by an hour must not cut it short.
   */
  #onTick(): void {
    this.#tick++;
    for (const waiting of this.#waiting) {
      if (waiting.untilTick >= this.#tick) return;
      if (waiting.lastError !== undefined) this.#giveUp(waiting);
    }
  }

  #giveUp(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    const reason = this.#hooks.away() ?? waiting.lastError;
    waiting.reject(unavailable(`Redis did not answer within ${this.#timeoutMs} ms`, reason));
  }

  #cork(): void {
    if (this.#corked.length > 0) {
      if (++this.#held < MOST_HELD) return;
      this.#held = 0;
      for (const stream of this.#corked) {
        stream.uncork();
        stream.cork();
      }
      return;
    }
    this.#held = 0;
    for (const { stream } of this.#client instanceof Cluster ? mastersOf(this.#client) : [this.#client]) {
      if (stream === undefined || stream.destroyed) continue;
      stream.cork();
      this.#corked.push(stream);
    }
    setImmediate(() => {
      for (const stream of this.#corked.splice(0)) stream.uncork();
    });
  }
}
