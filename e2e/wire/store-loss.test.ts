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

  test('RES-2 after a failover that lost the end of a log everybody is shown the same log again', async () => {
    const other = await site.start();
    await using here = await WireClient.connect(site.url);
    await using there = await WireClient.connect(other.url, { session_id: here.sessionId });
    for (const content of ['one', 'two', 'three']) await here.say(content);
    await there.find((frame) => frame.seq === 3);
    const redis = new Redis(site.redis.url);
    const key = `hf:{${here.sessionId}}`;
    // As a replica has it that has not heard of the last two.
    await redis
      .multi()
      .rpop(`${key}:log`, 2)
      .rpop(`${key}:user`, 2)
      .hset(key, 'seq', 1, 'tag', here.events[0]?.tag ?? '')
      .exec();
    await redis.quit();
    for (const client of [here, there]) expect((await client.closed()).code).toBe(1012);
    await using back = await WireClient.resume(site.url, here);
    await using backThere = await WireClient.resume(other.url, there);
    for (const client of [back, backThere])
      expect(client.success).toMatchObject({ outcome: 'reset', position: { seq: 1 } });
    await back.say('two, again');
    expect((await backThere.next('message_created')).seq).toBe(2);
  });

  test('RES-2 also when the log has grown again before anybody looked', async () => {
    const other = await site.start();
    await using here = await WireClient.connect(site.url);
    for (const content of ['one', 'two', 'three']) await here.say(content);
    const redis = new Redis(site.redis.url);
    const key = `hf:{${here.sessionId}}`;
    await redis
      .multi()
      .rpop(`${key}:log`, 2)
      .rpop(`${key}:user`, 2)
      .hset(key, 'seq', 1, 'tag', here.events[0]?.tag ?? '')
      .exec();
    await redis.quit();
    await using there = await WireClient.connect(other.url, { session_id: here.sessionId });
    for (const content of ['two, again', 'three, again', 'four']) await there.say(content);
    expect((await here.closed()).code).toBe(1012);
    expect(here.events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    await using back = await WireClient.resume(site.url, here);
    expect(back.success).toMatchObject({ outcome: 'reset', position: { seq: 4 } });
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
