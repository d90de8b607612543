import { describe, expect, test } from 'vitest';
import type { SessionInfo } from '../../server/store/store.ts';
import {
  connection,
  createRequest,
  newSession,
  POLICY,
  readLog,
  T0,
  type TestSession,
  unique,
} from './fixtures.ts';
import type { Suite } from './harness.ts';

export function createAndListRules(suite: Suite): void {
  describe('create', () => {
    test('STO-10 a new session has an empty log and the record that was asked for', async () => {
      const request = createRequest({ title: 'A title', previousId: 'earlier', alarmAt: T0 + 5 });
      const expected: SessionInfo = {
        sessionId: request.sessionId,
        epoch: request.epoch,
        seq: 0,
        tag: undefined,
        subject: request.subject,
        domain: 'personal',
        workspace: 'personal',
        title: 'A title',
        previousId: 'earlier',
        policy: POLICY,
        createdAt: T0,
        updatedAt: T0,
        lastMessage: undefined,
        messageCounts: { user: 0, assistant: 0, system: 0 },
        logBytes: 0,
        attachments: [],
        lastSeenAt: T0,
        holdUntil: 0,
        lease: undefined,
        alarmAt: T0 + 5,
        archived: undefined,
      };
      expect(await suite.store().create(request)).toEqual({ kind: 'created', info: expected });
      expect(await suite.store().info(request.sessionId)).toEqual(expected);
      expect(await readLog(suite.store(), request.sessionId, 1, 10)).toEqual([]);
      await suite.store().erase(request.sessionId);
    });

    test('STO-11 what is there already is left as it is, archived or at the limit', async () => {
      const session = await newSession(suite.store(), { title: 'first' });
      await session.grow(2);
      const before = await session.info();
      const again = createRequest({ sessionId: session.id, subject: session.subject, title: 'second' });
      expect(await suite.store().create(again)).toEqual({ kind: 'exists' });
      expect(await suite.store().create({ ...again, maxSessions: 1 })).toEqual({ kind: 'exists' });
      expect(await suite.store().create({ ...again, attach: connection() })).toEqual({ kind: 'exists' });
      expect(await session.info()).toEqual(before);

      const ending = { sessionId: session.id, successorId: unique('ses'), archiveUntil: T0 + 9, now: T0 };
      await suite.store().expire({ ...ending, force: true });
      expect(await suite.store().create(again)).toEqual({ kind: 'exists' });
      expect((await session.info()).archived).toBeDefined();
    });

    test('STO-12 a subject has at most maxSessions; 0 is no limit; erasing makes room', async () => {
      const subject = unique('sub');
      const first = await newSession(suite.store(), { subject, maxSessions: 2 });
      await newSession(suite.store(), { subject, maxSessions: 2 });
      const third = createRequest({ subject, maxSessions: 2 });
      expect(await suite.store().create(third)).toEqual({ kind: 'over_limit' });
      expect(await suite.store().info(third.sessionId)).toBeUndefined();
      expect((await suite.store().list({ subject, limit: 10, cursor: undefined })).sessions).toHaveLength(2);
      expect((await suite.store().create({ ...third, maxSessions: 0 })).kind).toBe('created');
      await suite.store().erase(first.id);
      await suite.store().erase(third.sessionId);
      await newSession(suite.store(), { subject, maxSessions: 2 });
    });

    test('STO-13 create attaches in the same step', async () => {
      const attach = connection();
      const request = createRequest({ attach });
      const created = await suite.store().create(request);
      expect(created.kind).toBe('created');
      const info = await suite.store().info(request.sessionId);
      expect(info?.attachments).toEqual([{ ...attach, beatAt: T0, goneAt: undefined }]);
    });

    test('STO-14 of many that create the same id at once, one does', async () => {
      const request = createRequest();
      const results = await Promise.all(
        Array.from({ length: 8 }, () => suite.store().create({ ...request, epoch: unique('ep') })),
      );
      expect(results.map((r) => r.kind).sort()).toEqual(['created', ...Array<string>(7).fill('exists')]);
      const created = results.find((r) => r.kind === 'created');
      expect((await suite.store().info(request.sessionId))?.epoch).toBe(created?.info.epoch);
    });
  });

  describe('list', () => {
    test('STO-15 sessions of the subject, last used first, each once over all pages', async () => {
      const subject = unique('sub');
      const sessions: TestSession[] = [];
      for (let i = 0; i < 7; i++) sessions.push(await newSession(suite.store(), { subject, now: T0 + i }));
      await newSession(suite.store());
      await sessions[2]!.append({ now: T0 + 100 });
      await sessions[0]!.append({ now: T0 + 101 });
      const expected = [0, 2, 6, 5, 4, 3, 1].map((i) => sessions[i]!.id);
      for (const limit of [1, 2, 3, 7, 50]) {
        const seen: string[] = [];
        let cursor: undefined | string;
        do {
          const page = await suite.store().list({ subject, limit, cursor });
          expect(page.sessions.length).toBeLessThanOrEqual(limit);
          seen.push(...page.sessions.map((s) => s.sessionId));
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        expect(seen, `pages of ${limit}`).toEqual(expected);
      }
    });

    test('STO-15 sessions used in the same millisecond are paged without loss', async () => {
      const subject = unique('sub');
      const ids = new Set<string>();
      for (let i = 0; i < 9; i++) ids.add((await newSession(suite.store(), { subject })).id);
      const seen: string[] = [];
      let cursor: undefined | string;
      do {
        const page = await suite.store().list({ subject, limit: 2, cursor });
        seen.push(...page.sessions.map((s) => s.sessionId));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(seen).toHaveLength(9);
      expect(new Set(seen)).toEqual(ids);
    });

    test('STO-19 more sessions than one page looks at are all shown, each once, though used within moments', async () => {
      const subject = unique('sub');
      const made = await Promise.all(
        Array.from({ length: 450 }, (_, i) => newSession(suite.store(), { subject, now: T0 + (i % 50) })),
      );
      for (const limit of [1, 60]) {
        const seen: string[] = [];
        let cursor: undefined | string;
        // Enough to see that it goes on, and how it ends.
        for (let page = 0; page < (limit === 1 ? 20 : 40); page++) {
          const { sessions, nextCursor } = await suite.store().list({ subject, limit, cursor });
          expect(sessions.length).toBeLessThanOrEqual(limit);
          seen.push(...sessions.map((session) => session.sessionId));
          cursor = nextCursor;
          if (cursor === undefined) break;
        }
        expect(new Set(seen).size).toBe(seen.length);
        if (limit === 60) expect(new Set(seen)).toEqual(new Set(made.map(({ id }) => id)));
        else expect(seen).toHaveLength(20);
      }
    });

    test('STO-16 a listed session is its whole record; an unknown subject has none', async () => {
      const session = await newSession(suite.store(), { attach: connection() });
      await session.append({ events: session.next('user'), lastMessage: '{"text":"hi"}', now: T0 + 1 });
      const page = await suite.store().list({ subject: session.subject, limit: 10, cursor: undefined });
      expect(page).toEqual({ sessions: [await session.info()], nextCursor: undefined });
      const none = await suite.store().list({ subject: unique('sub'), limit: 10, cursor: undefined });
      expect(none).toEqual({ sessions: [], nextCursor: undefined });
    });
  });

  describe('titles', () => {
    test('STO-17 setTitle replaces the title and says whether the session is there', async () => {
      const session = await newSession(suite.store());
      expect(await suite.store().setTitle(session.id, 'One')).toBe(true);
      expect(await suite.store().setTitle(session.id, 'Two')).toBe(true);
      expect((await session.info()).title).toBe('Two');
      expect(await suite.store().setTitle(unique('ses'), 'Three')).toBe(false);
    });

    test('STO-17 an append gives a title only to a session without one', async () => {
      const session = await newSession(suite.store());
      await session.append({ titleIfNone: 'First words' });
      await session.append({ titleIfNone: 'Later words' });
      expect((await session.info()).title).toBe('First words');
    });

    test('STO-18 info of what is not there is undefined', async () => {
      expect(await suite.store().info(unique('ses'))).toBeUndefined();
    });
  });
}
