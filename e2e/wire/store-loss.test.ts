import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { threadRequest } from './support/threads.ts';
import { describeStore } from './support/site.ts';

// A store that has not what its nodes know. Whoever is connected hears of it within a heartbeat.

describeStore('redis', 'a store that lost what it held', { ATTACH_BEAT_MS: '100' }, (site) => {
  test('RES-3 who is connected is sent back, and begins again under the same id', async () => {
    const server = await site.start({}, { database: 1 });
    await using client = await WireClient.connect(server.url);
    await client.say('hello');
    const redis = new Redis(`${site.redis.url}/1`);
    await redis.flushdb();
    await redis.quit();
    expect(await client.closed()).toEqual({ code: 1012, reason: 'The session must be opened again' });
    await using back = await WireClient.resume(server.url, client);
    expect(back.success).toMatchObject({ outcome: 'reset', session_id: client.sessionId });
    await back.say('hello again');
  });

  test('SES-23 one erased session of it is closed for good, on every node', async () => {
    const other = await site.start();
    await using here = await WireClient.connect(site.url);
    await using there = await WireClient.connect(other.url, { session_id: here.sessionId });
    expect((await threadRequest(site.url, here.sessionId, 'DELETE')).status).toBe(204);
    for (const client of [here, there]) {
      expect((await client.next('disconnect')).data).toEqual({ reason: 'erased' });
      expect((await client.closed()).code).toBe(1000);
    }
  });
});
