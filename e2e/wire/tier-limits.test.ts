import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Redis, startRedis } from '../../test-helpers/redis.ts';
import { untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { StoppedServer } from './support/stopped-server.ts';

describe.each(['sqlite', 'redis'])('limits of the tiers, to the millisecond (%s)', (kind) => {
  let redis: undefined | Redis;
  let server: StoppedServer;
  beforeAll(async () => {
    if (kind === 'redis') redis = await startRedis();
    server = await StoppedServer.start(redis === undefined ? {} : { REDIS_URL: redis.url });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await redis?.stop();
  });

  /** A session with two messages, from which everybody has gone for exactly so long. */
  async function awayFor(ms: number): Promise<WireClient> {
    const client = await WireClient.connect(server.url);
    await client.say('one');
    await client.say('two');
    client.cut();
    await untilConnections(server.url, 0);
    await server.advance(ms);
    return client;
  }

  test.each([0, 1, 29_999, 30_000])('SES-11 away for %i ms is brief, without warnings', async (ms) => {
    const before = await awayFor(ms);
    await using replayed = await WireClient.resume(server.url, before);
    expect(replayed.restored?.mode).toBe('replay');
    replayed.cut();
    await untilConnections(server.url, 0);
    await server.advance(ms);
    await using shown = await WireClient.connect(server.url, { session_token: replayed.token });
    expect(shown.restored?.mode).toBe('snapshot');
    for (const client of [replayed, shown]) {
      expect(client.success).toMatchObject({ outcome: 'restored', tier: 'brief' });
      expect(client.restored).toMatchObject({
        outcome: 'restored',
        tier: 'brief',
        disconnected_ms: ms,
        away_ms: ms,
        expires_in_ms: 300_000,
        warnings: [],
      });
    }
  });

  test.each([30_001, 60_000, 299_999, 300_000])(
    'SES-12 away for %i ms is medium, with warnings',
    async (ms) => {
      const before = await awayFor(ms);
      await using client = await WireClient.resume(server.url, before, {
        position: { ...before.position, seq: 1, tag: before.events[0]!.tag },
      });
      expect(client.success).toMatchObject({ outcome: 'restored', tier: 'medium' });
      expect(client.restored).toMatchObject({
        tier: 'medium',
        mode: 'replay',
        disconnected_ms: ms,
        away_ms: ms,
      });
      const warnings = client.restored?.warnings ?? [];
      expect(warnings.map((warning) => warning.code)).toEqual(['away', 'missed_events']);
      expect(warnings.every((warning) => warning.message.length > 0)).toBe(true);
    },
  );

  test.each([300_001, 3_600_000, 86_400_000])('SES-13 away for %i ms has expired', async (ms) => {
    const before = await awayFor(ms);
    await using client = await WireClient.resume(server.url, before);
    expect(client.success).toMatchObject({
      outcome: 'expired',
      tier: 'expired',
      previous_session_id: before.sessionId,
      position: { seq: 0 },
    });
    expect(client.sessionId).not.toBe(before.sessionId);
    expect(client.success?.position.epoch).not.toBe(before.position.epoch);
    expect(client.restored).toMatchObject({
      outcome: 'expired',
      tier: 'expired',
      previous_session_id: before.sessionId,
      mode: 'snapshot',
      warnings: [],
      context: { memory: {}, preferences: {}, workflow: null, tool_calls: [] },
      history: { messages: [], total: 0, has_more: false },
      replay: null,
      run: null,
      queued_runs: [],
      partial: null,
    });
  });

  test('SES-13 a session that was never left by anybody else begins its time at its creation', async () => {
    await using client = await WireClient.connect(server.url);
    client.cut();
    await untilConnections(server.url, 0);
    await server.advance(300_000);
    await using still = await WireClient.resume(server.url, client);
    expect(still.success?.outcome).toBe('restored');
  });

  test('SES-10 while a device is attached no time runs, however long another is away', async () => {
    await using stays = await WireClient.connect(server.url);
    await using goes = await WireClient.connect(server.url, { session_id: stays.sessionId });
    goes.cut();
    await untilConnections(server.url, 1);
    await server.advance(3_600_000);
    await using back = await WireClient.resume(server.url, goes);
    expect(back.restored).toMatchObject({
      outcome: 'restored',
      tier: 'brief',
      disconnected_ms: 0,
      away_ms: 3_600_000,
      warnings: [],
    });
  });

  test('RES-30 the session is away since its last connection went, the client since its own', async () => {
    await using early = await WireClient.connect(server.url);
    await using late = await WireClient.connect(server.url, { session_id: early.sessionId });
    early.cut();
    await untilConnections(server.url, 1);
    await server.advance(100_000);
    late.cut();
    await untilConnections(server.url, 0);
    await server.advance(20_000);
    await using back = await WireClient.resume(server.url, early);
    expect(back.restored).toMatchObject({ tier: 'brief', disconnected_ms: 20_000, away_ms: 120_000 });
    // By its id it comes without a former connection.
    await using third = await WireClient.connect(server.url, { session_id: early.sessionId });
    expect(third.restored).toMatchObject({ disconnected_ms: 0, away_ms: 0 });
  });

  test('SES-18 a late close of an earlier connection takes nothing from a later one', async () => {
    await using old = await WireClient.connect(server.url);
    await using current = await WireClient.resume(server.url, old);
    old.cut();
    await untilConnections(server.url, 1);
    await server.advance(400_000);
    expect(await current.say('still the same session')).toBe(1);
    await using third = await WireClient.connect(server.url, { session_id: old.sessionId });
    expect(third.restored).toMatchObject({ outcome: 'restored', tier: 'brief', disconnected_ms: 0 });
  });
});
