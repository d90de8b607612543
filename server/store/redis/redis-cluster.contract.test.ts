import { startRedisCluster } from '../../../test-helpers/redis-cluster.ts';
import { redisHarness } from '../../../test-helpers/redis-store-harness.ts';
import { registerStoreContract } from '../../../test-helpers/store-contract/store-contract.ts';

registerStoreContract(
  'Redis Cluster of three masters',
  redisHarness(async () => {
    const cluster = await startRedisCluster();
    return {
      options: { url: cluster.url, mode: 'cluster' },
      // Its nodes keep no file: only the store is closed and opened.
      restart: async () => {},
      stop: () => cluster.stop(),
    };
  }),
);
