import { expect, test } from 'vitest';
import { advanceClock, untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { expectError } from '../wire/support/expect-frames.ts';
import { describeStores } from '../wire/support/site.ts';
import { listThreads, threadRequest } from '../wire/support/threads.ts';

// Somebody with a chat key who wants more sessions than a subject may have.

const LIMITS = { MAX_SESSIONS_PER_SUBJECT: '5', THREAD_ARCHIVE_DAYS: '1' };
const FULL = { error_type: 'limit_exceeded', code: 413, retryable: false } as const;

describeStores('a subject with as many sessions as it may have', LIMITS, (site) => {
  test('SES-26 SES-6 makes one session in all with the token of an erased one, however often it is shown', async () => {
    await using first = await WireClient.connect(site.url);
    expect((await threadRequest(site.url, first.sessionId, 'DELETE')).status).toBe(204);
    const ids = new Set<string>();
    for (let i = 0; i < 60; i++) {
      await using back = await WireClient.connect(site.url, { session_token: first.token });
      expect(back.success).toMatchObject({ outcome: 'expired', previous_session_id: first.sessionId });
      ids.add(back.sessionId);
    }
    expect([...ids]).toHaveLength(1);
    expect((await listThreads(site.url)).threads).toHaveLength(1);
    for (const id of ids) await threadRequest(site.url, id, 'DELETE');
  });

  test('SES-26 SES-6 makes no more with many tokens of erased ones than with none', async () => {
    const tokens: string[] = [];
    for (let i = 0; i < 12; i++) {
      await using client = await WireClient.connect(site.url);
      tokens.push(client.token);
      await threadRequest(site.url, client.sessionId, 'DELETE');
    }
    const made: string[] = [];
    for (const session_token of tokens) {
      await using client = await WireClient.open(site.url);
      const reply = await client.request('connect', { api_key: 'development', session_token });
      if (reply.type === 'connection_success') made.push((reply.data as { session_id: string }).session_id);
      else expectError(reply, FULL);
    }
    expect(made).toHaveLength(5);
    expect((await listThreads(site.url)).threads).toHaveLength(5);
    await using honest = await WireClient.open(site.url);
    expectError(await honest.request('connect', { api_key: 'development' }), FULL);
    for (const id of made) await threadRequest(site.url, id, 'DELETE');
  });

  test('SES-6 but comes back to each that has expired, as long as the store knows it', async () => {
    const clients: WireClient[] = [];
    for (let i = 0; i < 5; i++) clients.push(await WireClient.connect(site.url));
    for (const client of clients) await client[Symbol.asyncDispose]();
    await untilConnections(site.url, 0);
    await advanceClock(site.url, 300_001);
    for (const client of clients) {
      await using back = await WireClient.connect(site.url, { session_token: client.token });
      expect(back.success).toMatchObject({ outcome: 'expired', previous_session_id: client.sessionId });
    }
  });
});
