import { expect, test } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import type { UpInput } from '../../protocol/chat/up.ts';
import { advanceClock, untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { expectError } from './support/expect-frames.ts';
import { sizeOf } from './support/session-bytes.ts';
import { describeStores } from './support/site.ts';
import { threadRequest } from './support/threads.ts';

const LIMITS = { HISTORY_PAGE: '5', MAX_SESSIONS_PER_SUBJECT: '3', MAX_SESSION_BYTES: '4000' };
const FULL = { error_type: 'limit_exceeded', code: 413, retryable: false } as const;

describeStores('history and sizes', LIMITS, (site) => {
  /** One session for all tests of history: events 1 to 14, of which 4 and 8 carry no message. */
  async function conversation(): Promise<WireClient> {
    const client = await WireClient.connect(site.url, { api_key: 'valid-test-key' });
    for (let seq = 1; seq <= 14; seq++)
      if (seq % 4 === 0) await client.request('context_update', { memory: { seq } });
      else await client.say(`${seq}`);
    return client;
  }
  const page = async (client: WireClient, request: UpInput<'history_request'>) => {
    const reply = await client.request('history_request', request);
    expect(reply.type).toBe('history');
    const { messages, total, has_more } = reply.data as DownData<'history'>;
    return { seqs: messages.map((message) => message.seq), total, has_more };
  };

  test('MSG-45 pages go back from the newest message, each ascending, until there are no more', async () => {
    await using client = await conversation();
    expect(await page(client, {})).toEqual({ seqs: [9, 10, 11, 13, 14], total: 11, has_more: true });
    expect(await page(client, { before_seq: 9 })).toEqual({
      seqs: [2, 3, 5, 6, 7],
      total: 11,
      has_more: true,
    });
    expect(await page(client, { before_seq: 2 })).toEqual({ seqs: [1], total: 11, has_more: false });
    expect(await page(client, { before_seq: 1 })).toEqual({ seqs: [], total: 11, has_more: false });
    expect(await page(client, { limit: 2 })).toEqual({ seqs: [13, 14], total: 11, has_more: true });
    expect(await page(client, { limit: 500 })).toMatchObject({ total: 11, has_more: false });
    expect(await page(client, { before_seq: 1000, limit: 1 })).toMatchObject({ seqs: [14] });
    expect(await page(client, { limit: 1, before_seq: 2 })).toEqual({
      seqs: [1],
      total: 11,
      has_more: false,
    });

    expect(await page(client, { roles: ['user'], limit: 1 })).toEqual({
      seqs: [14],
      total: 11,
      has_more: true,
    });
    expect(await page(client, { roles: ['assistant', 'system'] })).toEqual({
      seqs: [],
      total: 0,
      has_more: false,
    });

    for (const bad of [
      { limit: 501 },
      { limit: 0 },
      { before_seq: 0 },
      { roles: [] },
      { roles: ['person'] },
      { limit: 1.5 },
    ])
      await WireClient.connect(site.url, { api_key: 'valid-test-key', session_id: client.sessionId }).then(
        async (other) => {
          const reply = await other.request('history_request', bad as never);
          expectError(reply, { error_type: 'invalid_message', code: 422 });
          await other[Symbol.asyncDispose]();
        },
      );
  });

  test('SES-6 beyond MAX_SESSIONS_PER_SUBJECT none is made, and the others can be opened', async () => {
    const clients: WireClient[] = [];
    for (let i = 0; i < 3; i++) clients.push(await WireClient.connect(site.url));
    await using fourth = await WireClient.open(site.url);
    expectError(await fourth.request('connect', { api_key: 'development' }), FULL);
    await fourth.authenticate({ session_id: clients[0]!.sessionId });
    expect(await fourth.say('an old one')).toBe(1);
    expect((await threadRequest(site.url, clients[2]!.sessionId, 'DELETE')).status).toBe(204);
    await using fifth = await WireClient.connect(site.url);
    expect(fifth.success?.outcome).toBe('fresh');
    await using sixth = await WireClient.open(site.url);
    expectError(await sixth.request('connect', { api_key: 'development' }), FULL);
    for (const client of clients) await client[Symbol.asyncDispose]();
    await untilConnections(site.url, 3);
    for (const client of [...clients.slice(0, 2), fifth])
      await threadRequest(site.url, client.sessionId, 'DELETE');
  });

  test('SES-6 a subject that has as many as it may still comes back to a session that has expired', async () => {
    const clients: WireClient[] = [];
    for (let i = 0; i < 3; i++) clients.push(await WireClient.connect(site.url));
    for (const client of clients) await client[Symbol.asyncDispose]();
    await untilConnections(site.url, 0);
    await advanceClock(site.url, 300_001);
    const [first] = clients;
    await using back = await WireClient.connect(site.url, { session_token: first!.token });
    expect(back.success).toMatchObject({ outcome: 'expired', previous_session_id: first!.sessionId });
    for (const client of [...clients, back]) await threadRequest(site.url, client.sessionId, 'DELETE');
  });

  test('FLO-7 a session of MAX_SESSION_BYTES takes no more messages, and can still be read', async () => {
    await using client = await WireClient.connect(site.url);
    let taken = 0;
    for (;;) {
      const reply = await client.request('chat_message', { content: 'x'.repeat(300) });
      if (reply.type === 'error') {
        expectError(reply, FULL);
        break;
      }
      taken++;
    }
    expect(taken).toBeGreaterThanOrEqual(5);
    expect(taken).toBeLessThanOrEqual(10);
    expect((await page(client, { limit: 100 })).total).toBe(taken);
    await using again = await WireClient.resume(site.url, client);
    expect(again.success).toMatchObject({ outcome: 'restored', position: { seq: taken } });
    expectError(await again.request('chat_message', { content: 'x'.repeat(300) }), FULL);
    expect(await sizeOf(client)).toBeLessThanOrEqual(4000);
  });
});
