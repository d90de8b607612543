import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { createMetrics } from '../metrics.ts';
import { Admission, type AdmissionOptions, type Member } from './admission.ts';

const SETTINGS = {
  connectionRatePerS: Infinity,
  maxConnectionsPerSubject: 2,
  maxUnauthenticated: 4,
  maxUnauthenticatedPerAddress: 3,
};

let evicted: string[];
let clock: ManualClock;

beforeEach(() => {
  evicted = [];
  clock = new ManualClock();
});

function open(settings: Partial<AdmissionOptions['settings']> = {}, maxConnections = Infinity): Admission {
  const metrics = createMetrics({ processMetrics: false });
  return new Admission({ settings: { ...SETTINGS, ...settings }, maxConnections, clock, metrics });
}

const member = (address: string, name = address): Member => ({ address, evict: () => evicted.push(name) });

function entered(admission: Admission, ...addresses: string[]): Member[] {
  return addresses.map((address, index) => {
    expect(admission.turnsAway(address)).toBeUndefined();
    const one = member(address, `${address}${index}`);
    admission.enter(one);
    return one;
  });
}

describe('admission', () => {
  it('HEL-5 turns away beyond the connections that may be open, until one leaves', () => {
    const admission = open({}, 2);
    const [one] = entered(admission, 'a', 'b');
    expect(admission.turnsAway('c')).toEqual({ why: 'full', retryAfterMs: 1000 });
    if (one !== undefined) admission.leave(one, undefined);
    expect(admission.turnsAway('c')).toBeUndefined();
  });

  it('HEL-32 turns away an address that comes too fast, and says how long', async () => {
    const admission = open({ connectionRatePerS: 2 });
    entered(admission, 'a', 'a');
    expect(admission.turnsAway('a')).toEqual({ why: 'rate', retryAfterMs: 500 });
    expect(admission.turnsAway('b')).toBeUndefined();
    await clock.advance(500);
    expect(admission.turnsAway('a')).toBeUndefined();
  });

  it('HEL-34 turns away an address beyond its share; those that have authenticated do not count', () => {
    const admission = open();
    const [first] = entered(admission, 'a', 'a', 'a');
    expect(admission.turnsAway('a')).toEqual({ why: 'share', retryAfterMs: 1000 });
    if (first !== undefined) expect(admission.authenticated(first, 'ada')).toBe(true);
    expect(admission.turnsAway('a')).toBeUndefined();
  });

  it('HEL-35 makes room by the oldest of the busiest address, which is told once', () => {
    const admission = open();
    const [victim] = entered(admission, 'a', 'a', 'a', 'b', 'c');
    expect(evicted).toEqual(['a0']);
    expect(admission.open).toBe(5);
    // It goes a little later, and is not counted twice for that.
    if (victim !== undefined) admission.leave(victim, undefined);
    expect(admission.open).toBe(4);
    expect(admission.turnsAway('a')).toEqual({ why: 'full', retryAfterMs: 1000 });
    entered(admission, 'd');
    expect(evicted).toEqual(['a0', 'a1']);
  });

  it('HEL-31 a subject has as many connections as it may', () => {
    const admission = open();
    const [one, two, three] = entered(admission, 'a', 'a', 'a');
    if (one === undefined || two === undefined || three === undefined) throw new Error('not entered');
    expect(admission.authenticated(one, 'ada')).toBe(true);
    expect(admission.authenticated(two, 'ada')).toBe(true);
    expect(admission.authenticated(three, 'ada')).toBe(false);
    admission.withdraw(two, 'ada');
    expect(admission.authenticated(three, 'ada')).toBe(true);
    admission.leave(one, 'ada');
    expect(admission.authenticated(two, 'ada')).toBe(true);
    expect(admission.open).toBe(2);
  });
});
