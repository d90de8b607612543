import { expect, test } from 'vitest';
import { untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { type ExpectedError, expectRefused } from './support/expect-frames.ts';
import { describeStore } from './support/site.ts';
import { refusedUpgrade, type UpgradeAnswer } from './support/upgrade.ts';

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
  test('HEL-32 one more in a second is 429, and there is room again after Retry-After', async () => {
    const opened: WireClient[] = [];
    let refused: undefined | UpgradeAnswer;
    // There is room for one more each 200 ms that opening them takes.
    while (refused === undefined)
      await WireClient.open(site.url).then(
        (client) => opened.push(client),
        async () => {
          refused = await refusedUpgrade(site.url, '/client_test').catch(() => undefined);
        },
      );
    expect(opened.length).toBeGreaterThanOrEqual(5);
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBe('1');
    await site.advance(1000);
    await using later = await WireClient.open(site.url);
    await later.next('connection_established');
    for (const client of opened) await client[Symbol.asyncDispose]();
  });
});

describeStore('sqlite', 'failed attempts', { FAILED_AUTH_PER_MIN: '3', TRUST_PROXY: 'loopback' }, (site) => {
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
  const fail = async (address: string) => {
    await using client = await WireClient.open(site.url, from(address));
    client.send('connect', { api_key: 'wrong' });
    return await expectRefused(client, { error_type: 'invalid_key', code: 403 }, 4000);
  };
  const throttled = async (client: WireClient) => {
    const error = await expectRefused(client, RATE_LIMITED, 4001);
    expect(error.retry_after_ms).toBeGreaterThan(0);
    expect(error.retry_after_ms).toBeLessThanOrEqual(20_000);
    return error.retry_after_ms ?? 0;
  };

  test('HEL-33 an address that failed too often is told nothing more of its bad keys, and good ones get in', async () => {
    for (let i = 0; i < 3; i++) await fail('198.51.100.1');
    await using client = await WireClient.open(site.url, from('198.51.100.1'));
    client.send('connect', { api_key: 'wrong' });
    const waitMs = await throttled(client);
    await using good = await WireClient.connect(site.url, {}, from('198.51.100.1'));
    await good.request('ping', {});
    await fail('198.51.100.2');
    await site.advance(waitMs);
    await fail('198.51.100.1');
    await using again = await WireClient.open(site.url, from('198.51.100.1'));
    again.send('connect', { api_key: 'wrong' });
    await throttled(again);
  });

  test('HEL-33 keys that are tried by auth_refresh count as well, and are judged likewise', async () => {
    const open = from('198.51.100.3');
    for (let i = 0; i < 3; i++) {
      await using client = await WireClient.connect(site.url, {}, open);
      client.send('auth_refresh', { api_key: 'wrong' });
      await expectRefused(client, { error_type: 'invalid_key', code: 403 }, 4000);
    }
    await using client = await WireClient.connect(site.url, {}, open);
    const good = await client.request('auth_refresh', { api_key: 'development' });
    expect(good.data).toMatchObject({ status: 'success' });
    client.send('auth_refresh', { api_key: 'wrong' });
    await throttled(client);
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
