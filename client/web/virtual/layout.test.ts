import { expect, test } from 'vitest';
import { anchorAt, layoutOf, rowAt, topOf, visibleRange } from './layout.ts';

const rows = (n: number, from = 0) => Array.from({ length: n }, (_, i) => ({ key: `k${from + i}` }));
const flat = (all: readonly { key: string }[], heights = new Map<string, number>()) =>
  layoutOf(all, heights, () => 10);

test('WEB-30 rows lie one below the other, measured ones by their height', () => {
  const layout = flat(rows(3), new Map([['k1', 25]]));
  expect([...layout.offsets]).toEqual([0, 10, 35, 45]);
  expect(layout.total).toBe(45);
});

test('WEB-30 the row at a place is found, clamped at both ends', () => {
  const layout = flat(rows(1_000));
  expect(rowAt(layout, -5)).toBe(0);
  expect(rowAt(layout, 0)).toBe(0);
  expect(rowAt(layout, 19.9)).toBe(1);
  expect(rowAt(layout, 20)).toBe(2);
  expect(rowAt(layout, 1e9)).toBe(999);
  expect(rowAt(flat([]), 0)).toBe(-1);
});

test('WEB-30 however long the list, only what is near is shown', () => {
  const range = visibleRange(flat(rows(10_000)), 50_000, 50_800, 100);
  expect(range).toEqual({ start: 4_990, end: 5_091 });
  expect(visibleRange(flat([]), 0, 100, 10)).toEqual({ start: 0, end: 0 });
});

test('WEB-31 what one looks at stays in place when older rows come before it', () => {
  const before = rows(100, 50);
  const anchor = anchorAt(before, flat(before), 333);
  expect(anchor).toEqual({ key: 'k83', within: 3 });
  const after = rows(150);
  expect(anchor && topOf(after, flat(after), anchor)).toBe(833);
});

test('WEB-31 and when a row above it turns out higher than reckoned', () => {
  const all = rows(100);
  const anchor = anchorAt(all, flat(all), 505);
  expect(anchor && topOf(all, flat(all, new Map([['k3', 90]])), anchor)).toBe(585);
  expect(topOf(rows(10), flat(rows(10)), { key: 'gone', within: 0 })).toBeUndefined();
});

test('WEB-31 at the very beginning it holds on to the first message, not to the row that says that more is coming', () => {
  const older = { key: 'older' };
  const before = [older, ...rows(50, 50)];
  const anchor = anchorAt(before, flat(before), 0, (row) => row !== older);
  expect(anchor).toEqual({ key: 'k50', within: -10 });
  const after = [older, ...rows(100)];
  expect(anchor && topOf(after, flat(after), anchor)).toBe(500);
});
