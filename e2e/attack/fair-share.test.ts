import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { metric } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStores } from '../wire/support/site.ts';
import { FloodProcess } from './support/flood-process.ts';

// One customer does its worst, within what a key may do; another goes on as if nothing were.

/** The customer who measures: so many messages, at the rate that two connections may have. */
const MESSAGES = 240;
const EVERY_MS = 25;

/** Sends messages at a steady rate over two connections, whatever comes back, and waits for all answers. */
async function measure(url: string): Promise<Record<string, number>> {
  const key = { api_key: 'valid-test-key' };
  await using first = await WireClient.connect(url, key);
  await using second = await WireClient.connect(url, { ...key, session_id: first.sessionId });
  const sent: [WireClient, string][] = [];
  for (const began = performance.now(); sent.length < MESSAGES; await sleep(5)) {
    while (sent.length < MESSAGES && performance.now() - began >= sent.length * EVERY_MS) {
      const client = sent.length % 2 === 0 ? first : second;
      sent.push([client, client.send('context_update', { memory: { n: sent.length } })]);
    }
  }
  const answers: Record<string, number> = {};
  for (const [client, id] of sent) {
    const { type } = await client.find((frame) => frame.reply_to === id, `an answer to ${id}`);
    answers[type] = (answers[type] ?? 0) + 1;
  }
  return answers;
}

const DEFAULT_RATES = { MESSAGE_RATE_PER_S: '20', MESSAGE_BURST: '60' };

describeStores('the rate of a customer beside a flood', DEFAULT_RATES, (site) => {
  const kept = { message_delivered: MESSAGES };

  test.each([
    ['patches', 200],
    ['patches of one session', 50],
    ['messages', 600],
  ] as const)(
    'LOA-6 LOA-2 is kept beside %s over %i connections, and the flood is slowed, not refused',
    async (what, n) => {
      const before = await metric(site.url, 'holdfast_fair_holds_total');
      await using flood = await FloodProcess.start(site.url, what, n);
      expect(await measure(site.url)).toEqual(kept);
      expect(await metric(site.url, 'holdfast_fair_holds_total')).toBeGreaterThan(before);
      const report = await flood.report();
      expect(report).toMatchObject({ refused: 0, closed: 0 });
      expect(report.acknowledged).toBeGreaterThan(0);
    },
  );
});

describeStores('the rate of a customer beside runs', { ...DEFAULT_RATES, AGENT: 'demo' }, (site) => {
  test('LOA-2 is kept beside nine hundred streaming answers, and none of them fails', async () => {
    await using flood = await FloodProcess.start(site.url, 'runs', 900);
    expect(await measure(site.url)).toEqual({ message_delivered: MESSAGES });
    expect(await flood.report()).toMatchObject({ refused: 0, closed: 0 });
    expect(await metric(site.url, 'holdfast_runs_total{outcome="failed"}')).toBe(0);
  });
});
