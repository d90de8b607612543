import { describe, expect, test } from 'vitest';
import type { AppendRequest } from '../../server/store/store.ts';
import { event, everything, lease, newSession, readLog, sized, T0, texts, unique } from './fixtures.ts';
import type { Suite } from './harness.ts';

export function appendRules(suite: Suite): void {
  describe('append', () => {
    test('STO-30 events come back in order, and the record follows them', async () => {
      const session = await newSession(suite.store());
      expect(await session.append({ events: session.next('user', undefined) })).toEqual({ kind: 'applied' });
      await session.append({
        events: session.next('assistant', 'system', 'assistant'),
        lastMessage: '{"role":"assistant"}',
        holdUntil: T0 + 77,
        now: T0 + 9,
      });
      expect(await readLog(suite.store(), session.id, 1, 100)).toEqual(texts(session.events));
      expect(await session.info()).toMatchObject({
        seq: 5,
        tag: session.events[4]!.tag,
        updatedAt: T0 + 9,
        createdAt: T0,
        messageCounts: { user: 1, assistant: 2, system: 1 },
        logBytes: session.events.reduce((sum, e) => sum + Buffer.byteLength(e.json), 0),
        lastMessage: '{"role":"assistant"}',
        holdUntil: T0 + 77,
      });
      await session.grow(1);
      expect(await session.info()).toMatchObject({
        lastMessage: '{"role":"assistant"}',
        holdUntil: T0 + 77,
      });
      await session.append({ holdUntil: 0 });
      expect((await session.info()).holdUntil).toBe(0);
    });

    test('STO-31 read answers from a seq on, at most limit, and nothing where nothing is', async () => {
      const session = await newSession(suite.store());
      await session.grow(6);
      const all = texts(session.events);
      expect(await readLog(suite.store(), session.id, 3, 2)).toEqual(all.slice(2, 4));
      expect(await readLog(suite.store(), session.id, 6, 100)).toEqual(all.slice(5));
      expect(await readLog(suite.store(), session.id, 7, 100)).toEqual([]);
      expect(await readLog(suite.store(), unique('ses'), 1, 100)).toEqual([]);
    });

    test('STO-31 it answers what fits into maxBytes, one event in any case, and says whether there are more', async () => {
      const session = await newSession(suite.store());
      // More than a driver fetches at once, and each of another size.
      const events = Array.from({ length: 40 }, (_, i) => sized(i + 1, undefined, 150 + i));
      await session.append({ events });
      const all = texts(events);
      const read = (fromSeq: number, limit: number, maxBytes: number) =>
        suite.store().read({ sessionId: session.id, fromSeq, limit, maxBytes });
      const total = Buffer.byteLength(all.join(''));
      expect(await read(1, 100, total)).toEqual({ events: all, hasMore: false });
      expect(await read(1, 40, total)).toEqual({ events: all, hasMore: false });
      expect(await read(1, 39, total)).toEqual({ events: all.slice(0, 39), hasMore: true });
      expect(await read(1, 100, total - 1)).toEqual({ events: all.slice(0, 39), hasMore: true });
      expect(await read(1, 100, 301)).toEqual({ events: all.slice(0, 2), hasMore: true });
      expect(await read(17, 100, 0)).toEqual({ events: all.slice(16, 17), hasMore: true });
      expect(await read(40, 100, 0)).toEqual({ events: all.slice(39), hasMore: false });
      expect(await read(41, 100, 1000)).toEqual({ events: [], hasMore: false });
    });

    test('STO-32 on another head nothing is stored, and the answer brings the events in between', async () => {
      const session = await newSession(suite.store());
      await session.grow(3);
      const stale = session.request({ expectedSeq: 1, events: [event(2)], cells: { memory: 'x' } });
      const before = await everything(session);
      expect(await suite.store().append(stale)).toEqual({
        kind: 'conflict',
        head: { epoch: session.epoch, seq: 3 },
        events: texts(session.events.slice(1)),
      });
      expect(await everything(session)).toEqual(before);
    });

    test('STO-32 at most 1 000 of the events in between are brought', async () => {
      const session = await newSession(suite.store());
      await session.grow(1003);
      const result = await suite.store().append(session.request({ expectedSeq: 1, events: [event(2)] }));
      expect(result).toEqual({
        kind: 'conflict',
        head: { epoch: session.epoch, seq: 1003 },
        events: texts(session.events.slice(1, 1001)),
      });
    });

    test('STO-32 nor more than about 1 MiB of them', async () => {
      const session = await newSession(suite.store());
      for (let seq = 1; seq <= 5; seq++) await session.append({ events: [sized(seq, undefined, 400_000)] });
      const result = await suite.store().append(session.request({ expectedSeq: 1, events: [event(2)] }));
      expect(result).toEqual({
        kind: 'conflict',
        head: { epoch: session.epoch, seq: 5 },
        events: texts(session.events.slice(1, 3)),
      });
    });

    test('STO-33 a caller who is ahead of the store, or of another epoch, is told the head and no events', async () => {
      const session = await newSession(suite.store());
      await session.grow(2);
      const conflict = { kind: 'conflict', head: { epoch: session.epoch, seq: 2 }, events: [] };
      const ahead = session.request({ expectedSeq: 5, events: [event(6)] });
      expect(await suite.store().append(ahead)).toEqual(conflict);
      const other = session.request({ epoch: unique('ep'), expectedSeq: 2 });
      expect(await suite.store().append(other)).toEqual(conflict);
      const behind = session.request({ epoch: unique('ep'), expectedSeq: 0, events: [event(1)] });
      expect(await suite.store().append(behind)).toEqual(conflict);
      expect((await session.info()).seq).toBe(2);
    });

    test('STO-33 so is one who knows another event at that place: the log has lost its end, and was written on', async () => {
      const session = await newSession(suite.store());
      await session.grow(3);
      const conflict = { kind: 'conflict', head: { epoch: session.epoch, seq: 3 }, events: [] };
      const before = await everything(session);
      for (const expectedSeq of [3, 2, 1]) {
        const forked = { expectedSeq, expectedTag: 'another', events: [event(expectedSeq + 1)] };
        expect(await suite.store().append(session.request(forked))).toEqual(conflict);
      }
      expect(await everything(session)).toEqual(before);
      expect((await session.append({ expectedTag: undefined })).kind).toBe('applied');
    });

    test('STO-34 the same request again is applied, once, however much came after it', async () => {
      const session = await newSession(suite.store());
      await session.grow(1);
      const request = session.request({
        events: session.next('user', undefined),
        ids: [{ id: 'client-id-1', digest: 'd', seq: 2 }],
        cells: { memory: '1' },
        lease: { set: lease() },
      });
      expect(await suite.store().append(request)).toEqual({ kind: 'applied' });
      const before = await everything(session, ['client-id-1']);
      expect(await suite.store().append(request)).toEqual({ kind: 'applied' });
      expect(await everything(session, ['client-id-1'])).toEqual(before);
      session.events.push(...request.events);
      await session.append({ cells: { memory: '2' }, lease: { clear: true } });
      const later = await everything(session);
      expect(await suite.store().append(request)).toEqual({ kind: 'applied' });
      expect(await everything(session)).toEqual(later);
    });

    test('STO-35 of many appends on one head, one is applied and the others are told what it stored', async () => {
      const session = await newSession(suite.store());
      const requests = Array.from({ length: 8 }, () => session.request());
      const results = await Promise.all(requests.map((r) => suite.store().append(r)));
      const winner = requests[results.findIndex((r) => r.kind === 'applied')]!;
      expect(results.filter((r) => r.kind === 'applied')).toHaveLength(1);
      for (const result of results.filter((r) => r.kind !== 'applied'))
        expect(result).toEqual({
          kind: 'conflict',
          head: { epoch: session.epoch, seq: 1 },
          events: texts(winner.events),
        });
    });

    test('STO-36 a refusal undoes nothing that was asked for beside it', async () => {
      const good = await Promise.all(Array.from({ length: 6 }, () => newSession(suite.store())));
      const bad = await newSession(suite.store());
      await bad.grow(1);
      const refused = bad.request({ expectedSeq: 0, events: [event(1)] });
      const results = await Promise.all(
        good.flatMap((session) => [session.append(), suite.store().append(refused)]),
      );
      expect(results.filter((r) => r.kind === 'applied')).toHaveLength(6);
      for (const session of good) expect((await session.info()).seq).toBe(1);
    });

    test('STO-37 cells are replaced by name and the others stay', async () => {
      const session = await newSession(suite.store());
      await session.append({ cells: { memory: '{}', runs: '[1]' } });
      await session.append({ cells: { runs: '[2]', workflow: 'null' } });
      expect((await session.opened()).cells).toEqual({ memory: '{}', runs: '[2]', workflow: 'null' });
    });

    test('STO-38 a session that is not there, erased or archived is gone', async () => {
      const missing = await newSession(suite.store());
      await suite.store().erase(missing.id);
      expect(await missing.append()).toEqual({ kind: 'gone' });
      const archived = await newSession(suite.store());
      await archived.grow(1);
      await suite.store().expire({
        sessionId: archived.id,
        successorId: unique('ses'),
        archiveUntil: T0 + 1,
        force: true,
        now: T0,
      });
      expect(await archived.append()).toEqual({ kind: 'gone' });
      expect(await readLog(suite.store(), archived.id, 1, 10)).toEqual(texts(archived.events));
    });

    test('STO-39 with several faults the answer is the first of conflict, known, chunk_conflict, fenced', async () => {
      const session = await newSession(suite.store());
      const known = { id: 'client-id-1', digest: 'd', seq: 1 };
      await session.append({ ids: [known] });
      const before = await everything(session, [known.id]);
      const faults = {
        ids: [known],
        dropChunks: { messageId: 'answer-1', attempt: 1, count: 9 },
        lease: { held: lease(), clear: true },
      };
      const answer = async (over: Partial<AppendRequest>) =>
        (await suite.store().append(session.request({ ...over, cells: { memory: 'no' }, alarmAt: 5 }))).kind;
      expect(await answer({ ...faults, expectedSeq: 0 })).toBe('conflict');
      expect(await answer(faults)).toBe('known');
      expect(await answer({ ...faults, ids: [] })).toBe('chunk_conflict');
      expect(await answer({ lease: faults.lease })).toBe('fenced');
      expect(await everything(session, [known.id])).toEqual(before);
    });
  });
}
