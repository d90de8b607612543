import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Places, type PlaceLimits } from './places.ts';

const limits = (some: Partial<PlaceLimits>): PlaceLimits => ({
  places: 100,
  perSubject: Number.POSITIVE_INFINITY,
  waiting: 1000,
  ...some,
});

/** Takes places until the subject may have no more. Answers how many that were. */
function fill(places: Places, subject: string): number {
  let count = 0;
  for (; places.mayTake(subject); count++) places.take(subject);
  return count;
}

describe('places', () => {
  test('RUN-61 leave an eighth when one subject takes all that it may', () => {
    for (const [total, most] of [
      [1, 1],
      [7, 7],
      [8, 7],
      [100, 88],
      [1000, 875],
    ] as const)
      expect(fill(new Places(limits({ places: total })), 'a')).toBe(most);
  });

  test('RUN-61 leave one to whoever has none, after four subjects took all that they may', () => {
    const places = new Places(limits({}));
    expect(['a', 'b', 'c', 'd'].map((subject) => fill(places, subject))).toEqual([88, 6, 3, 2]);
    expect(places.mayTake('e')).toBe(true);
    expect(fill(places, 'a')).toBe(0);
  });

  test('RUN-61 move from who has many to who has few as they become free', () => {
    const places = new Places(limits({}));
    const held = { a: fill(places, 'a'), b: 0 };
    for (let i = 0; i < 1000; i++) {
      // Both have more to do than they may, and the first run to end is one of whoever has more.
      for (const subject of ['a', 'b'] as const) places.wait({ subject, sessionId: `${subject}${i}` });
      const more = held.a > held.b ? 'a' : 'b';
      places.release(more);
      held[more]--;
      for (let next = places.next(); next !== undefined; next = places.next()) {
        places.take(next.subject);
        held[next.subject as 'a' | 'b']++;
      }
    }
    expect(Math.abs(held.a - held.b)).toBeLessThanOrEqual(2);
    expect(places.taken).toBe(88);
  });

  test('RUN-61 are not limited where there is no limit', () => {
    const places = new Places(limits({ places: Number.POSITIVE_INFINITY }));
    for (let i = 0; i < 5000; i++) places.take('a');
    expect(places.mayTake('a')).toBe(true);
  });

  test('RUN-62 of one subject are as many as it may have', () => {
    const places = new Places(limits({ perSubject: 3 }));
    expect(fill(places, 'a')).toBe(3);
    expect(fill(places, 'b')).toBe(3);
    places.release('a');
    expect(fill(places, 'a')).toBe(1);
  });

  test('RUN-60 go round robin over those who wait, and in order within each', () => {
    const places = new Places(limits({ places: 1 }));
    for (const sessionId of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'])
      places.wait({ subject: sessionId.charAt(0), sessionId });
    const order: string[] = [];
    for (let next = places.next(); next !== undefined; next = places.next()) order.push(next.sessionId);
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
    expect(places.waiting).toBe(0);
  });

  test('RUN-60 pass over a subject that has as many as it may, and come back to it', () => {
    const places = new Places(limits({ places: 4, perSubject: 1 }));
    places.take('a');
    places.wait({ subject: 'a', sessionId: 'a1' });
    places.wait({ subject: 'b', sessionId: 'b1' });
    expect(places.next()).toEqual({ subject: 'b', sessionId: 'b1' });
    expect(places.next()).toBeUndefined();
    places.release('a');
    expect(places.next()).toEqual({ subject: 'a', sessionId: 'a1' });
  });

  test('RUN-64 a subject fills at most half of the line, and a session waits in it once', () => {
    const places = new Places(limits({ waiting: 10 }));
    const wait = (subject: string, count: number) =>
      Array.from({ length: count }, (_, i) => places.wait({ subject, sessionId: `${subject}${i}` })).filter(
        Boolean,
      ).length;
    expect(wait('a', 20)).toBe(5);
    expect(wait('a', 5)).toBe(5);
    expect(wait('b', 20)).toBe(3);
    expect(wait('c', 20)).toBe(1);
    expect(places.waiting).toBe(9);
  });

  test('whatever happens, the counts are those of what is held, and nobody exceeds a limit', () => {
    const action = fc.record({
      subject: fc.constantFrom('a', 'b', 'c'),
      session: fc.nat(5),
      do: fc.constantFrom('take', 'release', 'wait', 'leave', 'next'),
    });
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.nat(6),
        fc.nat(8),
        fc.array(action),
        (total, perSubject, waiting, actions) => {
          const places = new Places({ places: total, perSubject, waiting });
          const held: Record<string, number> = { a: 0, b: 0, c: 0 };
          const taken = () => Object.values(held).reduce((sum, count) => sum + count, 0);
          for (const { subject, session, do: what } of actions) {
            const entry = { subject, sessionId: `${subject}${session}` };
            const own = held[subject] ?? 0;
            if (what === 'take' && places.mayTake(subject)) {
              places.take(subject);
              held[subject] = own + 1;
            }
            if (what === 'release' && own > 0) {
              places.release(subject);
              held[subject] = own - 1;
            }
            if (what === 'wait') places.wait(entry);
            if (what === 'leave') places.leave(entry);
            if (what === 'next') {
              const next = places.next();
              if (next !== undefined) expect(places.mayTake(next.subject)).toBe(true);
            }
            expect(places.taken).toBe(taken());
            expect(taken()).toBeLessThanOrEqual(total);
            expect(held[subject]).toBeLessThanOrEqual(perSubject);
            expect(places.waiting).toBeLessThanOrEqual(waiting);
          }
        },
      ),
    );
  });
});
