import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { KeyCheck, signatureMs } from './key-check.ts';
import { type Authentication, EXPIRED, INVALID } from './principal.ts';

const GOOD: Authentication = {
  kind: 'ok',
  principal: {
    subject: 'ada',
    permissions: ['chat'],
    workspaces: undefined,
    retention: undefined,
    keyId: '00',
    expiresAt: undefined,
  },
};

let clock: ManualClock;
let failures: number;
/** How many signatures were checked. */
let signatures: number;
let check: KeyCheck;

beforeEach(() => {
  clock = new ManualClock();
  failures = 0;
  signatures = 0;
  check = new KeyCheck({
    keys: {
      authenticate: (apiKey, mayVerify = () => true) => {
        if (apiKey.startsWith('jwt')) {
          if (!mayVerify()) return INVALID;
          signatures++;
          return apiKey === 'jwt-good' ? GOOD : INVALID;
        }
        if (apiKey === 'good') return GOOD;
        return apiKey === 'old' ? EXPIRED : INVALID;
      },
    },
    failedPerMin: 3,
    jwtAlgorithm: 'RS256',
    clock,
    metrics: { authFailures: { inc: () => failures++ } },
  });
});

const kinds = (...keys: string[]) => keys.map((key) => check.try(key, 'a').kind);

describe('key check', () => {
  it('KEY-22 counts a failure when a key is tried, and tells the rest nothing of their keys', () => {
    expect(kinds('bad', 'old', 'bad')).toEqual(['invalid', 'expired', 'invalid']);
    expect(kinds('bad', 'old', 'jwt-bad')).toEqual(['throttled', 'throttled', 'throttled']);
    expect(check.try('bad', 'a')).toEqual({ kind: 'throttled', retryAfterMs: 20_000 });
    expect(check.try('bad', 'b').kind).toBe('invalid');
    expect(failures).toBe(8);
  });

  it('KEY-22 lets a good key in at all times, and counts it as no failure', () => {
    expect(kinds('good', 'bad', 'good', 'bad', 'good', 'bad', 'good', 'bad', 'good')).toEqual([
      'ok',
      'invalid',
      'ok',
      'invalid',
      'ok',
      'invalid',
      'ok',
      'throttled',
      'ok',
    ]);
  });

  it('KEY-22 gives a verdict again for each attempt that was earned, and throttled ones cost none', async () => {
    kinds('bad', 'bad', 'bad', 'bad', 'bad');
    await clock.advance(20_000);
    expect(kinds('bad', 'bad')).toEqual(['invalid', 'throttled']);
  });

  it('KEY-23 checks a bounded number of them for all throttled addresses together', () => {
    for (let i = 0; i < 10; i++) {
      const address = `a${i}`;
      for (let j = 0; j < 3; j++) check.try('bad', address);
      for (let j = 0; j < 300; j++) check.try('jwt-bad', address);
    }
    expect(signatures).toBe(2000);
  });

  it('KEY-23 checks fewer where a signature costs more', () => {
    const costs = ['HS256', 'RS256', 'ES256', 'ES384'].map(signatureMs);
    expect(costs).toEqual([...costs].sort((a, b) => a - b));
    expect(new Set(costs).size).toBe(4);
  });

  it('KEY-23 checks a bounded number of signatures for a throttled address', async () => {
    kinds('bad', 'bad', 'bad');
    for (let i = 0; i < 1000; i++) expect(check.try('jwt-bad', 'a').kind).toBe('throttled');
    expect(signatures).toBe(500);
    expect(kinds('good', 'jwt-good')).toEqual(['ok', 'throttled']);
    expect(check.try('jwt-good', 'b').kind).toBe('ok');
    await clock.advance(1000);
    expect(kinds('jwt-good')).toEqual(['ok']);
  });
});
