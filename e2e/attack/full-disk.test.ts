import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { startRedis } from '../../test-helpers/redis.ts';
import { advanceClock, ServerProcess, untilConnections } from '../../test-helpers/server-process.ts';
import { SmallDisk } from '../../test-helpers/small-disk.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { listThreads, threadRequest } from '../wire/support/threads.ts';

// Somebody with a chat key who writes until nobody can write any more.

const MIB = 1_048_576;
const ENV = {
  AGENT: 'demo',
  MESSAGE_RATE_PER_S: '0',
  MAX_SESSION_BYTES: '0',
  DISK_RESERVE_BYTES: String(2 * MIB),
} as const;
const VICTIM = 'valid-test-key';
const FULL = { error_type: 'server_error', code: 503, retryable: true } as const;

/** What a health check is told now. The server repeats an answer for a second of its clock, so the clock is moved first. */
async function health(url: string) {
  await advanceClock(url, 1000);
  const [healthz, readyz] = await Promise.all([fetch(`${url}/healthz`), fetch(`${url}/readyz`)]);
  const { database } = (await healthz.json()) as { database: string };
  return { alive: healthz.status, database, ready: readyz.status };
}
const WELL = { alive: 200, database: 'connected', ready: 200 };
const NOT_WELL = { alive: 200, database: 'disconnected', ready: 503 };

/** Patches of the context until one is refused. */
async function fill(client: WireClient): Promise<void> {
  for (;;) {
    const reply = await client.request('context_update', { memory: { [`k${'x'.repeat(200_000)}`]: null } });
    if (reply.type === 'message_delivered') continue;
    expect(reply.data).toMatchObject(FULL);
    return;
  }
}

/** Resolves once the server takes writes, and so is well. */
async function untilWell(url: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while ((await health(url)).database !== 'connected')
    if (performance.now() > deadline) throw new Error('the server did not become well');
}

describe('a disk that somebody fills (sqlite)', () => {
  test('STO-156 HTP-28 is told, can be emptied, and then serves everybody again', async () => {
    using disk = SmallDisk.mount(12 * MIB);
    await using server = await ServerProcess.start({ dataDir: disk.path, env: ENV });
    const { url } = server;
    await using victim = await WireClient.connect(url, { api_key: VICTIM });
    await victim.say('hello');
    await victim.runFinished();
    await using attacker = await WireClient.connect(url);
    // An active run does not keep its session from being erased.
    attacker.send('chat_message', { content: 'count to 100000' });
    await attacker.next('message_delta');
    expect(await health(url)).toEqual(WELL);

    await fill(attacker);
    expect(await health(url)).toEqual(NOT_WELL);
    expect((await victim.request('chat_message', { content: 'still there?' })).data).toMatchObject(FULL);
    expect((await victim.request('history_request', {})).type).toBe('history');
    expect((await listThreads(url, VICTIM)).threads).toHaveLength(1);
    await using late = await WireClient.open(url);
    expect((await late.request('connect', { api_key: VICTIM })).data).toMatchObject(FULL);

    const { threads } = await listThreads(url);
    for (const { session_id } of threads)
      expect((await threadRequest(url, session_id, 'DELETE')).status).toBe(204);
    expect(await attacker.closed()).toMatchObject({ code: 1000, reason: 'erased' });
    await untilWell(url);
    await victim.say('and now?');
    expect((await victim.runFinished()).outcome).toBe('completed');
    expect((await late.authenticate({ api_key: VICTIM })).outcome).toBe('fresh');
    expect(await health(url)).toEqual(WELL);
    expect(
      server.log.filter((line) => line.includes('"event":"disk_')).map((line) => JSON.parse(line).event),
    ).toEqual(['disk_full', 'disk_ok']);
    expect(await server.stop()).toBe(0);
  });

  test.each(['stopped', 'killed'] as const)(
    'STO-158 a server that was %s starts on it, and says in one line how it is',
    async (how) => {
      using disk = SmallDisk.mount(12 * MIB);
      await using server = await ServerProcess.start({ dataDir: disk.path, env: ENV });
      await using attacker = await WireClient.connect(server.url);
      await fill(attacker);
      const { seq } = attacker.position;
      if (how === 'stopped') expect(await server.stop()).toBe(0);
      else await server.kill9();
      server.log.length = 0;
      await server.restart();
      const { url } = server;
      expect(server.log.filter((line) => line.includes('disk_full'))).toHaveLength(1);
      expect(await health(url)).toEqual(NOT_WELL);
      const { body } = await threadRequest(url, attacker.sessionId);
      expect(body.archived).toBe(false);
      expect(seq).toBeGreaterThan(20);
      expect((await threadRequest(url, attacker.sessionId, 'DELETE')).status).toBe(204);
      await untilWell(url);
      await using victim = await WireClient.connect(url, { api_key: VICTIM });
      await victim.say('hello');
      expect(server.errors).toEqual([]);
    },
  );

  test('STO-156 sessions expire on it, and that makes the room that is missing', async () => {
    using disk = SmallDisk.mount(12 * MIB);
    const env = { ...ENV, THREAD_ARCHIVE_DAYS: '0', SWEEP_INTERVAL_MS: '50' };
    await using server = await ServerProcess.start({ dataDir: disk.path, env });
    await using attacker = await WireClient.connect(server.url);
    await fill(attacker);
    attacker.cut();
    await untilConnections(server.url, 0);
    await advanceClock(server.url, 300_001);
    await untilWell(server.url);
    await using victim = await WireClient.connect(server.url, { api_key: VICTIM });
    await victim.say('hello');
  });
});

test('HTP-28 a Redis without memory is told, and forgotten once it has some', async () => {
  await using redis = await startRedis();
  await using server = await ServerProcess.start({ env: { REDIS_URL: redis.url } });
  const { url } = server;
  expect(await health(url)).toEqual(WELL);
  const operator = new Redis(redis.url);
  await operator.config('SET', 'maxmemory', '1mb');
  expect(await health(url)).toEqual(NOT_WELL);
  await operator.config('SET', 'maxmemory', '0');
  expect(await health(url)).toEqual(WELL);
  await operator.quit();
});
