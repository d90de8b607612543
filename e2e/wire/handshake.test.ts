import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStores } from './support/site.ts';

describeStores('the way in', {}, (site) => {
  test('HEL-10 the server speaks first', async () => {
    await using client = await WireClient.open(site.url);
    const first = await client.next('connection_established');
    expect(first.raw).toBe(
      '{"type":"connection_established","data":{"message":"Connection established, waiting for authentication"}}',
    );
  });

  test('HEL-11 a good connect is answered in order, with nothing between', async () => {
    await using client = await WireClient.open(site.url);
    const id = client.send('connect', {
      api_key: 'valid-test-key',
      connection_type: 'chat',
      domain: 'personal',
      workspace: 'personal',
    });
    await client.request('ping', {});
    expect(client.frames.map((frame) => frame.type)).toEqual([
      'connection_established',
      'connection_success',
      'message_delivered',
      'pong',
    ]);
    expect(client.frames.slice(1, 3).map((frame) => frame.reply_to)).toEqual([id, id]);
  });

  test('HEL-11 a session that was restored is shown directly after that', async () => {
    await using before = await WireClient.connect(site.url);
    await before.say('one');
    await before.say('two');
    await using client = await WireClient.open(site.url);
    client.send('connect', {
      api_key: 'development',
      session_token: before.token,
      position: { ...before.position, seq: 1, tag: before.events[0]?.tag },
    });
    await client.next('message_created');
    expect(client.frames.map((frame) => frame.type)).toEqual([
      'connection_established',
      'connection_success',
      'message_delivered',
      'session_restored',
      'message_created',
    ]);
  });

  test('HEL-12 connection_success says everything that a client needs', async () => {
    await using client = await WireClient.open(site.url);
    client.send('connect', { api_key: 'valid-test-key', protocol_version: 1 });
    const { data } = await client.next('connection_success');
    expect(data).toEqual({
      message: 'Connected',
      session_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      session_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      position: { epoch: expect.any(String), seq: 0 },
      outcome: 'fresh',
      tier: 'brief',
      user: { subject: expect.any(String), permissions: ['chat'] },
      heartbeat_interval_ms: 25_000,
      reconnect: { min_ms: 500, max_ms: 30_000, jitter: 'full' },
      protocol_version: 1,
      node_id: expect.any(String),
    });
  });

  test('HEL-13 the acknowledgement of connect has the words of old', async () => {
    await using client = await WireClient.open(site.url);
    client.sendRaw('{"type":"connect","data":{"api_key":"valid-test-key","connection_type":"chat"}}');
    const { raw } = await client.next('message_delivered');
    expect(raw).toBe(
      '{"type":"message_delivered","data":{"message":"Authentication message received and processed","original_type":"connect","status":"success"}}',
    );
  });

  test('HEL-14 domain and workspace are personal where they are left out', async () => {
    await using named = await WireClient.connect(site.url, { domain: 'personal', workspace: 'personal' });
    await using unnamed = await WireClient.connect(site.url, { session_id: named.sessionId });
    expect(unnamed.success?.outcome).toBe('restored');
  });

  test('HEL-16 a new connection authenticates again', async () => {
    await using first = await WireClient.connect(site.url);
    await using second = await WireClient.open(site.url, { path: '/client_test' });
    second.send('context_request', {});
    expect(await second.closed()).toMatchObject({ code: 4003 });
    await first.request('ping', {});
  });

  test('HEL-17 what is sent right after connect is handled after it, in order', async () => {
    await using client = await WireClient.open(site.url);
    client.send('connect', { api_key: 'development' });
    const ids = Array.from({ length: 30 }, (_, i) => client.send('chat_message', { content: `${i}` }));
    await client.find((frame) => frame.reply_to === ids.at(-1));
    expect(client.frames.slice(1, 3).map((frame) => frame.type)).toEqual([
      'connection_success',
      'message_delivered',
    ]);
    const stored = client.events.flatMap((e) => (e.type === 'message_created' ? [e.data.message.id] : []));
    expect(stored).toEqual(ids);
  });

  test('HEL-17 that holds for larger messages too, each below the limit of a connect', async () => {
    await using client = await WireClient.open(site.url);
    const content = 'x'.repeat(8000);
    let last = '';
    client.together(() => {
      client.send('connect', { api_key: 'development' });
      for (let i = 0; i < 20; i++) last = client.send('chat_message', { content });
    });
    const answer = await client.find((frame) => frame.reply_to === last);
    expect(answer.type).toBe('message_delivered');
  });

  test('HEL-18 a connect that was refused with an open connection may be sent again', async () => {
    await using client = await WireClient.open(site.url);
    const id = client.send('connect', { api_key: 'development', session_id: 'no-such-session' });
    const { data, reply_to } = await client.next('error');
    expect(data).toMatchObject({ error_type: 'not_found', code: 404, retryable: false });
    expect(reply_to).toBe(id);
    await client.authenticate();
    expect(client.success?.outcome).toBe('fresh');
  });

  test('HEL-18 anything else sent with the refused connect is a violation', async () => {
    await using client = await WireClient.open(site.url);
    client.send('connect', { api_key: 'development', session_id: 'no-such-session' });
    client.send('chat_message', { content: 'too early' });
    expect(await client.closed()).toMatchObject({ code: 4003 });
    expect(client.frames.map((frame) => frame.type)).toEqual([
      'connection_established',
      'error',
      'error',
      'disconnect',
    ]);
  });

  test('HEL-6 the debug path behaves the same and tells how it came to its answer', async () => {
    await using fresh = await WireClient.connect(site.url, {}, { path: '/debug/client_test' });
    const { data } = await fresh.next('debug');
    expect(data).toMatchObject({ kind: 'restore', outcome: 'fresh', store: site.kind });
    expect(data).toMatchObject({ node_id: fresh.success?.node_id, restore_ms: expect.any(Number) });
    await fresh.say('hello');
    await using again = await WireClient.resume(site.url, fresh, {}, { path: '/debug/client_test' });
    await again.next('debug');
    expect(again.frames.map((frame) => frame.type)).toEqual([
      'connection_established',
      'connection_success',
      'message_delivered',
      'session_restored',
      'debug',
    ]);
  });

  test('HEL-2 connections of one label exist side by side', async () => {
    await using one = await WireClient.connect(site.url, {}, { path: '/client_same' });
    await using two = await WireClient.connect(site.url, {}, { path: '/client_same' });
    expect(one.sessionId).not.toBe(two.sessionId);
    await one.say('mine');
    await two.request('ping', {});
    expect(two.events).toEqual([]);
  });
});
