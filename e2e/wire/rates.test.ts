import { expect, test } from 'vitest';
import { untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { type ExpectedError, expectRefused } from './support/expect-frames.ts';
import { describeStore } from './support/site.ts';

const RATE_LIMITED: ExpectedError = {
  error_type: 'rate_limited',
  code: 429,
  message: 'Rate limit exceeded',
  retryable: true,
};

describeStore('sqlite', 'frames', { MESSAGE_RATE_PER_S: '1', MESSAGE_BURST: '5' }, (site) => {
  test('FLO-1 one frame more than the burst is rate_limited', async () => {
    await using client = await WireClient.connect(site.url);
    // connect was one of the five.
    for (let i = 0; i < 5; i++) client.send('ping', {});
    const error = await expectRefused(client, RATE_LIMITED, 4001);
    expect(error.retry_after_ms).toBeGreaterThan(0);
    expect(error.retry_after_ms).toBeLessThanOrEqual(1000);
    expect(client.frames.filter((frame) => frame.type === 'pong')).toHaveLength(4);
  });

  test('FLO-1 frames that were refused before they were read count too', async () => {
    await using client = await WireClient.connect(site.url);
    for (let i = 0; i < 5; i++) client.send('history_request', { limit: 0 });
    await expectRefused(client, RATE_LIMITED, 4001);
    expect(client.frames.filter((frame) => frame.type === 'error')).toHaveLength(5);
  });

  test('FLO-1 the burst is there again after a while', async () => {
    await using client = await WireClient.connect(site.url);
    for (let i = 0; i < 4; i++) await client.request('ping', {});
    await site.advance(10_000);
    for (let i = 0; i < 5; i++) await client.request('ping', {});
    client.send('ping', {});
    await expectRefused(client, RATE_LIMITED, 4001);
  });

  test('MSG-5 the rate is looked at before the form', async () => {
    await using client = await WireClient.connect(site.url);
    for (let i = 0; i < 4; i++) await client.request('ping', {});
    client.sendRaw('not JSON');
    await expectRefused(client, RATE_LIMITED, 4001);
  });

  test('MSG-5 the size is looked at before the rate', async () => {
    await using client = await WireClient.connect(site.url);
    for (let i = 0; i < 4; i++) await client.request('ping', {});
    client.sendRaw('x'.repeat(1_048_577));
    expect(await client.closed()).toMatchObject({ code: 1009 });
  });
});

describeStore('sqlite', 'connections of an address', { CONNECTION_RATE_PER_S: '5' }, (site) => {
  test('HEL-30 one more in a second is rate_limited, as the first frames of the connection', async () => {
    const clients = await Promise.all(Array.from({ length: 12 }, () => WireClient.open(site.url)));
    for (const client of clients) await client.find(() => client.frames.length > 0, 'the first frame');
    const refused = clients.filter((client) => client.frames[0]?.type === 'error');
    const welcome = clients.filter((client) => client.frames[0]?.type === 'connection_established');
    // There is room for one more each 200 ms that opening them took.
    expect(welcome.length).toBeGreaterThanOrEqual(5);
    expect(refused).not.toEqual([]);
    for (const client of refused) {
      const error = await expectRefused(client, RATE_LIMITED, 4001);
      expect(client.frames).toHaveLength(2);
      expect(error.retry_after_ms).toBeGreaterThan(0);
    }
    await site.advance(1000);
    await using later = await WireClient.open(site.url);
    await later.next('connection_established');
    for (const client of clients) await client[Symbol.asyncDispose]();
  });
});

describeStore('sqlite', 'failed attempts', { FAILED_AUTH_PER_MIN: '3', TRUST_PROXY: 'loopback' }, (site) => {
  const fail = async (address: string) => {
    await using client = await WireClient.open(site.url, { headers: { 'x-forwarded-for': address } });
    client.send('connect', { api_key: 'wrong' });
    return await expectRefused(client, { error_type: 'invalid_key', code: 403 }, 4000);
  };

  test('HEL-29 an address that failed too often is turned away, with good keys too', async () => {
    for (let i = 0; i < 3; i++) await fail('198.51.100.1');
    await using client = await WireClient.open(site.url, { headers: { 'x-forwarded-for': '198.51.100.1' } });
    const error = await expectRefused(client, RATE_LIMITED, 4001);
    expect(error.retry_after_ms).toBeGreaterThan(0);
    expect(error.retry_after_ms).toBeLessThanOrEqual(20_000);
    await using elsewhere = await WireClient.connect(
      site.url,
      {},
      { headers: { 'x-forwarded-for': '198.51.100.2' } },
    );
    await elsewhere.request('ping', {});
    await site.advance(error.retry_after_ms ?? 0);
    await using later = await WireClient.connect(
      site.url,
      {},
      { headers: { 'x-forwarded-for': '198.51.100.1' } },
    );
    await later.request('ping', {});
  });

  test('HEL-29 keys that are tried by auth_refresh count as well', async () => {
    const headers = { 'x-forwarded-for': '198.51.100.3' };
    for (let i = 0; i < 3; i++) {
      await using client = await WireClient.connect(site.url, {}, { headers });
      client.send('auth_refresh', { api_key: 'wrong' });
      await expectRefused(client, { error_type: 'invalid_key', code: 403 }, 4000);
    }
    await using client = await WireClient.open(site.url, { headers });
    await expectRefused(client, RATE_LIMITED, 4001);
  });
});

describeStore(
  'sqlite',
  'connections of a subject',
  { MAX_CONNECTIONS_PER_SUBJECT: '2', MAX_SESSIONS_PER_SUBJECT: '2' },
  (site) => {
    test('HEL-31 one more is rate_limited, and another subject is not', async () => {
      await using one = await WireClient.connect(site.url);
      await using _two = await WireClient.connect(site.url, { session_id: one.sessionId });
      await using three = await WireClient.open(site.url);
      const id = three.send('connect', { api_key: 'development' });
      const error = await expectRefused(three, { ...RATE_LIMITED, reply_to: id }, 4001);
      expect(error.retry_after_ms).toBeGreaterThan(0);
      await using other = await WireClient.connect(site.url, { api_key: 'valid-test-key' });
      one.cut();
      await untilConnections(site.url, 2);
      await using four = await WireClient.open(site.url);
      // The one that was turned away has left no session behind: there is room for a second.
      await four.authenticate();
      expect(other.sessionId).not.toBe(four.sessionId);
    });
  },
);
