import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { RateGate } from './rate-gate.ts';

describe('rate gate', () => {
  it('KEY-20 lets a burst through, then says how long to wait, then lets one through again', async () => {
    const clock = new ManualClock();
    const gate = new RateGate({ rate: 2, perMs: 1000, burst: 3, clock });
    expect([1, 2, 3].map(() => gate.take('a'))).toEqual([0, 0, 0]);
    expect(gate.take('a')).toBe(500);
    expect(gate.take('b')).toBe(0);
    await clock.advance(499);
    expect(gate.take('a')).toBe(1);
    await clock.advance(1);
    expect(gate.take('a')).toBe(0);
    expect(gate.take('a')).toBe(500);
  });

  it('KEY-20 checks without taking', () => {
    const gate = new RateGate({ rate: 1, perMs: 1000, clock: new ManualClock() });
    expect([gate.check('a'), gate.check('a'), gate.take('a'), gate.check('a')]).toEqual([0, 0, 0, 1000]);
  });

  it('KEY-20 has no limit when it is turned off', () => {
    const gate = new RateGate({ rate: Infinity, perMs: 1000, clock: new ManualClock() });
    for (let i = 0; i < 1000; i++) expect(gate.take('a')).toBe(0);
  });

  it('KEY-21 remembers a bounded number of keys and forgets the one unused for longest', () => {
    const gate = new RateGate({ rate: 1, perMs: 1000, maxKeys: 2, clock: new ManualClock() });
    for (const key of ['a', 'b', 'a', 'c']) gate.take(key);
    expect([gate.check('a') > 0, gate.check('b'), gate.check('c') > 0]).toEqual([true, 0, true]);
  });
});
