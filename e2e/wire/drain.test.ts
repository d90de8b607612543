import { expect, test } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import { ServerProcess } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { answersOf, ask, counted, ended, expectSoundLog, streamed } from './support/runs.ts';
import { describeStores } from './support/site.ts';
import { refusedUpgrade } from './support/upgrade.ts';

describeStores('SIGTERM', { AGENT: 'demo', DRAIN_MS: '3000' }, (site) => {
  test('FLO-10 everybody is told, sent away with 1012, and the process ends with 0', async () => {
    const server = await site.start();
    const clients = await Promise.all(Array.from({ length: 20 }, () => WireClient.connect(server.url)));
    await using stranger = await WireClient.open(server.url);
    const stopped = server.stop();
    const waits: number[] = [];
    for (const client of clients) {
      expect(await client.closed()).toMatchObject({ code: 1012 });
      expect(client.frames.slice(-2).map((frame) => frame.type)).toEqual(['server_closing', 'disconnect']);
      waits.push((client.frames.at(-2)!.data as DownData<'server_closing'>).reconnect_in_ms);
    }
    expect(await stranger.closed()).toMatchObject({ code: 1012 });
    expect(stranger.frames.map((frame) => frame.type)).toEqual(['connection_established', 'disconnect']);
    expect(await stopped).toBe(0);
    // Spread, within what clients were told at the beginning.
    const { min_ms, max_ms } = clients[0]!.success!.reconnect;
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(min_ms);
    expect(Math.max(...waits)).toBeLessThanOrEqual(max_ms);
    expect(new Set(waits).size).toBeGreaterThan(10);
    for (const client of clients) await client[Symbol.asyncDispose]();
  });

  test('FLO-10 HEL-5 while it drains /readyz is 503 and no socket is opened; who does not go is let go', async () => {
    const server = await site.start();
    await using stuck = await WireClient.connect(server.url);
    await using client = await WireClient.connect(server.url);
    // It will not see the close frame, and so not answer it.
    stuck.socket.pause();
    const stopped = server.stop();
    await client.closed();
    const ready = await fetch(`${server.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ ready: false, connections: 1 });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    const { status, headers } = await refusedUpgrade(server.url, '/client_test');
    expect(status).toBe(503);
    expect(headers['retry-after']).toBeDefined();
    expect(await stopped).toBe(0);
    stuck.socket.resume();
    await stuck.closed();
  });

  test('FLO-11 SES-7 a run goes on after the restart, and nothing is lost', async () => {
    const server = await site.start();
    await using client = await WireClient.connect(server.url);
    const run = await ask(client, 'count to 60');
    await streamed(client, run, 5);
    expect(await server.stop()).toBe(0);
    await client.closed();
    await server.restart();
    await using back = await WireClient.resume(server.url, client, {
      position: { epoch: client.position.epoch, seq: 0 },
    });
    expect(back.success).toMatchObject({ outcome: 'restored', tier: 'brief' });
    expect(await ended(back, run)).toMatchObject({ outcome: 'completed', attempt: 2 });
    expect(answersOf(back, run)).toEqual([counted(60)]);
    expectSoundLog(back);
    await site.end(server);
  });
});

test('FLO-9 bad settings end the start with one line for each, and status 1', async () => {
  const env = {
    PORT: 'eighty',
    SESSION_TIER_BRIEF_MS: '-5',
    AGENT: 'nobody',
    REDIS_URL: 'http://user:hunter2@example.org',
    JWT_SECRET: 'hunter2-hunter2-hunter2-hunter2-hunter2',
  };
  const failed = await ServerProcess.start({ env }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  expect(failed).toMatch(/the server ended \(1\)/);
  for (const name of ['PORT', 'SESSION_TIER_BRIEF_MS', 'AGENT', 'REDIS_URL', 'JWT_AUDIENCE'])
    expect(failed?.match(new RegExp(`\\b${name}\\b.*(must|is required|one of)`))).not.toBeNull();
  expect(failed).not.toContain('hunter2');
  expect(failed).not.toMatch(/\n\s+at /);
});
