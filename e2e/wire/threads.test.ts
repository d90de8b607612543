import { expect, test } from 'vitest';
import { untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { expectError } from './support/expect-frames.ts';
import { ask, eventsOf, streamed } from './support/runs.ts';
import { describeStores } from './support/site.ts';
import { listThreads, threadRequest } from './support/threads.ts';

describeStores('threads and sockets', { AGENT: 'demo' }, (site) => {
  test('SES-3 a thread made over HTTP is a session that can be joined', async () => {
    const response = await fetch(`${site.url}/api/chat/threads`, {
      method: 'POST',
      headers: { authorization: 'Bearer development', 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'About tea' }),
    });
    expect(response.status).toBe(201);
    const { session_id } = (await response.json()) as { session_id: string };
    await using client = await WireClient.connect(site.url, { session_id });
    expect(client.success).toMatchObject({ outcome: 'restored', session_id, position: { seq: 0 } });
    await client.say('calc 1+1');
    const listed = (await listThreads(site.url)).threads.find((thread) => thread.session_id === session_id);
    expect(listed).toMatchObject({ title: 'About tea', tier: 'brief', archived: false, expires_in_ms: null });
    await client.runFinished();
  });

  test('SES-19 the list says how long a session that everybody left will live', async () => {
    const client = await WireClient.connect(site.url);
    await client.say('hello');
    await client.runFinished();
    client.cut();
    await untilConnections(site.url, 0);
    await site.advance(60_000);
    const { body } = await threadRequest(site.url, client.sessionId);
    expect(body).toMatchObject({ tier: 'medium', message_count: 2, title: 'hello', archived: false });
    expect(body.expires_in_ms).toBeGreaterThan(200_000);
    expect(body.expires_in_ms).toBeLessThanOrEqual(240_000);
  });

  test('SES-23 erasing ends the run and the sockets, and SES-22 no token or id revives it', async () => {
    await using one = await WireClient.connect(site.url);
    await using two = await WireClient.connect(site.url, { session_id: one.sessionId });
    await using other = await WireClient.connect(site.url);
    const run = await ask(one, 'count to 500');
    await streamed(two, run, 2);
    expect((await threadRequest(site.url, one.sessionId, 'DELETE', 'valid-test-key')).status).toBe(404);
    expect((await threadRequest(site.url, one.sessionId, 'DELETE')).status).toBe(204);
    for (const device of [one, two]) {
      expect(await device.closed()).toEqual({ code: 1000, reason: 'erased' });
      expect(device.frames.at(-1)?.raw).toBe('{"type":"disconnect","data":{"reason":"erased"}}');
      expect(eventsOf(device, 'run_finished').map((event) => event.data.outcome)).toEqual(['canceled']);
    }
    await other.request('ping', {});
    expect((await threadRequest(site.url, one.sessionId)).status).toBe(404);
    expect((await threadRequest(site.url, one.sessionId, 'DELETE')).status).toBe(404);
    await using byId = await WireClient.open(site.url);
    expectError(await byId.request('connect', { api_key: 'development', session_id: one.sessionId }), {
      error_type: 'not_found',
      code: 404,
    });
    const back = await Promise.all([one, two].map((device) => WireClient.resume(site.url, device)));
    for (const device of back) {
      expect(device.success).toMatchObject({ outcome: 'expired', previous_session_id: one.sessionId });
      expect(device.sessionId).not.toBe(one.sessionId);
      expect(device.restored?.history.total).toBe(0);
      await device[Symbol.asyncDispose]();
    }
    expect((await threadRequest(site.url, one.sessionId)).status).toBe(404);
  });

  test('SES-23 erasing while a device comes back leaves nobody in a session that is gone', async () => {
    for (let i = 0; i < 10; i++) {
      await using one = await WireClient.connect(site.url);
      await one.request('context_update', { memory: { i } });
      const [back, erased] = await Promise.all([
        WireClient.resume(site.url, one),
        threadRequest(site.url, one.sessionId, 'DELETE'),
      ]);
      expect(erased.status).toBe(204);
      if (back.sessionId === one.sessionId) expect(await back.closed()).toMatchObject({ code: 1000 });
      else expect(back.success).toMatchObject({ outcome: 'expired' });
      await back[Symbol.asyncDispose]();
    }
  });
});
