import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { type ExpectedError, expectRefused } from './support/expect-frames.ts';
import { describeStore } from './support/site.ts';

const INVALID_KEY: ExpectedError = {
  error_type: 'invalid_key',
  code: 403,
  message: 'Invalid API key',
  retryable: false,
};
const INVALID_FORMAT: ExpectedError = {
  error_type: 'invalid_format',
  code: 400,
  message: 'Invalid message format',
  retryable: false,
};
const VIOLATION: ExpectedError = { error_type: 'protocol_violation', code: 409, retryable: false };
const good = { api_key: 'valid-test-key' };

describeStore('sqlite', 'a client that is not let in', {}, (site) => {
  /** What one frame, sent first, leads to. */
  async function refusedFirst(frame: string | Buffer, expected: ExpectedError, closeCode: number) {
    await using client = await WireClient.open(site.url);
    await client.next('connection_established');
    client.sendRaw(frame);
    const error = await expectRefused(client, expected, closeCode);
    expect(client.frames).toHaveLength(3);
    return error;
  }
  const refusedConnect = (data: unknown, expected: ExpectedError, closeCode: number) =>
    refusedFirst(
      JSON.stringify({ type: 'connect', data, id: 'first-frame' }),
      { ...expected, reply_to: 'first-frame' },
      closeCode,
    );

  test.each([
    ['no api_key', {}],
    ['an api_key that is null', { api_key: null }],
    ['an empty api_key', { api_key: '' }],
    ['an unknown api_key', { api_key: 'no-such-key' }],
    ['no api_key, whatever else is wrong', { domain: 7, protocol_version: 99 }],
  ])('HEL-21 %s is invalid_key', async (_name, data) => {
    await refusedConnect(data, INVALID_KEY, 4000);
  });

  test.each([
    ['an api_key that is no text', { api_key: 123456789 }, 'data.api_key'],
    ['an api_key beyond any size', { api_key: 'k'.repeat(8193) }, 'data.api_key'],
    ['a domain with a blank', { ...good, domain: 'two words' }, 'data.domain'],
    ['a workspace of the wrong type', { ...good, workspace: [] }, 'data.workspace'],
    ['a connection_type that does not exist', { ...good, connection_type: 'voice' }, 'data.connection_type'],
    ['token and session_id at once', { ...good, session_token: 'a', session_id: 'b' }, 'data.session_id'],
    ['a position that is none', { ...good, position: { epoch: 'e', seq: -1 } }, 'data.position.seq'],
    [
      'a partial without its index',
      { ...good, partial: { message_id: 'm', attempt: 1 } },
      'data.partial.next_index',
    ],
    ['a version that is no integer', { ...good, protocol_version: '1' }, 'data.protocol_version'],
    ['a client that is a text', { ...good, client: 'me' }, 'data.client'],
  ])('HEL-26 %s is invalid_message, and the end', async (_name, data, path) => {
    const expected: ExpectedError = { error_type: 'invalid_message', code: 422, retryable: false };
    const error = await refusedConnect(data, expected, 4002);
    expect(error.original_type).toBe('connect');
    expect(error.issues?.map((issue) => issue.path)).toEqual([path]);
    expect(error.message).toBe(`${path}: ${error.issues?.[0]?.message}`);
  });

  test('HEL-27 another version is unsupported_version, which names those that are spoken', async () => {
    for (const version of [0, 2, 99, -1]) {
      const error = await refusedConnect(
        { ...good, protocol_version: version },
        { error_type: 'unsupported_version', code: 426, retryable: false },
        4003,
      );
      expect(error.message).toMatch(/supported: 1$/);
    }
  });

  test.each(['chat_message', 'ping', 'auth_refresh', 'disconnect', 'connection_success', 'no_such_type'])(
    'HEL-25 %s before connect is a violation',
    async (type) => {
      const frame = JSON.stringify({ type, data: {}, id: 'some-id' });
      await refusedFirst(frame, { ...VIOLATION, reply_to: 'some-id' }, 4003);
    },
  );

  test.each([
    ['no JSON', '{"type":"connect"'],
    ['nothing', ''],
    ['a text', '"connect"'],
    ['null', 'null'],
    ['a list', '[{"type":"connect","data":{}}]'],
    ['no type', '{"data":{}}'],
    ['an empty type', '{"type":"","data":{}}'],
    ['a type of 65 characters', JSON.stringify({ type: 't'.repeat(65), data: {} })],
    ['a type that is a number', '{"type":5,"data":{}}'],
    ['no data', '{"type":"connect"}'],
    ['data that is a list', '{"type":"connect","data":[]}'],
    ['data that is null', '{"type":"connect","data":null}'],
    ['an id that is a number', '{"type":"connect","data":{},"id":1}'],
    ['an id that is null', '{"type":"connect","data":{},"id":null}'],
    ['an empty id', '{"type":"connect","data":{},"id":""}'],
    ['an id of 65 characters', JSON.stringify({ type: 'connect', data: {}, id: 'i'.repeat(65) })],
  ])('MSG-3 %s is invalid_format', async (_name, frame) => {
    await refusedFirst(frame, { ...INVALID_FORMAT, reply_to: undefined }, 4002);
  });

  test('MSG-3 a binary frame is invalid_format, a good connect in it too', async () => {
    await refusedFirst(Buffer.from(JSON.stringify({ type: 'connect', data: good })), INVALID_FORMAT, 4002);
  });

  test('HEL-28 a connect of exactly 16 KiB is read', async () => {
    await using client = await WireClient.open(site.url);
    client.sendRaw(padded(16_384));
    await client.next('connection_success');
  });

  test('HEL-28 a frame of one byte more is not', async () => {
    await using client = await WireClient.open(site.url);
    client.sendRaw(padded(16_385));
    expect(await client.closed()).toMatchObject({ code: 1009 });
    expect(client.frames.map((frame) => frame.type)).not.toContain('connection_success');
  });

  test('HEL-28 nor are many small fragments, which are not even put together', async () => {
    await using client = await WireClient.open(site.url);
    const fragment = 'x'.repeat(1000);
    client.socket.send('{"type":"connect","data":{"padding":"', { fin: false });
    for (let i = 0; i < 40; i++) client.socket.send(fragment, { fin: false });
    // The frame is never finished.
    expect(await client.closed()).toMatchObject({ code: 1009 });
  });

  test('HEL-19 a dashboard has no place on a chat path, and may say so again', async () => {
    await using client = await WireClient.open(site.url);
    client.send('connect', { api_key: 'development', connection_type: 'dashboard' });
    const { data } = await client.next('error');
    expect(data).toMatchObject({ error_type: 'not_available', code: 501, retryable: false });
    await client.authenticate({ connection_type: 'chat' });
  });

  test('HEL-20 nothing that comes after the failure is answered', async () => {
    await using client = await WireClient.open(site.url);
    client.together(() => {
      client.send('connect', { api_key: 'wrong-key' });
      client.send('connect', { api_key: 'development' });
      client.send('ping', {});
    });
    await expectRefused(client, INVALID_KEY, 4000);
    expect(client.frames).toHaveLength(3);
  });
});

describeStore('sqlite', 'a client that says nothing', { AUTH_TIMEOUT_MS: '1000' }, (site) => {
  test('HEL-24 ends with auth_timeout', async () => {
    await using client = await WireClient.open(site.url);
    await expectRefused(
      client,
      { error_type: 'auth_timeout', code: 403, message: 'Authentication timeout', retryable: true },
      4000,
    );
    expect(client.frames).toHaveLength(3);
  });

  test('HEL-24 is not ended once it is authenticated', async () => {
    await using early = await WireClient.connect(site.url);
    // Opened later: when its time is over, so is that of the other.
    await using late = await WireClient.open(site.url);
    await late.closed();
    await early.request('ping', {});
  });
});

/** A good connect in a frame of so many bytes. */
function padded(bytes: number): string {
  const frame = (padding: string) => JSON.stringify({ type: 'connect', data: { ...good, padding } });
  return frame('x'.repeat(bytes - frame('').length));
}
