import { readdir } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { ServerProcess } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { type ExpectedError, expectError, expectRefused } from './support/expect-frames.ts';
import { describeStore, describeStores } from './support/site.ts';

const INVALID_MESSAGE: ExpectedError = { error_type: 'invalid_message', code: 422, retryable: false };

describeStore('sqlite', 'frames of an authenticated client', {}, (site) => {
  test('HEL-15 a second connect is a violation', async () => {
    await using client = await WireClient.connect(site.url);
    const id = client.send('connect', { api_key: 'development' });
    const expected: ExpectedError = {
      error_type: 'protocol_violation',
      code: 409,
      retryable: false,
      reply_to: id,
    };
    await expectRefused(client, expected, 4003);
  });

  test.each([
    'no_such_type',
    'message_created',
    'session_restored',
    'error',
    'constructor',
    '__proto__',
    'toString',
  ])('MSG-13 %s is a violation', async (type) => {
    await using client = await WireClient.connect(site.url);
    client.sendRaw(JSON.stringify({ type, data: {}, id: 'some-id' }));
    const expected: ExpectedError = { error_type: 'protocol_violation', code: 409, reply_to: 'some-id' };
    await expectRefused(client, expected, 4003);
  });

  test.each([
    ['binary', Buffer.from('{"type":"ping","data":{}}')],
    ['not JSON', '{"type":"ping","data":{}'],
    ['not an envelope', '{"type":"ping"}'],
  ])('MSG-3 a frame that is %s is invalid_format', async (_name, frame) => {
    await using client = await WireClient.connect(site.url);
    client.sendRaw(frame);
    const expected: ExpectedError = {
      error_type: 'invalid_format',
      code: 400,
      message: 'Invalid message format',
      retryable: false,
      reply_to: undefined,
    };
    await expectRefused(client, expected, 4002);
  });

  test('MSG-2 unknown fields are ignored, at every depth', async () => {
    await using client = await WireClient.connect(site.url);
    client.sendRaw(
      JSON.stringify({
        type: 'chat_message',
        data: { content: 'hello', colour: 'red', metadata: { any: { thing: 1 } } },
        id: 'unknown-fields',
        version: 9,
        seq: 77,
      }),
    );
    const { data } = await client.next('message_created');
    expect(data.message).toMatchObject({ seq: 1, parts: [{ type: 'text', text: 'hello' }] });
    expect(JSON.stringify(data)).not.toContain('colour');
  });

  test('MSG-4 MSG-30 a ping is answered with its id, and without one where it had none', async () => {
    await using client = await WireClient.connect(site.url);
    client.sendRaw('{"type":"ping","data":{},"id":"x"}');
    client.sendRaw('{"type":"ping","data":{}}');
    const [first, second] = [await client.next('pong'), await client.next('pong')];
    expect(first.raw).toBe('{"type":"pong","data":{},"reply_to":"x"}');
    expect(second.raw).toBe('{"type":"pong","data":{}}');
  });

  test('MSG-10 an error that keeps the connection is not followed by disconnect', async () => {
    await using client = await WireClient.connect(site.url);
    const reply = await client.request('history_request', { limit: 0 });
    expectError(reply, { ...INVALID_MESSAGE, reply_to: reply.reply_to });
    await client.request('ping', {});
    expect(client.frames.map((frame) => frame.type)).not.toContain('disconnect');
  });

  test('MSG-11 the issues name places and rules, and repeat nothing', async () => {
    await using client = await WireClient.connect(site.url);
    client.sendRaw(
      JSON.stringify({
        type: 'chat_message',
        data: { content: 12_345_678, on_busy: 'hunter2', metadata: 'hunter2' },
        id: 'bad',
      }),
    );
    const frame = await client.next('error');
    expectError(frame, { ...INVALID_MESSAGE, reply_to: 'bad' });
    expect(frame.data.issues?.map((issue) => issue.path)).toEqual([
      'id',
      'data.content',
      'data.on_busy',
      'data.metadata',
    ]);
    expect(frame.data.message).toBe(`id: ${frame.data.issues?.[0]?.message}`);
    expect(frame.data.original_type).toBe('chat_message');
    expect(frame.raw).not.toContain('hunter2');
    expect(frame.raw).not.toContain('12345678');
  });

  test('MSG-11 at most 20 issues are named', async () => {
    await using client = await WireClient.connect(site.url);
    const responses = Array.from({ length: 60 }, () => ({}));
    const reply = await client.request('input_respond', { responses } as never);
    expect(expectError(reply, INVALID_MESSAGE).issues).toHaveLength(20);
  });

  test('MSG-12 the fifth invalid message ends the connection', async () => {
    await using client = await WireClient.connect(site.url);
    for (let i = 0; i < 4; i++)
      expectError(await client.request('history_request', { limit: 0 }), INVALID_MESSAGE);
    await client.request('ping', {});
    const id = client.send('history_request', { limit: 0 });
    await expectRefused(client, { ...INVALID_MESSAGE, reply_to: id }, 4002);
  });

  test('MSG-12 invalid messages are forgotten after 60 s', async () => {
    await using client = await WireClient.connect(site.url);
    for (let i = 0; i < 4; i++) await client.request('history_request', { limit: 0 });
    await site.advance(60_000);
    for (let i = 0; i < 4; i++) await client.request('history_request', { limit: 0 });
    await client.request('ping', {});
  });

  test.each([
    ['chat_message', { content: 'x' }],
    ['run_cancel', { run_id: 'r' }],
    ['run_retry', { run_id: 'r' }],
    ['input_respond', { responses: [{ request_id: 'r', approved: true }] }],
    ['context_update', { memory: {} }],
    ['channel_message', { channel: 'c', content: 'x' }],
  ])('MSG-14 %s needs an id of the right form', async (type, data) => {
    await using client = await WireClient.connect(site.url);
    for (const id of [undefined, 'short', 'with blank', 'ümlautümlaut']) {
      client.sendRaw(JSON.stringify({ type, data, id }));
      const frame = await client.next('error');
      const error = expectError(frame, { ...INVALID_MESSAGE, reply_to: id });
      expect(error.issues?.map((issue) => issue.path)).toEqual(['id']);
    }
  });

  test('MSG-19 values nest 64 deep and no deeper, and have no __proto__', async () => {
    await using client = await WireClient.connect(site.url);
    const nested = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;
    const update = (id: string, memory: string) =>
      client.sendRaw(`{"type":"context_update","data":{"memory":${memory}},"id":"${id}"}`);
    update('nested-64', nested(64));
    await client.find((frame) => frame.reply_to === 'nested-64' && frame.type === 'message_delivered');
    update('nested-65', nested(65));
    expectError(await client.find((frame) => frame.reply_to === 'nested-65'), INVALID_MESSAGE);
    update('prototype', '{"a":[{"__proto__":{"admin":true}}]}');
    expectError(await client.find((frame) => frame.reply_to === 'prototype'), INVALID_MESSAGE);
    update('nested-deep', nested(5000));
    expectError(await client.find((frame) => frame.reply_to === 'nested-deep'), INVALID_MESSAGE);
  });

  test('MSG-32 a message has 1 to 100 000 characters, however many bytes these are', async () => {
    await using client = await WireClient.connect(site.url);
    for (const content of ['x', 'x'.repeat(100_000), '😀'.repeat(100_000)]) {
      await client.say(content);
      const { data } = await client.next('message_created');
      expect(data.message.parts).toEqual([{ type: 'text', text: content }]);
    }
    for (const content of ['', 'x'.repeat(100_001), '😀'.repeat(100_001)])
      expectError(await client.request('chat_message', { content }), INVALID_MESSAGE);
  });

  test('MSG-32 metadata of up to 4 096 bytes comes back unchanged', async () => {
    await using client = await WireClient.connect(site.url);
    const metadata = { a: [1, 'ü', null, { b: false }], c: '' };
    metadata.c = 'é'.repeat((4096 - Buffer.byteLength(JSON.stringify(metadata))) / 2);
    await client.say('with', { metadata });
    const { data } = await client.next('message_created');
    expect(data.message.metadata).toEqual(metadata);
    const over = { ...metadata, c: `${metadata.c}xx` };
    expectError(await client.request('chat_message', { content: 'x', metadata: over }), INVALID_MESSAGE);
  });

  test('MSG-31 HEL-17 a goodbye that was held is the end, whatever came behind it', async () => {
    await using client = await WireClient.open(site.url);
    client.together(() => {
      client.send('connect', { api_key: 'development' });
      client.send('disconnect', {});
      client.sendRaw('{"type":"no_such_type","data":{}}');
    });
    expect(await client.closed()).toMatchObject({ code: 1000 });
    expect(client.frames.some((frame) => frame.type === 'error')).toBe(false);
  });

  test('MSG-31 goodbye is answered in kind', async () => {
    await using client = await WireClient.connect(site.url);
    client.send('disconnect', {});
    expect(await client.closed()).toMatchObject({ code: 1000 });
    expect(client.frames.at(-1)?.type).toBe('disconnect');
    await using again = await WireClient.resume(site.url, client);
    expect(again.success?.outcome).toBe('restored');
  });

  test.each([
    ['channel_join', { channel: 'room' }],
    ['channel_leave', { channel: 'room' }],
    ['channel_message', { channel: 'room', content: 'x' }],
  ] as const)('MSG-47 %s is not available', async (type, data) => {
    await using client = await WireClient.connect(site.url);
    const reply = await client.request(type, data as never);
    expectError(reply, { error_type: 'not_available', code: 501, retryable: false });
  });

  test('FLO-2 a frame over the limit closes 1009, however far over', async () => {
    for (const bytes of [1_048_577, 8_000_000, 8_000_000, 8_000_000]) {
      await using client = await WireClient.connect(site.url);
      client.sendRaw('x'.repeat(bytes));
      expect(await client.closed()).toMatchObject({ code: 1009 });
    }
  });

  test('FLO-2 one of exactly 1 MiB is read', async () => {
    await using client = await WireClient.connect(site.url);
    const frame = (padding: string) => JSON.stringify({ type: 'ping', data: { padding } });
    client.sendRaw(frame('x'.repeat(1_048_576 - frame('').length)));
    await client.next('pong');
  });

  test('MSG-20 a frame that breaks the rules of WebSocket itself ends by their codes', async () => {
    await using client = await WireClient.connect(site.url);
    client.together(() => client.socket.send(Buffer.from([0xff, 0xfe, 0xfd]), { binary: false }));
    expect(await client.closed()).toMatchObject({ code: 1007 });
  });

  test.each([
    [1000, '{"type":"disconnect","data":{}}'],
    [4002, 'not JSON'],
    [4003, '{"type":"no_such_type","data":{}}'],
    [4000, '{"type":"auth_refresh","data":{"api_key":"unknown"}}'],
  ])('MSG-21 a close with %i is told before it comes', async (code, frame) => {
    await using client = await WireClient.connect(site.url);
    client.sendRaw(frame);
    expect(await client.closed()).toMatchObject({ code });
    const told = client.frames.filter(({ type }) => type === 'disconnect');
    expect(told).toEqual([client.frames.at(-1)]);
    expect(told[0]?.data).toMatchObject({ reason: expect.stringMatching(/./) });
  });

  test.each([
    [1009, (client: WireClient) => client.sendRaw('x'.repeat(1_048_577))],
    [1007, (client: WireClient) => client.socket.send(Buffer.from([0xff]), { binary: false })],
    // A masked frame with an opcode that there is not.
    [1002, (client: WireClient) => tcpOf(client).write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]))],
  ])('MSG-21 where the WebSocket is at fault it closes with %i alone', async (code, offend) => {
    await using client = await WireClient.connect(site.url);
    offend(client);
    expect(await client.closed()).toMatchObject({ code });
    expect(client.frames.map(({ type }) => type)).not.toContain('disconnect');
  });
});

/** What is under the WebSocket. */
const tcpOf = ({ socket }: WireClient) => (socket as unknown as { readonly _socket: Socket })._socket;

describe('a fault of the server', () => {
  test('MSG-17 is told without detail, and closes 1011', async () => {
    await using server = await ServerProcess.start({ env: { AGENT: 'none' } });
    await using client = await WireClient.connect(server.url);
    const file = (await readdir(server.dataDir)).find((name) => /\.(db|sqlite3?)$/.test(name)) ?? '';
    const database = new DatabaseSync(join(server.dataDir, file), { timeout: 10_000 });
    const refuse = "BEGIN SELECT RAISE(ABORT, 'a detail of ours'); END";
    database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON event ${refuse}`);
    const id = client.send('chat_message', { content: 'hello' });
    const expected: ExpectedError = {
      error_type: 'server_error',
      code: 500,
      message: 'Internal server error',
    };
    await expectRefused(client, expected, 1011);
    expect(client.frames.map(({ raw }) => raw).join()).not.toContain('detail');
    expect(server.errors).toHaveLength(1);
    expect(server.errors[0]).toContain('a detail of ours');
    // Nothing was stored: the same message is taken once the fault is mended.
    database.exec('DROP TRIGGER refuse');
    database.close();
    await using back = await WireClient.resume(server.url, client);
    const reply = await back.request('chat_message', { content: 'hello' }, id);
    expect(reply.data).toMatchObject({ status: 'success', seq: 1 });
  });
});

describeStores('what is not there', {}, (site) => {
  test('MSG-18 errors of that kind keep the connection, and nothing is stored', async () => {
    await using client = await WireClient.connect(site.url);
    expectError(await client.request('run_cancel', { run_id: 'no-such-run' }), {
      error_type: 'not_found',
      code: 404,
      retryable: false,
    });
    expectError(await client.request('run_retry', { run_id: 'no-such-run' }), {
      error_type: 'not_found',
      code: 404,
    });
    const responses = [{ request_id: 'no-such-request', approved: true }];
    expectError(await client.request('input_respond', { responses }), { error_type: 'not_found', code: 404 });
    expect(await client.say('still here')).toBe(1);
  });
});
