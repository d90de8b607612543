import { type Redis, type RedisOptions, startRedis } from '../../../test-helpers/redis.ts';
import { ServerProcess } from '../../../test-helpers/server-process.ts';
import type { Env, StoreKind } from '../../wire/support/site.ts';

/** Everything that passes by itself passes soon, and nobody is limited. */
const QUICK: Env = {
  AGENT: 'demo',
  MESSAGE_RATE_PER_S: '0',
  CONNECTION_RATE_PER_S: '0',
  FAILED_AUTH_PER_MIN: '0',
  HTTP_RATE_PER_MIN: '0',
  MAX_CONNECTIONS_PER_SUBJECT: '0',
  MAX_SESSIONS_PER_SUBJECT: '0',
  REPLAY_MAX_EVENTS: '100000',
  RUN_LEASE_MS: '1500',
  RUN_MAX_ATTEMPTS: '0',
  SWEEP_INTERVAL_MS: '100',
  ATTACH_BEAT_MS: '300',
  ATTACH_TTL_MS: '2000',
  CHUNK_COALESCE_MS: '10',
};

/** Servers over one store: one over SQLite, any number over Redis. */
export class Nodes implements AsyncDisposable {
  readonly kind: StoreKind;
  readonly redis: undefined | Redis;
  readonly servers: readonly ServerProcess[];
  readonly #down = new Set<ServerProcess>();

  private constructor(kind: StoreKind, redis: undefined | Redis, servers: readonly ServerProcess[]) {
    this.kind = kind;
    this.redis = redis;
    this.servers = servers;
  }

  static async start(
    kind: StoreKind,
    options: { readonly nodes?: number; readonly env?: Env; readonly redis?: RedisOptions } = {},
  ): Promise<Nodes> {
    const redis = kind === 'redis' ? await startRedis(options.redis) : undefined;
    const env = { ...QUICK, ...(redis && { REDIS_URL: redis.url }), ...options.env };
    const count = kind === 'redis' ? (options.nodes ?? 1) : 1;
    const servers = await Promise.all(Array.from({ length: count }, () => ServerProcess.start({ env })));
    return new Nodes(kind, redis, servers);
  }

  /** A node that is up, or the one that will be back; `pick` says which. */
  url(pick: number): string {
    const up = this.servers.filter((server) => !this.#down.has(server));
    const from = up.length > 0 ? up : this.servers;
    return from[pick % from.length]!.url;
  }

  /** Kills a node as a power cut would, and starts it again. */
  async crash(pick: number): Promise<void> {
    const server = this.servers[pick % this.servers.length]!;
    if (this.#down.has(server)) return;
    this.#down.add(server);
    await server.kill9();
    await server.restart();
    this.#down.delete(server);
  }

  /** What the servers logged as worth a look. */
  get warnings(): string[] {
    const lines = this.servers.flatMap((server) => server.log);
    return lines.filter((line) => /"level":"(warn|error|fatal)"|taken over|"listening"/.test(line));
  }

  /** What the servers logged as errors. */
  get errors(): string[] {
    return this.servers.flatMap((server) => server.errors);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server[Symbol.asyncDispose]()));
    await this.redis?.stop();
  }
}
