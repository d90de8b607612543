import { expect, test } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import type { UpInput, UpType } from '../../protocol/chat/up.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStores } from '../wire/support/site.ts';
import { threadRequest } from '../wire/support/threads.ts';
import { sizeOf } from '../wire/support/session-bytes.ts';

// Somebody with a chat key who makes one session as large as it will go.

const MAX_BYTES = 300_000;
const LIMITS = { AGENT: 'demo', MAX_SESSION_BYTES: String(MAX_BYTES) };

/** A patch that leaves nothing behind but its own text in the log: it deletes a key that is not there. */
const patchOf = (bytes: number): UpInput<'context_update'> => ({
  memory: { [`k${'x'.repeat(bytes)}`]: null },
});

/** Sends so many at once; answers how many were stored and what the others were refused with. */
async function flood<T extends UpType>(client: WireClient, type: T, of: () => UpInput<T>, count: number) {
  const ids: string[] = [];
  client.together(() => {
    for (let i = 0; i < count; i++) ids.push(client.send(type, of()));
  });
  const refused: string[] = [];
  for (const id of ids) {
    const { type: kind, data } = await client.find((frame) => frame.reply_to === id);
    if (kind === 'error') refused.push((data as DownData<'error'>).error_type);
  }
  return { stored: count - refused.length, refused };
}

describeStores('a session that is made to grow', LIMITS, (site) => {
  test('FLO-7 patches of the context that leave nothing behind, one after another', async () => {
    await using client = await WireClient.connect(site.url);
    let stored = 0;
    for (let i = 0; i < 20; i++) {
      const reply = await client.request('context_update', patchOf(50_000));
      if (reply.type === 'message_delivered') stored++;
      else expect(reply.data).toMatchObject({ error_type: 'limit_exceeded', code: 413, retryable: false });
    }
    expect(stored).toBe(5);
    expect(await sizeOf(client)).toBeLessThanOrEqual(MAX_BYTES);
  });

  test('FLO-7 all at once, in one segment', async () => {
    await using client = await WireClient.connect(site.url);
    const { stored, refused } = await flood(client, 'context_update', () => patchOf(20_000), 40);
    expect(stored).toBe(14);
    expect(new Set(refused)).toEqual(new Set(['limit_exceeded']));
    expect(await sizeOf(client)).toBeLessThanOrEqual(MAX_BYTES);
  });

  test('FLO-7 one patch that is larger than the session may be', async () => {
    await using client = await WireClient.connect(site.url);
    const reply = await client.request('context_update', patchOf(MAX_BYTES));
    expect(reply.data).toMatchObject({ error_type: 'limit_exceeded' });
    expect(await sizeOf(client)).toBe(0);
  });

  test('FLO-7 FLO-20 messages and retries, until nothing is taken; a run can still be canceled, the session read and erased', async () => {
    await using client = await WireClient.connect(site.url);
    client.send('chat_message', { content: 'count to 100000' });
    const { run_id } = (await client.next('run_started')).data;
    const { refused } = await flood(client, 'context_update', () => patchOf(60_000), 6);
    expect(refused.length).toBeGreaterThan(0);
    // Up to the last bytes.
    for (let size = 50_000; size > 100; size = Math.floor(size / 2))
      await client.request('context_update', patchOf(size));
    for (const [type, data] of [
      ['chat_message', { content: 'x'.repeat(200) }],
      ['chat_message', { content: 'x'.repeat(200), on_busy: 'interrupt' }],
      ['context_update', patchOf(200)],
    ] as const)
      expect((await client.request(type, data)).data).toMatchObject({ error_type: 'limit_exceeded' });
    const cancel = await client.request('run_cancel', { run_id });
    expect(cancel.type).toBe('message_delivered');
    expect((await client.runFinished()).outcome).toBe('canceled');
    const retry = await client.request('run_retry', { run_id });
    expect(retry.data).toMatchObject({ error_type: 'limit_exceeded' });
    await using back = await WireClient.resume(site.url, client);
    expect(back.success?.outcome).toBe('restored');
    expect((await threadRequest(site.url, client.sessionId, 'DELETE')).status).toBe(204);
  });
});
