import { expect, test } from 'vitest';
import { TierCensus } from './tier-census.ts';

const POLICY = { briefMs: 30_000, mediumMs: 300_000, archiveMs: 0, attachTtlMs: 25_000 };

test('sessions are counted where they stand: brief, medium, and no more once their time has run out', () => {
  const census = new TierCensus();
  census.left('a', POLICY, 0);
  census.left('b', POLICY, 100_000);
  census.left('c', POLICY, 100_000);
  census.returned('c');
  expect(census.count(1, 30_000)).toEqual({ attached: 1, brief: 2, medium: 0 });
  expect(census.count(0, 110_000)).toEqual({ attached: 0, brief: 1, medium: 1 });
  expect(census.count(0, 310_000)).toEqual({ attached: 0, brief: 0, medium: 1 });
});
