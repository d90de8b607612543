import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { metric } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { KeyFile } from '../wire/support/key-file.ts';
import { describeStores } from '../wire/support/site.ts';
import { FloodProcess } from './support/flood-process.ts';
import type { Flood } from './support/flooder.ts';

// A server as anybody would put it on the internet: production, keys, a secret, and every limit at its default. Four
// customers do their worst at once, each in another way; a fifth goes on as if nothing were.

const WORST: readonly (readonly [key: string, what: Flood, connections: number])[] = [
  ['key-of-pages', 'pages', 40],
  ['key-of-messages', 'messages', 100],
  ['key-of-patches', 'patches', 60],
  ['key-of-runs', 'runs', 150],
];
const KEY = 'key-of-the-fifth';
/** The fifth sends at the full rate of three connections, so many messages in all. */
const CONNECTIONS = 3;
const EVERY_MS = 17;
const MESSAGES = 400;

const file = await KeyFile.create(
  [...WORST.map(([key]) => key), KEY].map((key) => ({ key, subject: `subject of ${key}` })),
);
afterAll(() => file[Symbol.asyncDispose]());

/** What the relaxed servers of tests set otherwise is set back to its default. */
const DEFAULTS = {
  NODE_ENV: 'production',
  SESSION_SECRET: 'a-secret-of-more-than-32-characters!',
  API_KEYS_FILE: file.path,
  AGENT: 'demo',
  MESSAGE_RATE_PER_S: '20',
  CONNECTION_RATE_PER_S: '500',
  FAILED_AUTH_PER_MIN: '20',
  HTTP_RATE_PER_MIN: '1200',
};

interface Measured {
  readonly answers: Readonly<Record<string, number>>;
  /** Acknowledged for each second in which it was sending. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function measure(url: string): Promise<Measured> {
  const clients = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => WireClient.connect(url, { api_key: KEY })),
  );
  const sentAt = new Map<string, number>();
  const took: number[] = [];
  const answers: Record<string, number> = {};
  let inTime = 0;
  let isSending = true;
  for (const client of clients)
    client.socket.on('message', () => {
      const frame = client.frames.at(-1);
      const at = frame?.reply_to === undefined ? undefined : sentAt.get(frame.reply_to);
      if (frame === undefined || at === undefined) return;
      took.push(performance.now() - at);
      answers[frame.type] = (answers[frame.type] ?? 0) + 1;
      if (isSending) inTime++;
    });
  const began = performance.now();
  for (let sent = 0; sent < MESSAGES; await sleep(4))
    for (; sent < MESSAGES && performance.now() - began >= sent * EVERY_MS; sent++) {
      const id = clients[sent % CONNECTIONS]?.send('context_update', { memory: { n: sent } }) ?? '';
      sentAt.set(id, performance.now());
    }
  const seconds = (performance.now() - began) / 1000;
  isSending = false;
  while (took.length < MESSAGES && clients.every((client) => client.socket.readyState === client.socket.OPEN))
    await sleep(20);
  for (const client of clients) await client[Symbol.asyncDispose]();
  took.sort((a, b) => a - b);
  const at = (part: number) => Math.round(took[Math.floor(took.length * part)] ?? Number.NaN);
  return { answers, perSecond: Math.round(inTime / seconds), p50Ms: at(0.5), p99Ms: at(0.99) };
}

describeStores('the worst neighbours', DEFAULTS, (site) => {
  test('LOA-2 FLO-14 RUN-60 four customers at their worst cost a fifth no message and no refusal', async () => {
    const all = { message_delivered: MESSAGES };
    const alone = await measure(site.url);
    expect(alone.answers).toEqual(all);
    const floods = await Promise.all(
      WORST.map(([key, what, connections]) => FloodProcess.start(site.url, what, connections, key)),
    );
    const beside = await measure(site.url);
    const reports = await Promise.all(floods.map((flood) => flood.report()));
    const resident = await metric(site.url, 'process_resident_memory_bytes');
    for (const flood of floods) await flood[Symbol.asyncDispose]();
    // The figures of docs/security.md.
    console.log(
      JSON.stringify({ store: site.kind, alone, beside, residentMiB: Math.round(resident / 1_048_576) }),
    );
    console.log(JSON.stringify(WORST.map(([, what], i) => ({ what, ...reports[i] }))));
    expect(beside.answers).toEqual(all);
    // They are slowed, and refused only by limits of their own sessions (runs that wait).
    expect(reports.map(({ closed }) => closed)).toEqual([0, 0, 0, 0]);
    for (const report of reports) expect(report.acknowledged).toBeGreaterThan(0);
  }, 300_000);
});
