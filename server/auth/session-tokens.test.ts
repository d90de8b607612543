import jwt from 'jsonwebtoken';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { SESSION_AUDIENCE } from '../config.ts';
import { type SessionClaims, SessionTokens } from './session-tokens.ts';

const CLAIMS: SessionClaims = {
  sessionId: 's-1',
  subject: 'key:a',
  domain: 'personal',
  workspace: 'home',
  storeId: 'store-1',
  connectionId: 'c-1',
};
const HOUR_MS = 3_600_000;
const make = (secrets: string[], clock = new ManualClock(), maxAgeMs = HOUR_MS) =>
  new SessionTokens({ secrets, maxAgeMs, clock });

describe('session tokens', () => {
  it('KEY-10 say what they were issued with', () => {
    const tokens = make(['one']);
    expect(tokens.verify(tokens.issue(CLAIMS))).toEqual({ kind: 'ok', claims: CLAIMS });
  });

  it('KEY-10 carry their own audience', () => {
    expect(jwt.decode(make(['one']).issue(CLAIMS))).toMatchObject({ aud: SESSION_AUDIENCE });
  });

  it('KEY-11 hold for their age by the clock, and not longer', async () => {
    const clock = new ManualClock();
    const tokens = make(['one'], clock);
    const token = tokens.issue(CLAIMS);
    await clock.advance(HOUR_MS - 1000);
    expect(tokens.verify(token).kind).toBe('ok');
    await clock.advance(1000);
    expect(tokens.verify(token).kind).toBe('expired');
  });

  it('KEY-11 hold for ever without an age', async () => {
    const clock = new ManualClock();
    const tokens = make(['one'], clock, Infinity);
    const token = tokens.issue(CLAIMS);
    await clock.advance(1000 * 365 * 24 * HOUR_MS);
    expect(tokens.verify(token).kind).toBe('ok');
  });

  it('KEY-12 rotate: the first secret signs, all verify', () => {
    const old = make(['old']).issue(CLAIMS);
    const rotated = make(['new', 'old']);
    expect(rotated.verify(old).kind).toBe('ok');
    expect(make(['new']).verify(rotated.issue(CLAIMS)).kind).toBe('ok');
    expect(make(['new']).verify(old).kind).toBe('forged');
  });

  it('KEY-12 an expired token of the older secret is expired, not forged', async () => {
    const clock = new ManualClock();
    const old = make(['old'], clock).issue(CLAIMS);
    await clock.advance(HOUR_MS);
    expect(make(['new', 'old'], clock).verify(old).kind).toBe('expired');
  });

  it('KEY-13 are forged with another secret, audience, algorithm, shape or a changed byte', () => {
    const clock = new ManualClock();
    const tokens = make(['one'], clock);
    const iat = Math.floor(clock.now() / 1000);
    const wire = jwt.decode(tokens.issue(CLAIMS)) as Record<string, unknown>;
    const good = jwt.sign(wire, 'one');
    expect(tokens.verify(good).kind).toBe('ok');
    const forgeries = [
      jwt.sign(wire, 'two'),
      jwt.sign({ ...wire, aud: 'other' }, 'one'),
      jwt.sign(wire, 'one', { algorithm: 'HS512' }),
      jwt.sign(wire, null, { algorithm: 'none' }),
      jwt.sign({ aud: SESSION_AUDIENCE, iat }, 'one'),
      jwt.sign({ ...wire, sid: 7 }, 'one'),
      // The first character of the signature carries six of its bits; the last one may carry none.
      good.replace(
        /\.([^.])([^.]*)$/,
        (_, first: string, rest: string) => `.${first === 'A' ? 'B' : 'A'}${rest}`,
      ),
      '',
      'a.b.c',
      'x'.repeat(9000),
    ];
    for (const forgery of forgeries) expect(tokens.verify(forgery).kind).toBe('forged');
  });
});
