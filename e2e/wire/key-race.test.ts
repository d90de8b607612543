import { expect, test, vi } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { expectRefused } from './support/expect-frames.ts';
import { KeyFile } from './support/key-file.ts';
import { describeStore } from './support/site.ts';

describeStore('redis', 'a key that changes while its session is opened', {}, (site) => {
  test('HEL-42 one that is revoked meanwhile does not get in for longer', async () => {
    const key = { key: 'a-key-of-somebody', subject: 'somebody' };
    await using keys = await KeyFile.create([key]);
    const server = await site.start({ API_KEYS_FILE: keys.path, REDIS_TIMEOUT_MS: '20000' });
    await using client = await WireClient.open(server.url);
    process.kill(site.redis.pid, 'SIGSTOP');
    try {
      client.send('connect', { api_key: key.key });
      await keys.write([{ ...key, revoked: true }]);
      await vi.waitFor(
        () => expect(server.log.filter((line) => line.includes('keys_reread'))).toHaveLength(1),
        { timeout: 10_000 },
      );
    } finally {
      process.kill(site.redis.pid, 'SIGCONT');
    }
    await expectRefused(client, { error_type: 'invalid_key', code: 403 }, 4000);
  });
});
