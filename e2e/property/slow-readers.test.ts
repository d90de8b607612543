import fc from 'fast-check';
import { expect, test } from 'vitest';
import { metric } from '../../test-helpers/server-process.ts';
import { describeFailure, type Outcome, play } from './support/interleaving.ts';
import { Nodes } from './support/nodes.ts';
import { check } from './support/seed.ts';
import { shouting } from './support/steps.ts';

const AT_ONCE = 3;
const GROUPS = process.env.HOLDFAST_FULL === '1' ? 15 : 1;

const group = fc.array(shouting, { minLength: AT_ONCE, maxLength: AT_ONCE });

for (const kind of ['sqlite', 'redis'] as const)
  test(`FLO-3 FLO-4 DEL-2 a reader that hardly reads misses nothing of what others shout (${kind})`, {
    timeout: 60_000 + GROUPS * 60_000,
  }, async () => {
    await using nodes = await Nodes.start(kind, { env: { SEND_QUEUE_BYTES: '1024' } });
    const url = nodes.url(0);
    const all: Outcome[] = [];
    let groups = 0;
    await check(`slow readers (${kind})`, group, GROUPS, async (cases) => {
      const number = ++groups;
      const outcomes = await Promise.all(cases.map((one, i) => play(`s${number}c${i}`, one, nodes)));
      all.push(...outcomes);
      const bad = outcomes.findIndex((outcome) => outcome.faults.length > 0);
      if (bad >= 0) throw new Error(describeFailure(cases[bad]!, outcomes[bad]!, nodes));
      expect(nodes.errors).toEqual([]);
    });
    const [queued, below] = await Promise.all([
      metric(url, 'holdfast_send_queue_bytes_count'),
      metric(url, 'holdfast_send_queue_bytes_bucket{le="65536"}'),
    ]);
    console.log(`slow readers (${kind}): ${all.length} cases, ${queued - below} times a full socket`);
    // Otherwise it would not have been looked at.
    expect(queued - below).toBeGreaterThan(all.length);
  });
