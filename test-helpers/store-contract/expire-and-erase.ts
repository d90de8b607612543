import { describe, expect, test } from 'vitest';
import type { ExpireRequest } from '../../server/store/store.ts';
import {
  connection,
  createRequest,
  everything,
  lease,
  newSession,
  POLICY,
  readLog,
  T0,
  type TestSession,
  texts,
  unique,
} from './fixtures.ts';
import type { Suite } from './harness.ts';

const LATE = T0 + POLICY.mediumMs + 1;

/** A session with something in every place that a session has. */
async function full(suite: Suite): Promise<TestSession> {
  const session = await newSession(suite.store(), { title: 'full', attach: connection() });
  await session.stream(3);
  await session.append({
    events: session.next('user', undefined),
    cells: { memory: '{"a":1}' },
    ids: [{ id: 'client-id-1', digest: 'd', seq: 2 }],
    annotations: [{ seq: 2, json: '{"x":1}' }],
    lastMessage: '{"text":"hi"}',
    alarmAt: T0 + 900_000,
  });
  return session;
}

export function expireAndEraseRules(suite: Suite): void {
  const { harness } = suite;
  const expire = (session: TestSession, over: Partial<ExpireRequest> = {}) =>
    suite.store().expire({
      sessionId: session.id,
      successorId: unique('ses'),
      archiveUntil: LATE + 1000,
      force: false,
      now: LATE,
      ...over,
    });
  const listed = async (session: TestSession) =>
    (await suite.store().list({ subject: session.subject, limit: 10, cursor: undefined })).sessions;

  describe('expire', () => {
    test('STO-100 only what has expired at now is ended, or what is forced', async () => {
      const session = await full(suite);
      const before = await everything(session, ['client-id-1']);
      expect(await expire(session, { now: LATE - 1 })).toEqual({ kind: 'alive' });
      expect(await everything(session, ['client-id-1'])).toEqual(before);
      expect(await expire(session, { successorId: 'next', now: LATE - 1, force: true })).toEqual({
        kind: 'expired',
        successorId: 'next',
      });
      const other = await full(suite);
      expect(await expire(other, { successorId: 'next' })).toEqual({ kind: 'expired', successorId: 'next' });
      expect(await expire(session, { sessionId: unique('ses') })).toEqual({ kind: 'missing' });
    });

    test('STO-101 cells, chunks, ids, attachments and lease go; log, history and record stay', async () => {
      const session = await full(suite);
      const info = await session.info();
      const history = await session.history();
      await expire(session, { successorId: 'next' });
      const archived = { at: LATE, until: LATE + 1000, successorId: 'next' };
      const after = await session.info();
      expect(after).toEqual({
        ...info,
        attachments: [],
        lease: undefined,
        archived,
        lastSeenAt: after.lastSeenAt,
        holdUntil: after.holdUntil,
      });
      expect(await session.open({ ignoreExpiry: true })).toEqual({ kind: 'expired', info: after });
      expect(await session.open({ attach: { ...connection(), policy: POLICY } })).toEqual({
        kind: 'expired',
        info: after,
      });
      expect(await readLog(suite.store(), session.id, 1, 100)).toEqual(texts(session.events));
      expect(await session.history()).toEqual(history);
      expect(await suite.store().chunks(session.id, 0)).toBeUndefined();
      expect(await suite.store().lookupIds(session.id, ['client-id-1'])).toEqual([]);
      expect(await suite.store().appendChunk(session.chunk(3))).toEqual({ kind: 'fenced' });
      expect(await suite.store().renewLease(session.id, lease())).toBe(false);
      expect(await listed(session)).toEqual([after]);
    });

    test('STO-102 the first successor wins, for everyone and for ever', async () => {
      const session = await full(suite);
      const proposals = Array.from({ length: 6 }, () => unique('ses'));
      const results = await Promise.all(proposals.map((successorId) => expire(session, { successorId })));
      const winners = new Set(results.map((r) => (r.kind === 'expired' ? r.successorId : r.kind)));
      expect(winners.size).toBe(1);
      const [winner] = [...winners];
      expect(proposals).toContain(winner);
      const before = await session.info();
      const later = { successorId: unique('ses'), now: LATE + 5, archiveUntil: 0, force: true };
      expect(await expire(session, later)).toEqual({ kind: 'expired', successorId: winner });
      expect(await session.info()).toEqual(before);
    });

    test('STO-103 with archiveUntil 0 only the pointer to the successor stays', async () => {
      const session = await full(suite);
      await expire(session, { successorId: 'next', archiveUntil: 0 });
      const archived = { at: LATE, until: 0, successorId: 'next' };
      expect(await session.info()).toMatchObject({ sessionId: session.id, archived });
      expect(await session.open()).toMatchObject({ kind: 'expired', info: { archived } });
      expect(await readLog(suite.store(), session.id, 1, 100)).toEqual([]);
      expect(await session.history()).toEqual({ items: [], total: 0, hasMore: false });
      expect(await session.info()).toMatchObject({ title: undefined, lastMessage: undefined });
      expect(await listed(session)).toEqual([]);
      expect(await expire(session)).toEqual({ kind: 'expired', successorId: 'next' });
    });

    test('STO-103 a pointer takes no room of the subject, neither as it is left nor as it is erased', async () => {
      const session = await full(suite);
      await expire(session, { archiveUntil: 0 });
      const room = { subject: session.subject, maxSessions: 1 };
      await newSession(suite.store(), room);
      expect(await suite.store().create(createRequest(room))).toEqual({ kind: 'over_limit' });
      await suite.store().erase(session.id);
      expect(await suite.store().create(createRequest(room))).toEqual({ kind: 'over_limit' });
    });

    test('STO-104 the alarm of an archived session stays and can be moved, so that somebody erases it', async () => {
      const session = await newSession(suite.store(), { alarmAt: 25 });
      await expire(session);
      expect(await suite.store().due(25, 10)).toEqual([session.id]);
      await suite.store().setAlarm(session.id, 27);
      expect(await suite.store().due(26, 10)).toEqual([]);
      expect(await suite.store().due(27, 10)).toEqual([session.id]);
      await suite.store().erase(session.id);
    });

    test('STO-105 whoever attaches first keeps it from expiring', async () => {
      const session = await newSession(suite.store());
      expect((await session.attach(connection(), LATE - 1)).kind).toBe('open');
      expect(await expire(session)).toEqual({ kind: 'alive' });
    });
  });

  describe('erase', () => {
    test('STO-106 nothing of the session can be read afterwards, and a repeat changes nothing', async () => {
      for (const archive of [false, true]) {
        const session = await full(suite);
        if (archive) await expire(session);
        await suite.store().erase(session.id);
        await suite.store().erase(session.id);
        await suite.store().erase(unique('ses'));
        expect(await suite.store().info(session.id)).toBeUndefined();
        expect(await session.open()).toEqual({ kind: 'missing' });
        expect(await readLog(suite.store(), session.id, 1, 10)).toEqual([]);
        expect(await session.history()).toEqual({ items: [], total: 0, hasMore: false });
        expect(await suite.store().chunks(session.id, 0)).toBeUndefined();
        expect(await suite.store().lookupIds(session.id, ['client-id-1'])).toEqual([]);
        expect(await listed(session)).toEqual([]);
        expect(
          await suite.store().touch('node-a', [{ sessionId: session.id, connectionIds: [] }], T0),
        ).toEqual([undefined]);
        expect(await expire(session)).toEqual({ kind: 'missing' });
      }
    });

    test('STO-107 no trace is left in the database', async () => {
      for (const archive of [false, true]) {
        const session = await full(suite);
        expect(await harness.rawKeys(session.id)).not.toEqual([]);
        if (archive) await expire(session);
        await suite.store().erase(session.id);
        expect(await harness.rawKeys(session.id)).toEqual([]);
      }
    });

    test('STO-108 the id may be used again, and begins empty', async () => {
      const session = await full(suite);
      await suite.store().erase(session.id);
      const again = await newSession(suite.store(), { sessionId: session.id, subject: session.subject });
      expect(await everything(again, ['client-id-1'])).toMatchObject({
        info: { seq: 0, epoch: again.epoch, attachments: [], lease: undefined, alarmAt: undefined },
        cells: {},
        log: [],
        history: { total: 0 },
        chunks: undefined,
        ids: [],
      });
      expect((await again.append({ events: again.next('user') })).kind).toBe('applied');
    });
  });
}
