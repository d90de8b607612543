import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { advanceClock, ServerProcess } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStores, type Site } from '../wire/support/site.ts';
import { contextOf, cutOff, fillSession, historyOf } from './support/conversation.ts';
import { median, printFigures, shareKept, slope, timed } from './support/figures.ts';
import { HeapProbe } from './support/heap.ts';

const CYCLES = 10;
/** Cycles before them that are checked and not timed: what follows a forced collection of garbage is slow. */
const SETTLING = 3;
/** Sessions are made in batches, so that none is away for so long by the moved clock that it expires. */
const BATCH = 5;
const BATCHES = 4;

interface Run {
  /** Of each cycle: how long it took to be back. */
  readonly times: readonly number[];
  /** Of each cycle: the share of what was looked at that was as before. */
  readonly kept: readonly number[];
  readonly failures: number;
}

/** A session with some of everything, and what a restore of it has to bring back. */
async function prepare(url: string) {
  const client = await WireClient.connect(url);
  await fillSession(client);
  const snapshot = { messages: await historyOf(client), context: await contextOf(client) };
  return { client, snapshot };
}

async function prepareMany(url: string) {
  const sessions = await Promise.all(Array.from({ length: BATCH }, () => prepare(url)));
  await cutOff(
    sessions.map(({ client }) => client),
    url,
  );
  return sessions;
}

/** Ten times cut off and back again, as fast as it goes; by the server's clock one to five seconds lie between. */
async function reconnect(
  url: string,
  { client, snapshot }: Awaited<ReturnType<typeof prepare>>,
): Promise<Run> {
  const { position } = client;
  const times: number[] = [];
  const kept: number[] = [];
  let failures = 0;
  let last = client;
  for (let cycle = -SETTLING; cycle < CYCLES; cycle++) {
    await advanceClock(url, 1000 * (1 + ((cycle + SETTLING) % 5)));
    try {
      const { value: back, ms } = await timed(() => WireClient.connect(url, { session_token: last.token }));
      if (cycle >= 0) times.push(ms);
      const { messages } = back.restored!.history;
      kept.push(
        shareKept({
          session: back.sessionId === client.sessionId && back.success?.outcome === 'restored',
          history: isDeepStrictEqual(messages, snapshot.messages),
          context: isDeepStrictEqual(back.restored?.context, snapshot.context),
          nothingTwice: new Set(messages.map((message) => message.id)).size === messages.length,
          nothingMore: back.events.length === 0 && isDeepStrictEqual(back.success?.position, position),
        }),
      );
      last = back;
      await cutOff(back, url);
    } catch {
      failures++;
    }
  }
  return { times, kept, failures };
}

async function startProbed(site: Site): Promise<{ server: ServerProcess; probe: HeapProbe }> {
  const { port, env } = await HeapProbe.prepare();
  const store = site.kind === 'redis' ? { REDIS_URL: `${site.redis.url}/1` } : {};
  const server = await ServerProcess.start({
    env: { ...env, ...store, AGENT: 'demo', MESSAGE_RATE_PER_S: '0', CONNECTION_RATE_PER_S: '0' },
  });
  return { server, probe: await HeapProbe.open(port) };
}

describeStores('seed 003, test case 4', {}, (site) => {
  test('test_multiple_reconnections_maintain_consistency', async () => {
    const { server, probe } = await startProbed(site);
    await using _server = server;
    await using _probe = probe;
    for (const session of await prepareMany(server.url)) await reconnect(server.url, session);
    const runs: Run[] = [];
    const growths: number[] = [];
    const before = await probe.held();
    let after = before;
    for (let i = 0; i < BATCHES; i++)
      for (const session of await prepareMany(server.url)) {
        const held = await probe.held();
        runs.push(await reconnect(server.url, session));
        after = await probe.held();
        growths.push(after.heap / held.heap - 1);
      }
    const typical = Array.from({ length: CYCLES }, (_, cycle) =>
      median(runs.map(({ times }) => times[cycle]!)),
    );
    const consistent = runs.flatMap(({ kept }) => kept.map((share) => share === 1));
    const figures = {
      reconnections: consistent.length,
      consistency: consistent.filter(Boolean).length / consistent.length,
      failures: runs.reduce((sum, run) => sum + run.failures, 0),
      'heap growth of 10 cycles': median(growths),
      'of all': after.heap / before.heap - 1,
      'heap MB': after.heap / 1e6,
      'rss MB': after.rss / 1e6,
      'median ms': median(typical),
      'slower per cycle': slope(typical) / median(typical),
    };
    printFigures('test_multiple_reconnections_maintain_consistency', site.kind, figures);
    expect(figures.consistency).toBe(1);
    expect(figures.failures).toBe(0);
    expect(figures['heap growth of 10 cycles']).toBeLessThan(0.05);
    // Nothing adds up over all of them either.
    expect(figures['of all']).toBeLessThan(0.05);
    expect(figures['slower per cycle']).toBeLessThan(0.02);
  });
});
