import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FREE_BYTES, UnsentBudget, type UnsentShare } from './unsent-budget.ts';

const MIB = 1_048_576;
const budget = (totalBytes: number, subjectBytes: number) => new UnsentBudget({ totalBytes, subjectBytes });

test('FLO-14 one subject has no more unsent than its part, however many sockets it has', () => {
  const all = budget(100 * MIB, 4 * MIB);
  const shares = Array.from({ length: 10 }, () => all.share('mallory'));
  let given = 0;
  for (const share of shares)
    if (share.admits(MIB)) {
      share.set(MIB);
      given++;
    }
  expect(given).toBe(4);
  expect(all.bytes).toBe(4 * MIB);
  const other = all.share('ada');
  expect(other.admits(MIB)).toBe(true);
});

test('FLO-14 all subjects together have no more than the whole, but one that has nothing may have one thing', () => {
  const all = budget(2 * MIB, 2 * MIB);
  all.share('mallory').set(2 * MIB);
  const ada = all.share('ada');
  expect(ada.admits(MIB)).toBe(true);
  ada.set(MIB);
  expect(all.share('ada').admits(MIB)).toBe(false);
});

test('FLO-14 what is small never waits', () => {
  const all = budget(1, 1);
  all.share('ada').set(MIB);
  const share = all.share('ada');
  expect([share.admits(FREE_BYTES), share.admits(FREE_BYTES + 1)]).toEqual([true, false]);
  share.set(1);
  expect(share.admits(FREE_BYTES)).toBe(false);
});

test('FLO-14 who waits goes on when there is room, one of each subject at a time', () => {
  const all = budget(4 * MIB, 4 * MIB);
  const full = all.share('ada');
  const others = all.share('grace');
  full.set(2 * MIB);
  others.set(2 * MIB);
  const went: string[] = [];
  const wait = (subject: string, name: string) => {
    const share = all.share(subject);
    expect(share.admits(MIB)).toBe(false);
    share.whenAdmitted(MIB, () => {
      share.set(MIB);
      went.push(name);
    });
    return share;
  };
  wait('ada', 'ada 1');
  const second = wait('ada', 'ada 2');
  wait('grace', 'grace 1');
  expect(full.pressed).toBe(true);
  full.set(MIB);
  expect(went).toEqual(['ada 1']);
  full.set(0);
  expect(went).toEqual(['ada 1', 'grace 1']);
  second.close();
  expect(full.pressed).toBe(false);
  others.close();
  expect(went).toEqual(['ada 1', 'grace 1']);
});

test('FLO-14 a share that is closed while it waits is told so, and is never let go', async () => {
  const all = budget(MIB, MIB);
  const full = all.share('ada');
  full.set(MIB);
  const share = all.share('ada');
  const reserved = share.reserve(MIB);
  share.close();
  expect(await reserved).toBe(false);
  expect(await share.reserve(1)).toBe(false);
  full.close();
  expect(all.bytes).toBe(0);
});

test('FLO-14 pages grow smaller while much is unsent, and are whole when nothing is', () => {
  const all = budget(256 * MIB, 64 * MIB);
  expect(all.grant('ada', MIB)).toBe(MIB);
  const share = all.share('ada');
  share.set(62 * MIB);
  expect(all.grant('ada', MIB)).toBe(MIB / 4);
  share.set(64 * MIB);
  expect(all.grant('ada', MIB)).toBe(65_536);
  expect(all.grant('grace', MIB)).toBe(MIB);
  expect(budget(Infinity, Infinity).grant('ada', MIB)).toBe(MIB);
});

/** Whatever holders do: what is counted is what they hold, and nobody waits for room that is there. */
test('FLO-14 any order of taking, giving back and leaving', () => {
  const step = fc.record({
    who: fc.nat({ max: 5 }),
    what: fc.constantFrom('take' as const, 'give' as const, 'close' as const),
    bytes: fc.integer({ min: 1, max: 3 * MIB }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const all = budget(4 * MIB, 2 * MIB);
      const shares: UnsentShare[] = Array.from({ length: 6 }, (_, i) => all.share(`subject-${i % 3}`));
      const held = shares.map(() => 0);
      const waiting = new Map<number, number>();
      const take = (who: number, bytes: number) => {
        held[who] = (held[who] ?? 0) + bytes;
        shares[who]?.set(held[who]);
      };
      for (const { who, what, bytes } of steps) {
        const share = shares[who];
        if (share === undefined || waiting.has(who)) continue;
        if (what === 'take' && !share.admits(bytes)) {
          waiting.set(who, bytes);
          share.whenAdmitted(bytes, () => {
            waiting.delete(who);
            take(who, bytes);
          });
        } else if (what === 'take') take(who, bytes);
        else if (what === 'give') {
          held[who] = 0;
          share.set(0);
        } else {
          share.close();
          held[who] = 0;
          shares[who] = all.share(`subject-${who % 3}`);
        }
        expect(all.bytes).toBe(held.reduce((sum, one) => sum + one, 0));
      }
      // The first of each subject waits for want of room only.
      for (const subject of [0, 1, 2]) {
        const [first] = [...waiting].filter(([who]) => who % 3 === subject);
        if (first !== undefined) expect(shares[first[0]]?.admits(first[1])).toBe(false);
      }
      for (const share of shares) share.close();
      expect(all.bytes).toBe(0);
    }),
  );
});
