import { describe, expect, test } from 'vitest';
import { event, everything, newSession, unique } from './fixtures.ts';
import type { Suite } from './harness.ts';

export function idRules(suite: Suite): void {
  describe('client ids', () => {
    test('STO-40 ids are remembered with digest and seq; those that are not known are not answered', async () => {
      const session = await newSession(suite.store());
      const one = { id: 'client-id-1', digest: 'd1', seq: 1 };
      const none = { id: '!fin:run-1', digest: '', seq: 0 };
      await session.append({ ids: [one, none] });
      expect(await suite.store().lookupIds(session.id, ['nobody', none.id, one.id])).toEqual([none, one]);
      expect(await suite.store().lookupIds(session.id, ['nobody'])).toEqual([]);
      expect(await suite.store().lookupIds(session.id, [])).toEqual([]);
      expect(await suite.store().lookupIds(unique('ses'), [one.id])).toEqual([]);
    });

    test('STO-41 one known id refuses the whole append and is answered as it was first stored', async () => {
      const session = await newSession(suite.store());
      const first = { id: 'client-id-1', digest: 'first', seq: 1 };
      await session.append({ ids: [first] });
      const before = await everything(session, ['client-id-1', 'client-id-2']);
      const result = await session.append({
        ids: [
          { id: 'client-id-2', digest: 'x', seq: 2 },
          { id: 'client-id-1', digest: 'other', seq: 2 },
        ],
        cells: { memory: 'no' },
      });
      expect(result).toEqual({ kind: 'known', ids: [first] });
      expect(await everything(session, ['client-id-1', 'client-id-2'])).toEqual(before);
    });

    test('STO-42 ids belong to their session', async () => {
      const [one, two] = [await newSession(suite.store()), await newSession(suite.store())];
      const ids = [{ id: 'client-id-1', digest: 'd', seq: 1 }];
      expect((await one.append({ ids })).kind).toBe('applied');
      expect((await two.append({ ids })).kind).toBe('applied');
    });

    test('STO-43 of many that bring the same id at once, one is stored', async () => {
      const session = await newSession(suite.store());
      const send = async (): Promise<string> => {
        for (let head = 0; ; ) {
          const result = await suite.store().append(
            session.request({
              expectedSeq: head,
              events: [event(head + 1, 'user')],
              ids: [{ id: 'client-id-1', digest: 'd', seq: head + 1 }],
            }),
          );
          if (result.kind !== 'conflict') return result.kind;
          head = result.head.seq;
        }
      };
      const results = await Promise.all(Array.from({ length: 6 }, send));
      expect(results.sort()).toEqual(['applied', ...Array<string>(5).fill('known')]);
      expect((await session.info()).seq).toBe(1);
    });
  });
}
