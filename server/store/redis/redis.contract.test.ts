import { startRedis } from '../../../test-helpers/redis.ts';
import { redisHarness } from '../../../test-helpers/redis-store-harness.ts';
import { registerStoreContract } from '../../../test-helpers/store-contract/store-contract.ts';

registerStoreContract(
  'one Redis',
  redisHarness(async () => {
    const redis = await startRedis({ appendfsync: 'always' });
    return {
      options: { url: redis.url, mode: 'single' },
      restart: async () => {
        await redis.kill9();
        await redis.restart();
      },
      stop: () => redis.stop(),
    };
  }),
);
