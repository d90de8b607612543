import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FrameBudget, fullBudget, spend, thaw } from './frame-budget.ts';

const RATE = { perSecond: 20, burst: 60 };

/** Takes so many frames at once; answers how many were allowed. */
function take(budget: FrameBudget, count: number, now: number): [number, FrameBudget] {
  let allowed = 0;
  let left = budget;
  for (let i = 0; i < count; i++) {
    const spent = spend(left, RATE, now);
    left = spent.budget;
    if (spent.retryAfterMs === 0) allowed++;
  }
  return [allowed, left];
}

test('LOA-5 what came at its rate while the peer was not read from is allowed at once', () => {
  fc.assert(
    fc.property(fc.nat(60), fc.integer({ min: 0, max: 10_000 }), (spent, heldMs) => {
      const [, before] = take(fullBudget(RATE, 0), spent, 0);
      const sent = Math.floor((heldMs * RATE.perSecond) / 1000);
      const [allowed] = take(thaw(before, RATE, heldMs), sent + 60 - spent, heldMs);
      expect(allowed).toBe(sent + 60 - spent);
    }),
  );
});

test('LOA-5 and no more than that; once it is used, the burst is the limit again', () => {
  const [allowed, left] = take(thaw(fullBudget(RATE, 0), RATE, 5000), 1000, 5000);
  expect(allowed).toBe(160);
  expect(take(left, 1000, 1_000_000)[0]).toBe(60);
});

test('FLO-1 without a rate nothing is counted', () => {
  const rate = { perSecond: Number.POSITIVE_INFINITY, burst: 1 };
  const budget = thaw(fullBudget(rate, 0), rate, 1000);
  expect(spend(budget, rate, 1000).retryAfterMs).toBe(0);
});
