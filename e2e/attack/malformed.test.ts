import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import type { Received } from '../../test-helpers/received.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStore } from '../wire/support/site.ts';
import { MALFORMED, NEW_ID, SENTINEL } from './support/malformed.ts';
import { MALFORMED_REQUESTS } from './support/malformed-requests.ts';

describeStore('sqlite', 'what is malformed', { SQLITE_SYNCHRONOUS: 'normal' }, (site) => {
  /** A session of somebody else, which is told nothing of all this. */
  let bystander: WireClient;
  let frames: number;
  let pid: number;
  beforeAll(async () => {
    pid = site.server.pid;
    bystander = await WireClient.connect(site.url, { api_key: 'valid-test-key' });
    await bystander.request('context_update', { memory: { keep: 1 } });
    await bystander.say('keep this');
    frames = bystander.frames.length;
  });
  afterAll(() => bystander[Symbol.asyncDispose]());

  test.each(MALFORMED)('MSG-3 MSG-5 MSG-6 MSG-11 $name', async ({ text, verdicts, first }) => {
    await using client = await WireClient.open(site.url);
    if (first !== true) await client.authenticate();
    else await client.next('connection_established');
    const before = client.frames.length;
    client.sendRaw(typeof text === 'string' ? text.replace(NEW_ID, client.newId()) : text);
    const isAnswer = (frame: Received) => frame.seq === undefined && client.frames.indexOf(frame) >= before;
    const answer = await client.find(isAnswer);
    let verdict: string = answer.type;
    if (answer.type === 'error') {
      expect(answer.raw).not.toContain(SENTINEL);
      verdict = (answer.data as DownData<'error'>).error_type;
      const ends = verdicts.some((one) => one.startsWith(`${verdict} `));
      if (ends) verdict = `${verdict} ${(await client.closed()).code}`;
    }
    expect(verdicts).toContain(verdict);
    // What keeps the connection keeps it.
    if (!verdict.includes(' ') && !(first === true && verdict !== 'connection_success'))
      expect((await client.request('ping', {})).type).toBe('pong');
  });

  test.each(MALFORMED_REQUESTS)('HTP-3 $name', async ({ method, path, body, type, statuses }) => {
    const answer = await fetch(`${site.url}${path}`, {
      method,
      headers: {
        authorization: 'Bearer development',
        ...(body !== undefined && { 'content-type': type ?? 'application/json' }),
      },
      ...(body !== undefined && { body }),
    });
    expect(statuses).toContain(answer.status);
    expect(await answer.text()).not.toContain(SENTINEL);
  });

  test('MSG-6 SES-5 nobody else has noticed', async () => {
    expect(site.server.pid).toBe(pid);
    expect(site.server.errors).toEqual([]);
    expect(site.server.log.join('\n')).not.toContain(SENTINEL);
    const { data } = await bystander.request('context_request', {});
    expect(data).toMatchObject({ memory: { keep: 1 }, preferences: {}, workflow: null, tool_calls: [] });
    expect(bystander.frames).toHaveLength(frames + 1);
    // Nor does a new session begin with what was put on the prototype of others.
    await using fresh = await WireClient.connect(site.url);
    const context = (await fresh.request('context_request', {})).data as DownData<'context'>;
    expect([context.memory, context.preferences]).toEqual([{}, {}]);
    expect(JSON.stringify(fresh.success)).not.toContain('polluted');
  });
});
