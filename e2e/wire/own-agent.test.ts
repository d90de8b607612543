import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import type { Agent, RunContext } from '../../server/run/agent-port.ts';
import { type Redis, startRedis } from '../../test-helpers/redis.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { expectError } from './support/expect-frames.ts';
import { answersOf, ask, ended, eventsOf, expectSoundLog } from './support/runs.ts';
import { StoppedServer } from './support/stopped-server.ts';

// What the demo agent never does: it does what it is told in the first word.

/** Ends the waiting of an agent that streams. */
let goOn = Promise.withResolvers<void>();

async function say(ctx: RunContext, text: string): Promise<void> {
  const writer = await ctx.message();
  await writer.write(text);
  await writer.complete();
}

const DEEDS: Readonly<Record<string, (ctx: RunContext) => Promise<void>>> = {
  hurry: async (ctx) => {
    const answer = await ctx.ask({ kind: 'question', prompt: 'Now?', expiresInMs: 60_000 });
    await say(ctx, answer.resolution);
  },
  two: async (ctx) => {
    const [colour, go] = await Promise.all([
      ctx.ask({ kind: 'question', prompt: 'Which?' }),
      ctx.ask({ kind: 'approval', prompt: 'May I?' }),
    ]);
    await say(ctx, `${colour.value} ${go.approved}`);
  },
  anew: async (ctx) => {
    const writer = await ctx.message();
    await writer.write('wrong');
    await goOn.promise;
    goOn = Promise.withResolvers();
    await writer.restart();
    await writer.write('right');
    await goOn.promise;
    await writer.complete();
  },
  greedy: async (ctx) => {
    const both = await Promise.allSettled([ctx.message(), ctx.message()]);
    for (const one of both) {
      if (one.status === 'rejected') continue;
      await one.value.write('the first');
      await expect(ctx.message()).rejects.toThrow('in flight');
      await one.value.complete();
    }
    await say(ctx, 'the second');
  },
};

const AGENT: Agent = { id: 'test', run: (ctx) => DEEDS[ctx.input.text]!(ctx) };

const deltasOf = (client: WireClient) =>
  client.frames.flatMap(({ type, data }) =>
    type === 'message_delta' ? [data as DownData<'message_delta'>] : [],
  );

describe.each(['sqlite', 'redis'])('an agent (%s)', (kind) => {
  let redis: undefined | Redis;
  let server: StoppedServer;
  beforeAll(async () => {
    if (kind === 'redis') redis = await startRedis();
    // A jump of the clock outlasts the lease: it is a sweep that then looks after the run.
    const env = { SWEEP_INTERVAL_MS: '100', ...(redis && { REDIS_URL: redis.url }) };
    server = await StoppedServer.start(env, AGENT);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await redis?.stop();
  });

  /** A session whose run asks, and the ids of its requests. */
  async function asked(deed: string, count: number) {
    const client = await WireClient.connect(server.url);
    const run = await ask(client, deed);
    const ids: string[] = [];
    while (ids.length < count) ids.push((await client.next('input_requested')).data.request_id);
    return { client, run, ids };
  }

  test('MSG-44 after expires_at a request resolves expired, and an answer is a conflict', async () => {
    const { client, run, ids } = await asked('hurry', 1);
    await using person = client;
    const [request_id = ''] = ids;
    const answer = { responses: [{ request_id, value: 'yes' }] };
    await server.advance(60_001);
    const early = await person.request('input_respond', answer);
    expectError(early, { error_type: 'conflict', code: 409, retryable: false });
    expect(await ended(person, run)).toMatchObject({ outcome: 'completed' });
    expect(eventsOf(person, 'input_resolved').map(({ data }) => data)).toEqual([
      { run_id: run, request_id, resolution: 'expired' },
    ]);
    expect(answersOf(person, run)).toEqual(['expired']);
    expectError(await person.request('input_respond', answer), { error_type: 'conflict', code: 409 });
    expectSoundLog(person);
  });

  test('MSG-44 in the last millisecond an answer still counts', async () => {
    const { client, run, ids } = await asked('hurry', 1);
    await using person = client;
    await server.advance(60_000);
    const responses = [{ request_id: ids[0]!, value: 'yes' }];
    expect((await person.request('input_respond', { responses })).type).toBe('message_delivered');
    await ended(person, run);
    expect(answersOf(person, run)).toEqual(['answered']);
  });

  test('MSG-42 MSG-43 two open requests are answered in one message, or neither is', async () => {
    const { client, run, ids } = await asked('two', 2);
    await using person = client;
    const [colour = '', go = ''] = ids;
    const bad = [
      { request_id: colour, value: 'red' },
      { request_id: go, value: 'an approval needs a yes or a no' },
    ];
    const refused = await person.request('input_respond', { responses: bad });
    expectError(refused, { error_type: 'conflict', code: 409 });
    await using other = await WireClient.connect(server.url, { session_id: person.sessionId });
    expect(other.restored?.run?.pending_inputs.map((input) => input.request_id)).toEqual(ids);
    const good = [
      { request_id: go, approved: true },
      { request_id: colour, value: 'blue' },
    ];
    const reply = await other.request('input_respond', { responses: good });
    await ended(other, run);
    const resolved = eventsOf(other, 'input_resolved');
    expect(resolved.map(({ data }) => data.request_id)).toEqual([go, colour]);
    // Adjacent: one append. The answer names the first.
    expect(resolved[1]?.seq).toBe(resolved[0]!.seq + 1);
    expect(reply.data).toMatchObject({ status: 'success', seq: resolved[0]?.seq });
    expect(answersOf(other, run)).toEqual(['blue true']);
    const again = await other.request('input_respond', { responses: good });
    expect(again.data).toMatchObject({ status: 'duplicate', seq: resolved[0]?.seq });
    await ended(person, run);
    expectSoundLog(person);
  });

  test('DEL-34 a message that is restarted begins its next attempt at 0, and the text before it is void', async () => {
    goOn = Promise.withResolvers();
    await using client = await WireClient.connect(server.url);
    const run = await ask(client, 'anew');
    const { data: wrong } = await client.next('message_delta');
    expect(wrong).toMatchObject({ attempt: 1, index: 0, delta: 'wrong' });
    const { message_id } = wrong;
    await using before = await WireClient.resume(server.url, client);
    expect(before.restored?.partial).toMatchObject({ message_id, attempt: 1 });
    goOn.resolve();
    for (const device of [client, before]) {
      expect((await device.next('message_restarted')).data).toEqual({ message_id, attempt: 2 });
      const { data } = await device.next('message_delta');
      expect(data).toMatchObject({ message_id, attempt: 2, index: 0, delta: 'right' });
    }
    // Who holds the void text is given the other from its beginning.
    const held = { message_id, attempt: 1, next_index: 1 };
    await using after = await WireClient.resume(server.url, client, { partial: held });
    expect(after.restored?.partial).toMatchObject({ message_id, attempt: 2, from_index: 0 });
    expect(after.restored?.partial?.chunks.map(({ delta }) => delta)).toEqual(['right']);
    goOn.resolve();
    for (const device of [client, before, after]) {
      await ended(device, run);
      expect(answersOf(device, run)).toEqual(['right']);
    }
    expect(deltasOf(client).map(({ delta }) => delta)).toEqual(['wrong', 'right']);
  });

  test('DEL-35 an agent that begins a message while another is in flight is refused', async () => {
    await using client = await WireClient.connect(server.url);
    const runs = [await ask(client, 'greedy'), await ask(client, 'greedy')];
    for (const run of runs) {
      expect(await ended(client, run)).toMatchObject({ outcome: 'completed' });
      expect(answersOf(client, run)).toEqual(['the first', 'the second']);
    }
    const turns = client.frames.flatMap(({ type }) =>
      type === 'message_started' || type === 'message_completed' ? [type] : [],
    );
    expect(turns).toEqual(runs.flatMap(() => Array(2).fill(['message_started', 'message_completed'])).flat());
  });
});
