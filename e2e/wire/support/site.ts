import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Redis, startRedis } from '../../../test-helpers/redis.ts';
import {
  advanceClock,
  ServerProcess,
  type ServerProcessOptions,
} from '../../../test-helpers/server-process.ts';

export type StoreKind = 'sqlite' | 'redis';
export type Env = Readonly<Record<string, string>>;

/** Settings under which tests may be as quick and as wrong as they like; those of a test come on top. */
const RELAXED: Env = {
  AGENT: 'none',
  MESSAGE_RATE_PER_S: '0',
  CONNECTION_RATE_PER_S: '0',
  FAILED_AUTH_PER_MIN: '0',
  HTTP_RATE_PER_MIN: '0',
  LOG_LEVEL: 'info',
};

/** Where a file's tests run: one kind of store, and the servers over it. */
export class Site {
  readonly kind: StoreKind;
  readonly #env: Env;
  readonly #servers: ServerProcess[] = [];
  #redis: undefined | Redis;
  #shared: undefined | ServerProcess;

  constructor(kind: StoreKind, env: Env) {
    this.kind = kind;
    this.#env = env;
  }

  async open(): Promise<void> {
    if (this.kind === 'redis') this.#redis = await startRedis();
    this.#shared = await this.start();
  }

  /** Ends the servers. One that logged an error, a fault that nobody caught for instance, fails the file. */
  async close(): Promise<void> {
    for (const server of this.#servers) await server[Symbol.asyncDispose]();
    await this.#redis?.stop();
    expect(this.#servers.flatMap((server) => server.errors)).toEqual([]);
  }

  /** The server that the tests of a file share. */
  get server(): ServerProcess {
    if (this.#shared === undefined) throw new Error('the site is not open');
    return this.#shared;
  }

  get url(): string {
    return this.server.url;
  }

  /** Moves the clocks of the shared server forward. */
  advance(ms: number): Promise<void> {
    return advanceClock(this.url, ms);
  }

  get redis(): Redis {
    if (this.#redis === undefined) throw new Error('there is no Redis here');
    return this.#redis;
  }

  /**
   * One more server. On Redis it shares the store with the others, unless `store` names a database of its own; on
   * SQLite it has a file of its own, or that of `options.dataDir`.
   */
  async start(
    env: Env = {},
    options: Omit<ServerProcessOptions, 'env'> & { readonly database?: number } = {},
  ) {
    const { database, ...rest } = options;
    const address: Env =
      this.#redis === undefined
        ? {}
        : { REDIS_URL: database === undefined ? this.#redis.url : `${this.#redis.url}/${database}` };
    const server = await ServerProcess.start({
      ...rest,
      env: { ...RELAXED, ...address, ...this.#env, ...env },
    });
    this.#servers.push(server);
    return server;
  }

  /** Ends a server before the file ends. */
  async end(server: ServerProcess): Promise<void> {
    await server[Symbol.asyncDispose]();
  }
}

/** Registers the tests once for each kind of store, with a server that they share. */
export function describeStores(name: string, env: Env, tests: (site: Site) => void): void {
  for (const kind of STORES) describeStore(kind, `${name} (${kind})`, env, tests);
}

/** The same for one kind of store. */
export function describeStore(kind: StoreKind, name: string, env: Env, tests: (site: Site) => void): void {
  describe(name, () => {
    const site = new Site(kind, env);
    beforeAll(() => site.open());
    afterAll(() => site.close());
    tests(site);
  });
}

const STORES: readonly StoreKind[] = ['sqlite', 'redis'];
