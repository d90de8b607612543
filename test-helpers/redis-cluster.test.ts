import { Cluster } from 'ioredis';
import { expect, it } from 'vitest';
import { type RedisCluster, startRedisCluster } from './redis-cluster.ts';

async function setAndGet(cluster: RedisCluster, keys: string[]): Promise<(string | null)[]> {
  const client = new Cluster(cluster.url.split(','));
  try {
    await Promise.all(keys.map((key) => client.set(key, key)));
    return await Promise.all(keys.map((key) => client.get(key)));
  } finally {
    client.disconnect();
  }
}

it('serves keys of every slot on three masters', async () => {
  await using cluster = await startRedisCluster();
  expect(cluster.nodes).toHaveLength(3);
  const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);
  expect(await setAndGet(cluster, keys)).toEqual(keys);
});

it('starts with replicas that follow their masters', async () => {
  await using cluster = await startRedisCluster({ replicas: 1 });
  expect(cluster.nodes).toHaveLength(6);
  expect(await setAndGet(cluster, ['key'])).toEqual(['key']);
});
