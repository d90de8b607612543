import { Cluster, Redis } from 'ioredis';
import { SystemClock } from '../server/clock.ts';
import { SystemRandom } from '../server/random.ts';
import { openRedisStore, type RedisStoreOptions } from '../server/store/redis/open-redis-store.ts';
import type { Store } from '../server/store/store.ts';
import type { StoreHarness } from './store-contract/harness.ts';

/** Opens a Redis store as a server process would. */
export function openTestStore(options: RedisStoreOptions): Promise<Store> {
  const clock = new SystemClock();
  return openRedisStore(options, { clock, random: new SystemRandom(clock) });
}

interface Server {
  readonly options: RedisStoreOptions;
  /** Kills and restarts it, where its data survives that. */
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The contract suite's ways into a Redis, or a cluster, that is started when the first test needs it. */
export function redisHarness(start: () => Promise<Server>): StoreHarness {
  let starting: undefined | Promise<Server>;
  const server = () => {
    starting ??= start();
    return starting;
  };
  return {
    nodes: 2,
    open: async () => openTestStore((await server()).options),
    reopen: async (store) => {
      const { options, restart } = await server();
      await store.close();
      await restart();
      return openTestStore(options);
    },
    rawKeys: async (sessionId) =>
      withNodes((await server()).options, async (nodes) => {
        const found: string[] = [];
        for (const node of nodes)
          for (const key of await scan(node))
            if (`${key} ${await everythingIn(node, key)}`.includes(sessionId)) found.push(key);
        return found;
      }),
    damage: async (sessionId, how) =>
      withClient((await server()).options, async (client) => {
        if (how === 'head') await client.hset(`hf:{${sessionId}}`, 'tag', 'another');
        else {
          await client.lset(`hf:{${sessionId}}:log`, 1, 'hole');
          await client.lrem(`hf:{${sessionId}}:log`, 1, 'hole');
        }
      }),
    cleanup: async () => (await starting)?.stop(),
  };
}

/** Runs `use` with a plain client of what the options name. */
export async function withClient<T>(
  options: Pick<RedisStoreOptions, 'url' | 'mode'>,
  use: (client: Redis | Cluster) => Promise<T>,
): Promise<T> {
  const client = options.mode === 'cluster' ? new Cluster(options.url.split(',')) : new Redis(options.url);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

/** Runs `use` with plain clients of all masters. */
export function withNodes<T>(
  options: Pick<RedisStoreOptions, 'url' | 'mode'>,
  use: (nodes: Redis[]) => Promise<T>,
): Promise<T> {
  return withClient(options, async (client) => {
    await client.ping();
    return use(client instanceof Cluster ? client.nodes('master') : [client]);
  });
}

/** All keys of one node. */
export async function scan(node: Redis): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of node.scanStream({ count: 1000 })) keys.push(...(page as string[]));
  return keys;
}

async function everythingIn(node: Redis, key: string): Promise<string> {
  switch (await node.type(key)) {
    case 'hash':
      return JSON.stringify(await node.hgetall(key));
    case 'list':
      return JSON.stringify(await node.lrange(key, 0, -1));
    case 'zset':
      return JSON.stringify(await node.zrange(key, '0', '-1'));
    default:
      return '';
  }
}
