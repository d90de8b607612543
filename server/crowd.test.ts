import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Crowd } from './crowd.ts';

const LIMITS = { max: 4, maxPerAddress: 3 };

function crowdOf(...addresses: string[]): Crowd<string> {
  const crowd = new Crowd<string>();
  for (const [index, address] of addresses.entries()) crowd.add(address, `${address}${index}`);
  return crowd;
}

describe('crowd', () => {
  it('HEL-34 lets in while there is room, and no address beyond its share', () => {
    expect(crowdOf('a', 'a').judge('a', LIMITS)).toEqual({ kind: 'enter' });
    expect(crowdOf('a', 'a', 'a').judge('a', LIMITS)).toEqual({ kind: 'refuse', why: 'share' });
    expect(crowdOf('a', 'a', 'a').judge('b', LIMITS)).toEqual({ kind: 'enter' });
  });

  it('HEL-35 gives the place of the oldest of the busiest address to one with fewer', () => {
    const crowd = crowdOf('b', 'a', 'a', 'a');
    expect(crowd.judge('c', LIMITS)).toEqual({ kind: 'replace', member: 'a1' });
    expect(crowd.judge('b', LIMITS)).toEqual({ kind: 'replace', member: 'a1' });
  });

  it('HEL-35 keeps out an address when no other has more', () => {
    const crowd = crowdOf('a', 'b', 'a', 'b');
    expect(crowd.judge('a', LIMITS)).toEqual({ kind: 'refuse', why: 'full' });
    expect(crowd.judge('c', LIMITS)).toEqual({ kind: 'replace', member: 'a0' });
  });

  it('HEL-35 replaces the oldest of all when every address has one', () => {
    expect(crowdOf('a', 'b', 'c', 'd').judge('e', LIMITS)).toEqual({ kind: 'replace', member: 'a0' });
  });

  it('HEL-35 a member that is added again is the newest of its address', () => {
    const crowd = crowdOf('a', 'a', 'b', 'b');
    crowd.add('a', 'a0');
    expect(crowd.size).toBe(4);
    expect(crowd.judge('c', LIMITS)).toEqual({ kind: 'replace', member: 'a1' });
  });

  it('HEL-34 without limits everybody comes in', () => {
    const none = { max: Infinity, maxPerAddress: Infinity };
    expect(crowdOf('a', 'a', 'a', 'a', 'a').judge('a', none)).toEqual({ kind: 'enter' });
  });

  it('HEL-35 judges as a plain count of all members does, whatever came and went', () => {
    const steps = fc.array(fc.record({ address: fc.constantFrom('a', 'b', 'c', 'd'), leaves: fc.nat(20) }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const crowd = new Crowd<number>();
        const members: { address: string; member: number }[] = [];
        const countOf = (address: string) => members.filter((one) => one.address === address).length;
        for (const [member, { address, leaves }] of all.entries()) {
          const gone = members[leaves];
          if (gone === undefined) {
            members.push({ address, member });
            crowd.add(address, member);
          } else {
            members.splice(leaves, 1);
            crowd.remove(gone.address, gone.member);
            crowd.remove(gone.address, gone.member);
          }
          expect(crowd.size).toBe(members.length);
          const most = Math.max(0, ...members.map((one) => countOf(one.address)));
          const entry = crowd.judge(address, { max: 0, maxPerAddress: Infinity });
          if (countOf(address) >= most) {
            expect(entry).toEqual({ kind: 'refuse', why: 'full' });
            continue;
          }
          const out = members.find((one) => entry.kind === 'replace' && one.member === entry.member);
          expect(countOf(out?.address ?? '')).toBe(most);
          expect(members.find((one) => one.address === out?.address)).toBe(out);
        }
      }),
    );
  });
});
