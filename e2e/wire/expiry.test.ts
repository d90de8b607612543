import { expect, test } from 'vitest';
import { advanceClock, type ServerProcess, untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStores } from './support/site.ts';
import { listThreads, threadRequest } from './support/threads.ts';

const DAY_MS = 86_400_000;

/** A session with one message, and nobody there for longer than it lives. */
async function expiredSession(url: string, others = 0): Promise<WireClient> {
  await untilConnections(url, others);
  const client = await WireClient.connect(url);
  await client.say('what was said');
  await client.request('context_update', { memory: { secret: 'forgotten' } });
  client.cut();
  await untilConnections(url, others);
  await advanceClock(url, 300_000 + 1000);
  return client;
}

describeStores('expiry', {}, (site) => {
  test('SES-20 all devices that come back at once join one successor', async () => {
    const before = await expiredSession(site.url);
    const devices = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        i % 3 === 0
          ? WireClient.connect(site.url, { session_id: before.sessionId })
          : WireClient.resume(site.url, before, { client: { name: `${i}`, version: '1' } }),
      ),
    );
    expect(new Set(devices.map((device) => device.sessionId)).size).toBe(1);
    expect(devices[0]?.sessionId).not.toBe(before.sessionId);
    for (const device of devices)
      expect(device.success).toMatchObject({
        outcome: 'expired',
        tier: 'expired',
        previous_session_id: before.sessionId,
      });
    await devices[0]?.say('hello again');
    for (const device of devices) await device.find((frame) => frame.seq === 1);
    for (const device of devices) await device[Symbol.asyncDispose]();
  });

  test('SES-20 one that comes much later joins it too, and sees what was said there', async () => {
    const before = await expiredSession(site.url);
    await using first = await WireClient.resume(site.url, before);
    await first.say('in the successor');
    await advanceClock(site.url, 3_600_000);
    await using late = await WireClient.resume(site.url, before);
    expect(late.success).toMatchObject({ outcome: 'expired', session_id: first.sessionId });
    expect(late.restored?.history.total).toBe(1);
    expect(late.restored?.context.memory).toEqual({});
  });

  test('SES-20 a successor that expired leads to its own', async () => {
    const before = await expiredSession(site.url);
    await using second = await WireClient.resume(site.url, before);
    await second.say('second life');
    second.cut();
    await untilConnections(site.url, 0);
    await advanceClock(site.url, 301_000);
    await using third = await WireClient.resume(site.url, second);
    await using oldToken = await WireClient.resume(site.url, before);
    expect(oldToken.sessionId).toBe(third.sessionId);
    expect(oldToken.success?.previous_session_id).toBe(before.sessionId);
    expect(third.success?.previous_session_id).toBe(second.sessionId);
  });

  test('SES-13 DEL-13 ids of the expired session may be used again', async () => {
    const before = await expiredSession(site.url);
    const id = before.events[0]?.type === 'message_created' ? before.events[0].data.message.id : '';
    await using after = await WireClient.resume(site.url, before);
    const reply = await after.request('chat_message', { content: 'what was said' }, id);
    expect(reply.data).toMatchObject({ status: 'success', seq: 1 });
  });

  test('SES-21 SES-24 the transcript is a thread that can be read, at once and until its days are over', async () => {
    const before = await expiredSession(site.url);
    const archived = await threadRequest(site.url, before.sessionId);
    expect(archived.status).toBe(200);
    expect(archived.body).toMatchObject({ archived: true, tier: 'expired', message_count: 1 });
    expect(archived.body.history.messages[0]?.parts).toEqual([{ type: 'text', text: 'what was said' }]);
    await using after = await WireClient.resume(site.url, before);
    await advanceClock(site.url, 29 * DAY_MS);
    expect((await threadRequest(site.url, before.sessionId)).body.history.total).toBe(1);
    await advanceClock(site.url, DAY_MS + 1000);
    expect((await threadRequest(site.url, before.sessionId)).status).toBe(404);
    expect(JSON.stringify(await listThreads(site.url))).not.toContain(before.sessionId);
    expect(after.success?.previous_session_id).toBe(before.sessionId);
    await after.say('the successor lives on');
  });

  test('SES-21 another subject does not see it', async () => {
    const before = await expiredSession(site.url);
    expect((await threadRequest(site.url, before.sessionId, 'GET', 'valid-test-key')).status).toBe(404);
  });

  test('SES-15 time in which no server ran counts', async () => {
    const server = await site.start();
    await using before = await WireClient.connect(server.url);
    await before.say('before the night');
    await before.close();
    await untilConnections(server.url, 0);
    await server.stop();
    await server.restart();
    await advanceClock(server.url, 300_000);
    await using after = await WireClient.resume(server.url, before);
    expect(after.success?.outcome).toBe('expired');
    await site.end(server);
  });
});

describeStores('no archive', { THREAD_ARCHIVE_DAYS: '0' }, (site) => {
  test('SES-21 with THREAD_ARCHIVE_DAYS 0 nothing can be read after expiry, and SES-22 nothing is revived', async () => {
    const before = await expiredSession(site.url);
    expect((await threadRequest(site.url, before.sessionId)).status).toBe(404);
    expect((await listThreads(site.url)).threads.map((thread) => thread.session_id)).not.toContain(
      before.sessionId,
    );
    await using after = await WireClient.resume(site.url, before);
    expect(after.success).toMatchObject({ outcome: 'expired', previous_session_id: before.sessionId });
    expect(after.sessionId).not.toBe(before.sessionId);
    expect(after.restored?.history.total).toBe(0);
    expect((await threadRequest(site.url, before.sessionId)).status).toBe(404);
    await using again = await WireClient.resume(site.url, before);
    expect(again.sessionId).toBe(after.sessionId);
  });
});

/** Fast heartbeats: how a crash is found out does not take the usual 25 s. */
const BEATS = { ATTACH_BEAT_MS: '50', ATTACH_TTL_MS: '1000' };

describeStores('a crash', BEATS, (site) => {
  test('SES-14 connections of a killed server went with its last sign of life', async () => {
    const server: ServerProcess = await site.start();
    await using before = await WireClient.connect(server.url);
    await before.say('hello');
    await server.kill9();
    const crashedAt = performance.now();
    await server.restart();
    // Where others share the store it takes ATTACH_TTL_MS until it is known; no other connection is there anyway.
    await advanceClock(server.url, 20_000);
    await using after = await WireClient.resume(server.url, before);
    const sinceCrash = performance.now() - crashedAt + 20_000;
    expect(after.success).toMatchObject({ outcome: 'restored', tier: 'brief' });
    const away = after.restored?.disconnected_ms ?? 0;
    expect(away).toBeGreaterThanOrEqual(20_000);
    expect(away).toBeLessThanOrEqual(sinceCrash + 1000);
    await site.end(server);
  });

  test('SES-14 and count from there: beyond the limit the session has expired', async () => {
    const server: ServerProcess = await site.start();
    await using before = await WireClient.connect(server.url);
    await before.say('hello');
    await server.restart();
    await advanceClock(server.url, 300_001);
    await using after = await WireClient.resume(server.url, before);
    expect(after.success?.outcome).toBe('expired');
    await site.end(server);
  });
});
