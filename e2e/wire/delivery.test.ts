import { expect, test } from 'vitest';
import { metric } from '../../test-helpers/server-process.ts';
import type { Received } from '../../test-helpers/received.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { expectError } from './support/expect-frames.ts';
import { describeStore, describeStores } from './support/site.ts';

const ID_CONFLICT = { error_type: 'id_conflict', code: 409, retryable: false } as const;

/** The texts of people's messages, in the order in which the client got them. */
const textsOf = (client: WireClient) =>
  client.events.flatMap((event) => {
    if (event.type !== 'message_created') return [];
    const [part] = event.data.message.parts;
    return part?.type === 'text' ? [part.text] : [];
  });

const until = (client: WireClient, seq: number) => client.find((frame) => frame.seq === seq, `event ${seq}`);

describeStores('delivery', {}, (site) => {
  test('DEL-10 DEL-14 DEL-15 a message is acknowledged once, with its seq, and the sender gets it too, once', async () => {
    await using client = await WireClient.connect(site.url);
    const reply = await client.request('chat_message', { content: 'hello' }, 'my-message-1');
    expect(reply.raw).toBe(
      '{"type":"message_delivered","data":{"original_type":"chat_message","message_id":"my-message-1","seq":1,"status":"success"},"reply_to":"my-message-1"}',
    );
    const { data, seq } = await client.next('message_created');
    expect(seq).toBe(1);
    expect(data.message).toEqual({
      id: 'my-message-1',
      seq: 1,
      role: 'user',
      parts: [{ type: 'text', text: 'hello' }],
      status: 'completed',
      ts: expect.any(String),
    });
    await client.say('another');
    expect(client.events.map((event) => event.seq)).toEqual([1, 2]);
    expect(client.frames.filter((frame) => frame.reply_to === 'my-message-1')).toHaveLength(1);
  });

  test('DEL-11 the same id again is a duplicate with the first seq, from any device', async () => {
    await using client = await WireClient.connect(site.url);
    await using other = await WireClient.connect(site.url, { session_id: client.sessionId });
    await client.request('chat_message', { content: 'hello' }, 'my-message-1');
    await client.say('later');
    for (const device of [client, other]) {
      const reply = await resend(device, 'my-message-1', { content: 'hello' });
      expect(reply.data).toEqual({
        original_type: 'chat_message',
        message_id: 'my-message-1',
        seq: 1,
        status: 'duplicate',
      });
    }
    await using back = await WireClient.resume(site.url, client);
    expect((await resend(back, 'my-message-1', { content: 'hello' })).data).toMatchObject({
      status: 'duplicate',
    });
    expect(await client.say('third')).toBe(3);
  });

  test('DEL-11 what is left out and what is said to be the default are the same content', async () => {
    await using client = await WireClient.connect(site.url);
    await client.request('chat_message', { content: 'hello' }, 'my-message-1');
    const reply = await resend(client, 'my-message-1', { content: 'hello', on_busy: 'enqueue' });
    expect(reply.data).toMatchObject({ status: 'duplicate' });
  });

  test('DEL-12 the same id with other content or another type stores nothing', async () => {
    await using client = await WireClient.connect(site.url);
    await client.request('chat_message', { content: 'hello' }, 'my-message-1');
    expectError(await resend(client, 'my-message-1', { content: 'hello!' }), ID_CONFLICT);
    expectError(await resend(client, 'my-message-1', { content: 'hello', metadata: {} }), ID_CONFLICT);
    client.send('context_update', { memory: { a: 1 } }, 'my-message-1');
    const last = await client.find((frame) => frame === lastReply(client, 'my-message-1', 3));
    expectError(last, ID_CONFLICT);
    expect(await client.say('next')).toBe(2);
    expect((await client.request('context_request', {})).data).toMatchObject({ memory: {} });
  });

  test('DEL-12 a conflict among messages that arrive at once is found too', async () => {
    await using client = await WireClient.connect(site.url);
    client.together(() => {
      client.send('chat_message', { content: 'one' }, 'same-id-1');
      client.send('chat_message', { content: 'two' }, 'same-id-1');
      client.send('chat_message', { content: 'one' }, 'same-id-1');
    });
    await client.find(() => lastReply(client, 'same-id-1', 2) !== undefined);
    const replies = client.frames.filter((frame) => frame.reply_to === 'same-id-1');
    expect(replies.map((frame) => frame.type).sort()).toEqual([
      'error',
      'message_delivered',
      'message_delivered',
    ]);
    expectError(
      replies.find((frame) => frame.type === 'error'),
      ID_CONFLICT,
    );
    expect(await client.say('next')).toBe(2);
  });

  test('DEL-13 another session may use the same ids', async () => {
    await using one = await WireClient.connect(site.url);
    await using two = await WireClient.connect(site.url);
    for (const client of [one, two]) {
      const reply = await client.request('chat_message', { content: `${client === one}` }, 'common-id');
      expect(reply.data).toMatchObject({ seq: 1, status: 'success' });
    }
  });

  test('DEL-17 messages of one connection are stored in the order in which they were sent', async () => {
    await using client = await WireClient.connect(site.url);
    const sent = Array.from({ length: 200 }, (_, i) => `${i}`);
    client.together(() => {
      for (const content of sent) client.send('chat_message', { content });
    });
    await until(client, 200);
    expect(textsOf(client)).toEqual(sent);
  });

  test('DEL-2 DEL-3 all devices get the same frames in the same order, whoever writes at once', async () => {
    await using first = await WireClient.connect(site.url);
    const devices = await Promise.all(
      Array.from({ length: 4 }, () => WireClient.connect(site.url, { session_id: first.sessionId })),
    );
    const sent = devices.map((device, d) =>
      Array.from({ length: 50 }, (_, i) => {
        device.send('chat_message', { content: `${d}:${i}` });
        return `${d}:${i}`;
      }),
    );
    for (const device of [first, ...devices]) await until(device, 200);
    const frames = eventsRaw(first);
    for (const device of devices) expect(eventsRaw(device)).toEqual(frames);
    // Each device's own messages keep their order.
    for (const [d, own] of sent.entries())
      expect(textsOf(first).filter((text) => text.startsWith(`${d}:`))).toEqual(own);
    for (const device of devices) await device[Symbol.asyncDispose]();
  });

  test('DEL-3 what is replayed is what was sent live, byte for byte', async () => {
    await using client = await WireClient.connect(site.url);
    await client.say('plain');
    await client.say('quotes " and \\ and \u2028 and 😀 and \ud800 and \u0000', {
      metadata: { ключ: 1e-7, z: 0, a: [1.5] },
    });
    await client.request('context_update', { memory: { b: 1, a: '\u007f' } });
    await using replayed = await WireClient.resume(site.url, client, {
      position: { epoch: client.position.epoch, seq: 0 },
    });
    await until(replayed, 3);
    expect(eventsRaw(replayed)).toEqual(eventsRaw(client));
  });

  test('SES-5 nothing of one session reaches a connection of another', async () => {
    await using one = await WireClient.connect(site.url);
    await using two = await WireClient.connect(site.url);
    for (let i = 0; i < 10; i++) {
      await one.say(`one ${i}`);
      await two.say(`two ${i}`);
      await one.request('context_update', { memory: { who: 'one' } });
    }
    expect(textsOf(one).every((text) => text.startsWith('one'))).toBe(true);
    expect(textsOf(two).every((text) => text.startsWith('two'))).toBe(true);
    expect((await two.request('context_request', {})).data).toMatchObject({ memory: {} });
    expect(two.events.map((event) => event.type)).not.toContain('context_updated');
  });

  test('DEL-16 what was not answered before the line broke is stored once, when it is sent again', async () => {
    await using client = await WireClient.connect(site.url);
    for (let round = 0; round < 20; round++) {
      await using sender = await WireClient.connect(site.url, { session_id: client.sessionId });
      sender.send('chat_message', { content: `round ${round}` }, `round-${round}-id`);
      sender.cut();
      await using again = await WireClient.connect(site.url, { session_id: client.sessionId });
      const reply = await again.request('chat_message', { content: `round ${round}` }, `round-${round}-id`);
      expect(reply.type).toBe('message_delivered');
      expect(reply.data).toMatchObject({ seq: round + 1 });
    }
    await until(client, 20);
    expect(textsOf(client)).toEqual(Array.from({ length: 20 }, (_, i) => `round ${i}`));
  });
});

describeStores('a server that is killed', {}, (site) => {
  test('DEL-10 what was acknowledged is there after kill -9, ids included', async () => {
    const server = await site.start();
    await using client = await WireClient.connect(server.url);
    for (let i = 0; i < 5; i++) await client.request('chat_message', { content: `${i}` }, `message-${i}`);
    const position = client.position;
    // In flight when the power goes: each of them is acknowledged, or may be sent again.
    for (let i = 5; i < 100; i++) client.send('chat_message', { content: `${i}` }, `message-${i}`);
    await client.find((frame) => frame.reply_to === 'message-5');
    await server.kill9();
    await client.closed();
    const acknowledged = client.frames.filter((frame) => frame.reply_to?.startsWith('message-'));
    await server.restart();

    await using back = await WireClient.resume(server.url, client, { position });
    expect(back.success?.outcome).toBe('restored');
    const head = back.success?.position?.seq ?? 0;
    if (head > position.seq) await until(back, head);
    const ids = storedIds(back);
    for (const frame of acknowledged.slice(5)) expect(ids).toContain(frame.reply_to);
    for (let i = 0; i < 100; i++) {
      const reply = await back.request('chat_message', { content: `${i}` }, `message-${i}`);
      expect(reply.data).toMatchObject({ seq: i + 1 });
    }
    expect(await back.say('after')).toBe(101);
    await site.end(server);
  });

  test('DEL-12 so are their contents', async () => {
    const server = await site.start();
    await using client = await WireClient.connect(server.url);
    await client.request('chat_message', { content: 'hello' }, 'my-message-1');
    await server.restart();
    await using back = await WireClient.resume(server.url, client);
    expectError(await back.request('chat_message', { content: 'hullo' }, 'my-message-1'), ID_CONFLICT);
    expect((await resend(back, 'my-message-1', { content: 'hello' })).data).toMatchObject({
      status: 'duplicate',
    });
    await site.end(server);
  });
});

describeStore('redis', 'a store that is slow', { AUTH_TIMEOUT_MS: '1500' }, (site) => {
  test('HEL-24 a connect that came in time is not cut short by the time that opening takes', async () => {
    await using idle = await WireClient.open(site.url);
    await using client = await WireClient.open(site.url);
    process.kill(site.redis.pid, 'SIGSTOP');
    try {
      client.send('connect', { api_key: 'development' });
      // Its time is over too by now.
      expect(await idle.closed()).toMatchObject({ code: 4000 });
    } finally {
      process.kill(site.redis.pid, 'SIGCONT');
    }
    await client.next('connection_success');
    await client.next('message_delivered');
    expect((await client.request('ping', {})).type).toBe('pong');
  });
});

describeStore('redis', 'a store that is out of reach', { REDIS_TIMEOUT_MS: '1500' }, (site) => {
  test('DEL-4 MSG-16 nothing is shown or acknowledged before it is stored, and it can be sent again', async () => {
    await using client = await WireClient.connect(site.url);
    await using other = await WireClient.connect(site.url, { session_id: client.sessionId });
    await client.say('before');
    process.kill(site.redis.pid, 'SIGSTOP');
    try {
      const reply = await client.request('chat_message', { content: 'meanwhile' }, 'meanwhile-1');
      expectError(reply, { error_type: 'server_error', code: 503, retryable: true, reply_to: 'meanwhile-1' });
      expect(client.events).toHaveLength(1);
      expect(other.events.length).toBeLessThanOrEqual(1);
    } finally {
      process.kill(site.redis.pid, 'SIGCONT');
    }
    const again = await resend(client, 'meanwhile-1', { content: 'meanwhile' });
    expect(again.type).toBe('message_delivered');
    expect(again.data).toMatchObject({ seq: 2 });
    await until(other, 2);
    expect(textsOf(other)).toEqual(['before', 'meanwhile']);
    expect(await metric(site.url, 'holdfast_store_unavailable_total')).toBeGreaterThan(0);
  });
});

/** Sends the message again under an id that was used before; resolves with the reply to this sending. */
async function resend(
  client: WireClient,
  id: string,
  data: { content: string; metadata?: object; on_busy?: 'enqueue' },
) {
  const before = client.frames.filter((frame) => frame.reply_to === id).length;
  client.send('chat_message', data as never, id);
  await client.find(() => lastReply(client, id, before) !== undefined, `another reply to ${id}`);
  return lastReply(client, id, before) as Received;
}

/** The reply number `at` (from 0) to the messages with this id. */
function lastReply(client: WireClient, id: string, at: number): undefined | Received {
  return client.frames.filter((frame) => frame.reply_to === id)[at];
}

function eventsRaw(client: WireClient): string[] {
  return client.frames.flatMap((frame) => (frame.seq === undefined ? [] : [frame.raw]));
}

function storedIds(client: WireClient): string[] {
  return client.events.flatMap((event) => (event.type === 'message_created' ? [event.data.message.id] : []));
}
