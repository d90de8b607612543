import { describe, expect, test } from 'vitest';
import type { Role } from '../../protocol/chat/message.ts';
import type { HistoryRequest } from '../../server/store/store.ts';
import { newSession, sized, T0, type TestSession, texts, unique } from './fixtures.ts';
import type { Suite } from './harness.ts';

const ROLES: (undefined | Role)[] = [
  'user',
  undefined,
  'assistant',
  'system',
  'user',
  undefined,
  undefined,
  'assistant',
  'user',
];

export function historyRules(suite: Suite): void {
  const page = (session: TestSession, seqs: number[]) =>
    seqs.map((seq) => ({ event: session.events[seq - 1]!.json, annotation: undefined }));

  describe('history', () => {
    test('STO-90 the newest messages before a seq, ascending, with the total and whether there are more', async () => {
      const session = await newSession(suite.store());
      await session.append({ events: session.next(...ROLES) });
      expect(await session.history()).toEqual({
        items: page(session, [1, 3, 4, 5, 8, 9]),
        total: 6,
        hasMore: false,
      });
      expect(await session.history({ limit: 6 })).toMatchObject({ hasMore: false });
      expect(await session.history({ limit: 2 })).toEqual({
        items: page(session, [8, 9]),
        total: 6,
        hasMore: true,
      });
      expect(await session.history({ limit: 3, beforeSeq: 8 })).toEqual({
        items: page(session, [3, 4, 5]),
        total: 6,
        hasMore: true,
      });
      expect(await session.history({ limit: 3, beforeSeq: 3 })).toEqual({
        items: page(session, [1]),
        total: 6,
        hasMore: false,
      });
      expect(await session.history({ beforeSeq: 1 })).toEqual({ items: [], total: 6, hasMore: false });
    });

    test('STO-91 with roles, only messages of these are paged and counted', async () => {
      const session = await newSession(suite.store());
      await session.append({ events: session.next(...ROLES) });
      expect(await session.history({ roles: ['user'] })).toEqual({
        items: page(session, [1, 5, 9]),
        total: 3,
        hasMore: false,
      });
      expect(await session.history({ roles: ['assistant', 'system'], limit: 2 })).toEqual({
        items: page(session, [4, 8]),
        total: 3,
        hasMore: true,
      });
      expect(await session.history({ roles: ['user'], limit: 1, beforeSeq: 9 })).toEqual({
        items: page(session, [5]),
        total: 3,
        hasMore: true,
      });
      expect(await session.history({ roles: ['system'], beforeSeq: 4 })).toEqual({
        items: [],
        total: 1,
        hasMore: false,
      });
    });

    test('STO-92 paging back meets every message once, while new ones come', async () => {
      const session = await newSession(suite.store());
      for (let i = 0; i < 30; i++)
        await session.append({ events: session.next(i % 3 === 0 ? undefined : 'user') });
      const all = session.events.filter((e) => e.role !== undefined).map((e) => e.json);
      const seen: string[] = [];
      let beforeSeq: undefined | number;
      for (;;) {
        const { items, hasMore } = await session.history({ beforeSeq, limit: 7 });
        seen.unshift(...items.map((i) => i.event));
        await session.append({ events: session.next('assistant') });
        if (!hasMore) break;
        beforeSeq = (JSON.parse(items[0]!.event) as { seq: number }).seq;
      }
      expect(seen).toEqual(all);
    });

    test('STO-96 a page holds the newest messages that fit into maxBytes, with their annotations, and one in any case', async () => {
      const session = await newSession(suite.store());
      const events = [
        sized(1, 'user', 200),
        sized(2, undefined, 5000),
        sized(3, 'assistant', 1000),
        sized(4, 'user', 200),
        sized(5, 'user', 200),
      ];
      await session.append({ events, annotations: [{ seq: 4, json: '{"a":1}' }] });
      const seqs = async (over: Partial<HistoryRequest>) => {
        const { items, total, hasMore } = await session.history(over);
        expect(total).toBe(4);
        return [...items.map((item) => (JSON.parse(item.event) as { seq: number }).seq), hasMore];
      };
      expect(await seqs({ maxBytes: 407 })).toEqual([4, 5, true]);
      expect(await seqs({ maxBytes: 406 })).toEqual([5, true]);
      expect(await seqs({ maxBytes: 0 })).toEqual([5, true]);
      expect(await seqs({ maxBytes: 1407 })).toEqual([3, 4, 5, true]);
      expect(await seqs({ maxBytes: 1607 })).toEqual([1, 3, 4, 5, false]);
      expect(await seqs({ maxBytes: 0, beforeSeq: 3 })).toEqual([1, false]);
      const { content } = await session.opened({ maxBytes: 407 });
      expect(content).toEqual({ mode: 'snapshot', page: await session.history({ maxBytes: 407 }) });
    });

    test('STO-92 paging back by bytes meets every message once, too', async () => {
      const session = await newSession(suite.store());
      const events = Array.from({ length: 30 }, (_, i) =>
        sized(i + 1, i % 4 === 0 ? undefined : 'user', 150 + 7 * i),
      );
      await session.append({ events });
      const seen: string[] = [];
      let beforeSeq: undefined | number;
      for (let more = true; more; ) {
        const { items, hasMore } = await session.history({ beforeSeq, maxBytes: 700 });
        seen.unshift(...items.map((i) => i.event));
        more = hasMore;
        beforeSeq = (JSON.parse(items[0]!.event) as { seq: number }).seq;
      }
      expect(seen).toEqual(texts(events.filter((e) => e.role !== undefined)));
    });

    test('STO-93 annotations come with their message; a later one replaces an earlier one', async () => {
      const session = await newSession(suite.store());
      await session.append({
        events: session.next('user', 'assistant'),
        annotations: [{ seq: 1, json: '{"run_outcome":"completed"}' }],
      });
      await session.append({
        events: session.next('user'),
        annotations: [
          { seq: 2, json: '{"b":[]}' },
          { seq: 3, json: '{"c":{}}' },
        ],
      });
      await session.append({ annotations: [{ seq: 2, json: '{"b":2}' }] });
      const annotations = (await session.history()).items.map((i) => i.annotation);
      expect(annotations).toEqual(['{"run_outcome":"completed"}', '{"b":2}', '{"c":{}}']);
      const opened = await session.opened();
      expect(opened.content).toEqual({ mode: 'snapshot', page: await session.history() });
    });

    test('STO-94 a session without messages, or not there, has an empty history', async () => {
      const empty = { items: [], total: 0, hasMore: false };
      const session = await newSession(suite.store());
      await session.grow(2);
      expect(await session.history()).toEqual(empty);
      expect(await session.history({ sessionId: unique('ses') })).toEqual(empty);
    });

    test('STO-95 an archived session keeps its history', async () => {
      const session = await newSession(suite.store());
      await session.append({
        events: session.next(...ROLES),
        annotations: [{ seq: 1, json: '{"a":1}' }],
      });
      const before = await session.history({ limit: 4 });
      const all = await session.history();
      await suite.store().expire({
        sessionId: session.id,
        successorId: unique('ses'),
        archiveUntil: T0 + 1,
        force: true,
        now: T0,
      });
      expect(await session.history({ limit: 4 })).toEqual(before);
      expect(await session.history()).toEqual(all);
    });
  });
}
