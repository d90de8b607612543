import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fairLevel } from './fair-level.ts';

const demand = fc.nat(1_000_000);
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
const close = (a: number, b: number) => expect(Math.abs(a - b)).toBeLessThan(1e-6 * Math.max(1, a, b));

test('LOA-2 the small get what they ask for, and the large share the rest', () => {
  expect(fairLevel([1, 2, 100, 100], 43)).toBe(20);
  expect(fairLevel([1, Number.POSITIVE_INFINITY], 10)).toBe(9);
  expect(fairLevel([3, 4], 7)).toBe(Number.POSITIVE_INFINITY);
  expect(fairLevel([], 7)).toBe(Number.POSITIVE_INFINITY);
  expect(fairLevel([5], 0)).toBe(0);
});

test('LOA-2 all of the capacity is given, and nobody who asks for an equal part or less is limited', () => {
  fc.assert(
    fc.property(fc.array(demand, { minLength: 1 }), demand, (demands, capacity) => {
      const level = fairLevel(demands, capacity);
      close(sum(demands.map((one) => Math.min(one, level))), Math.min(sum(demands), capacity));
      for (const one of demands)
        if (one <= capacity / demands.length) expect(level * (1 + 1e-9)).toBeGreaterThanOrEqual(one);
    }),
  );
});
