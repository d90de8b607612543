import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import { startRedis } from '../../test-helpers/redis.ts';
import { startRedisCluster } from '../../test-helpers/redis-cluster.ts';
import { advanceClock, ServerProcess, untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { expectError } from './support/expect-frames.ts';
import {
  answersOf,
  ask,
  counted,
  ended,
  endedByAnother,
  eventsOf,
  expectSoundLog,
  streamed,
} from './support/runs.ts';
import { threadRequest } from './support/threads.ts';

const QUICK = {
  AGENT: 'demo',
  RUN_LEASE_MS: '2000',
  SWEEP_INTERVAL_MS: '200',
  ATTACH_BEAT_MS: '500',
  MESSAGE_RATE_PER_S: '0',
  CONNECTION_RATE_PER_S: '0',
};

describe.each(['single', 'cluster'] as const)('several servers over one Redis (%s)', (mode) => {
  let store: AsyncDisposable & { readonly url: string };
  let a: ServerProcess;
  let b: ServerProcess;
  const all: ServerProcess[] = [];
  const start = async (env = {}) => {
    const address = { REDIS_URL: store.url, REDIS_MODE: mode };
    const server = await ServerProcess.start({ env: { ...QUICK, ...address, ...env } });
    all.push(server);
    return server;
  };
  beforeAll(async () => {
    store = mode === 'single' ? await startRedis() : await startRedisCluster();
    [a, b] = await Promise.all([start(), start()]);
  });
  afterAll(async () => {
    for (const server of all) await server[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    expect(all.flatMap((server) => server.errors)).toEqual([]);
  });

  const also = (server: ServerProcess, client: WireClient, data = {}) =>
    WireClient.connect(server.url, { session_id: client.sessionId, ...data });
  const raw = (client: WireClient) =>
    client.frames.flatMap((frame) => (frame.seq === undefined ? [] : [frame.raw]));
  const streamedText = (client: WireClient) =>
    [
      ...(client.restored?.partial?.chunks ?? []),
      ...client.frames
        .filter((frame) => frame.type === 'message_delta')
        .map((frame) => frame.data as DownData<'message_delta'>),
    ]
      .map((chunk) => chunk.delta)
      .join('');

  test('DEL-2 DEL-3 devices on different nodes get the same frames in the same order', async () => {
    await using one = await WireClient.connect(a.url);
    await using two = await also(b, one);
    await using three = await also(a, one);
    await using four = await also(b, one);
    const devices = [one, two, three, four];
    for (let i = 0; i < 50; i++)
      for (const [d, device] of devices.entries())
        device.send('context_update', { memory: { [`key-${d}-${i}`]: i } });
    for (const device of devices) await device.find((frame) => frame.seq === 200);
    for (const device of devices) expect(raw(device)).toEqual(raw(one));
    const contexts = await Promise.all(devices.map((device) => device.request('context_request', {})));
    for (const context of contexts) expect(context.data).toEqual(contexts[0]?.data);
  });

  test('DEL-11 DEL-12 an id is known on every node', async () => {
    await using one = await WireClient.connect(a.url);
    await using two = await also(b, one);
    await one.request('context_update', { memory: { a: 1 } }, 'my-update-1');
    const again = await two.request('context_update', { memory: { a: 1 } }, 'my-update-1');
    expect(again.data).toMatchObject({ status: 'duplicate', seq: 1 });
    await one.request('context_update', { memory: { b: 1 } }, 'my-update-2');
    expectError(await two.request('context_update', { memory: { b: 2 } }, 'my-update-2'), {
      error_type: 'id_conflict',
      code: 409,
    });
    // At once through both: one of them is first.
    for (let i = 0; i < 20; i++) {
      const replies = await Promise.all(
        [one, two].map((device) => device.request('context_update', { memory: { i } }, `both-at-once-${i}`)),
      );
      const statuses = replies.map((reply) => (reply.data as DownData<'message_delivered'>).status);
      expect(statuses.sort()).toEqual(['duplicate', 'success']);
    }
    expect((await one.request('context_request', {})).data).toMatchObject({ position: { seq: 22 } });
  });

  test('SES-2 a session is reached through any node', async () => {
    await using before = await WireClient.connect(a.url);
    await before.request('context_update', { memory: { here: true } });
    await before.close();
    await using after = await WireClient.resume(b.url, before);
    expect(after.success).toMatchObject({ outcome: 'restored', tier: 'brief' });
    expect(after.restored?.context.memory).toEqual({ here: true });
    expect(after.success?.node_id).not.toBe(before.success?.node_id);
  });

  describe.concurrent('runs', () => {
    test('DEL-31 a run on one node is streamed to a device on another', async () => {
      await using one = await WireClient.connect(a.url);
      await using two = await also(b, one);
      const run = await ask(one, 'count to 40');
      await streamed(two, run, 3);
      await using late = await also(b, one);
      for (const device of [one, two, late]) await ended(device, run);
      for (const device of [one, two, late]) expect(streamedText(device)).toBe(counted(40));
      expect(raw(two)).toEqual(raw(one));
      expectSoundLog(one);
    });

    test('MSG-38 it is canceled from another', async () => {
      await using one = await WireClient.connect(a.url);
      await using two = await also(b, one);
      const run = await ask(one, 'count to 500');
      await streamed(two, run, 5);
      const reply = await two.request('run_cancel', { run_id: run });
      expect(reply.type).toBe('message_delivered');
      for (const device of [one, two])
        expect(await ended(device, run)).toMatchObject({ outcome: 'canceled' });
      const next = await ask(two, 'calc 1+1');
      for (const device of [one, two]) await ended(device, next);
      expect(raw(two)).toEqual(raw(one));
      const [kept] = answersOf(one, run);
      expect(counted(500).startsWith(kept!)).toBe(true);
      expect(streamedText(two).startsWith(kept!)).toBe(true);
      expectSoundLog(one);
    });

    test('MSG-35 and interrupted from another', async () => {
      await using one = await WireClient.connect(a.url);
      await using two = await also(b, one);
      const run = await ask(one, 'count to 500');
      await streamed(two, run, 3);
      const urgent = await ask(two, 'calc 2+2', { on_busy: 'interrupt' });
      for (const device of [one, two]) await ended(device, urgent);
      expect(await ended(one, run)).toMatchObject({ outcome: 'canceled' });
      expect(raw(two)).toEqual(raw(one));
      expectSoundLog(two);
    });

    test('MSG-42 its question is answered from another', async () => {
      await using one = await WireClient.connect(a.url);
      await using two = await also(b, one);
      const run = await ask(one, 'plan Tea');
      const { data } = await two.next('input_requested');
      await two.request('input_respond', { responses: [{ request_id: data.request_id, approved: true }] });
      for (const device of [one, two])
        expect(await ended(device, run)).toMatchObject({ outcome: 'completed' });
      expect(raw(two)).toEqual(raw(one));
    });

    test('MSG-34 a node knows that another one’s run is in hand', async () => {
      await using one = await WireClient.connect(a.url);
      const run = await ask(one, 'count to 40');
      await using two = await also(b, one);
      const reply = await two.request('chat_message', { content: 'x', on_busy: 'reject' });
      expectError(reply, { error_type: 'busy', code: 409, retryable: true });
      expectError(await two.request('run_retry', { run_id: run }), { error_type: 'conflict', code: 409 });
      await ended(two, run);
    });
  });

  describe.concurrent('a node that dies', () => {
    test('DEL-36 kill -9: another takes its run over, and the text is exact', async () => {
      const doomed = await start();
      await using writer = await WireClient.connect(doomed.url);
      await using reader = await also(b, writer);
      const run = await ask(writer, 'count to 100');
      const waiting = await ask(writer, 'calc 1+1');
      await streamed(reader, run, 20);
      await doomed.kill9();
      await endedByAnother(reader, run);
      await ended(reader, waiting);
      expect(answersOf(reader, run)).toEqual([counted(100)]);
      await using back = await WireClient.resume(a.url, writer, {
        position: { epoch: writer.position.epoch, seq: 0 },
      });
      await ended(back, waiting);
      expectSoundLog(back);
    });

    test('DEL-25 kill -9 in a plan: finished steps are not carried out again', async () => {
      const doomed = await start();
      await using writer = await WireClient.connect(doomed.url);
      await using reader = await also(a, writer);
      const run = await ask(writer, 'plan Tea');
      await reader.find(() => eventsOf(reader, 'step_started').length >= 3, 'the third step');
      await doomed.kill9();
      const { data } = await reader.next('input_requested');
      await reader.request('input_respond', { responses: [{ request_id: data.request_id, approved: true }] });
      expect(await ended(reader, run)).toMatchObject({ outcome: 'completed' });
      expect(eventsOf(reader, 'step_completed').map((event) => event.data.step.index)).toEqual([
        1, 2, 3, 4, 5,
      ]);
    });

    test('DEL-36 one that was only asleep finds itself fenced, and adds nothing', async () => {
      const sleeper = await start();
      await using writer = await WireClient.connect(sleeper.url);
      await using reader = await also(b, writer);
      const run = await ask(writer, 'count to 100');
      await streamed(reader, run, 10);
      process.kill(sleeper.pid, 'SIGSTOP');
      await reader.next('run_recovering');
      await reader.next('run_started');
      process.kill(sleeper.pid, 'SIGCONT');
      for (const device of [reader, writer]) await endedByAnother(device, run);
      expect(answersOf(reader, run)).toEqual([counted(100)]);
      // It still serves its devices, and may carry out the next run.
      const next = await ask(writer, 'calc 1+1');
      await ended(writer, next);
      await ended(reader, next);
      await using whole = await WireClient.resume(a.url, writer, {
        position: { epoch: writer.position.epoch, seq: 0 },
      });
      await ended(whole, next);
      expectSoundLog(whole);
    });

    test('FLO-11 SIGTERM: its run is handed over, and nobody died', async () => {
      const leaving = await start();
      await using writer = await WireClient.connect(leaving.url);
      await using reader = await also(b, writer);
      const run = await ask(writer, 'count to 60');
      await streamed(reader, run, 10);
      expect(await leaving.stop()).toBe(0);
      expect(await ended(reader, run)).toMatchObject({ outcome: 'completed' });
      expect(eventsOf(reader, 'run_recovering')[0]?.data).toMatchObject({ attempt: 2, reason: 'handover' });
      expect(answersOf(reader, run)).toEqual([counted(60)]);
      expect(await writer.closed()).toMatchObject({ code: 1012 });
    });

    test('SES-14 a device that comes back to another node at once was hardly away', async () => {
      const doomed = await start();
      await using before = await WireClient.connect(doomed.url);
      await before.request('context_update', { memory: { kept: 1 } });
      await doomed.kill9();
      await using after = await WireClient.resume(b.url, before);
      expect(after.success).toMatchObject({ outcome: 'restored', tier: 'brief' });
      expect(after.restored?.context.memory).toEqual({ kept: 1 });
    });
  });

  describe('a session that is erased', () => {
    test('SES-23 SES-22 closes its sockets on every node, and is revived by no token', async () => {
      await using one = await WireClient.connect(a.url);
      await using two = await also(b, one);
      await using other = await WireClient.connect(b.url);
      const run = await ask(one, 'count to 500');
      await streamed(two, run, 2);
      expect((await threadRequest(a.url, one.sessionId, 'DELETE')).status).toBe(204);
      for (const device of [one, two]) {
        expect(await device.closed()).toMatchObject({ code: 1000 });
        expect(device.frames.at(-1)?.raw).toBe('{"type":"disconnect","data":{"reason":"erased"}}');
      }
      await other.request('ping', {});
      for (const server of [a, b]) {
        expect((await threadRequest(server.url, one.sessionId)).status).toBe(404);
        await using back = await WireClient.resume(server.url, one);
        expect(back.success).toMatchObject({ outcome: 'expired', position: { seq: 0 } });
        expect(back.sessionId).not.toBe(one.sessionId);
        expect(back.restored?.history.total).toBe(0);
        await using byId = await WireClient.open(server.url);
        const reply = await byId.request('connect', { api_key: 'development', session_id: one.sessionId });
        expectError(reply, { error_type: 'not_found', code: 404 });
      }
    });

    test('SES-23 through a node that does not have it', async () => {
      await using one = await WireClient.connect(a.url);
      expect((await threadRequest(b.url, one.sessionId, 'DELETE')).status).toBe(204);
      expect(await one.closed()).toMatchObject({ code: 1000 });
      expect((await threadRequest(b.url, one.sessionId, 'DELETE')).status).toBe(404);
    });
  });
});

// Their clocks are moved: a store of their own.
describe('two servers and time', () => {
  test('DEL-5 where their clocks differ, order is seq', async () => {
    await using redis = await startRedis();
    const env = { ...QUICK, AGENT: 'none', REDIS_URL: redis.url };
    await using ahead = await ServerProcess.start({ env });
    await using behind = await ServerProcess.start({ env });
    await advanceClock(ahead.url, 20_000);
    await using one = await WireClient.connect(ahead.url);
    await using two = await WireClient.connect(behind.url, { session_id: one.sessionId });
    for (const client of [one, two, one, two]) await client.say('hello');
    for (const client of [one, two]) await client.find((frame) => frame.seq === 4);
    const times = one.events.map(({ ts }) => Date.parse(ts));
    expect(times[1]).toBeLessThan(times[0]!);
    expect(times[3]).toBeLessThan(times[2]!);
    expect(two.events).toEqual(one.events);
    await using back = await WireClient.connect(behind.url, { session_token: two.token });
    expect(back.restored?.history.messages.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });

  test('SES-20 devices that come back to an expired session through different nodes join one successor', async () => {
    await using redis = await startRedis();
    const env = { ...QUICK, AGENT: 'none', REDIS_URL: redis.url };
    await using a = await ServerProcess.start({ env });
    await using b = await ServerProcess.start({ env });
    for (let round = 0; round < 5; round++) {
      await using before = await WireClient.connect(a.url);
      await before.say('what was said');
      await before.close();
      await untilConnections(a.url, 0);
      for (const server of [a, b]) await advanceClock(server.url, 301_000);
      const devices = await Promise.all([a, b, a, b].map((server) => WireClient.resume(server.url, before)));
      expect(new Set(devices.map((device) => device.sessionId)).size).toBe(1);
      for (const device of devices)
        expect(device.success).toMatchObject({ outcome: 'expired', previous_session_id: before.sessionId });
      await devices[0]?.say('hello again');
      for (const device of devices) {
        await device.find((frame) => frame.seq === 1);
        await device[Symbol.asyncDispose]();
      }
      for (const server of [a, b]) await untilConnections(server.url, 0);
    }
    expect([...a.errors, ...b.errors]).toEqual([]);
  });

  test('SES-14 connections of a node that died count as there for ATTACH_TTL_MS, then as gone since its last beat', async () => {
    await using redis = await startRedis();
    const env = {
      ...QUICK,
      AGENT: 'none',
      REDIS_URL: redis.url,
      ATTACH_TTL_MS: '30000',
      ATTACH_BEAT_MS: '100',
    };
    await using dying = await ServerProcess.start({ env });
    await using living = await ServerProcess.start({ env });
    await using before = await WireClient.connect(dying.url);
    await before.say('hello');
    await dying.kill9();
    await using soon = await WireClient.resume(living.url, before);
    expect(soon.restored).toMatchObject({ tier: 'brief', disconnected_ms: 0 });
    await soon.close();
    await untilConnections(living.url, 0);
    await advanceClock(living.url, 60_000);
    await using later = await WireClient.connect(living.url, { session_id: before.sessionId });
    expect(later.restored?.tier).toBe('medium');
    expect(later.restored?.disconnected_ms).toBeGreaterThanOrEqual(60_000);
    expect(later.restored?.disconnected_ms).toBeLessThan(90_000);
    expect(living.errors).toEqual([]);
  });
});
