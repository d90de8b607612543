import { describe, expect, test } from 'vitest';
import { StoreUnavailable } from '../../server/store/store.ts';
import { connection, everything, newSession, T0, TestSession, createRequest, unique } from './fixtures.ts';
import type { Suite } from './harness.ts';

export function durabilityRules(suite: Suite): void {
  describe('the store itself', () => {
    test('STO-1 it answers a ping and takes a write, and its id is the same whenever it is opened', async () => {
      await suite.store().ping();
      await suite.store().probe();
      const { storeId, driver } = suite.store();
      expect(storeId.length).toBeGreaterThanOrEqual(16);
      const reopened = await suite.reopen();
      await reopened.ping();
      expect(reopened.storeId).toBe(storeId);
      expect(reopened.driver).toBe(driver);
    });

    test('STO-2 the first proposal for a secret is kept', async () => {
      const name = unique('secret');
      const proposals = ['one', 'two', 'three'];
      const answers = await Promise.all(proposals.map((p) => suite.store().secret(name, p)));
      expect(new Set(answers).size).toBe(1);
      expect(proposals).toContain(answers[0]);
      expect(await suite.store().secret(name, 'four')).toBe(answers[0]);
      const reopened = await suite.reopen();
      expect(await reopened.secret(name, 'five')).toBe(answers[0]);
      expect(await reopened.secret(unique('secret'), 'six')).toBe('six');
    });

    test('STO-3 what was acknowledged is there after a close and a new start', async () => {
      const ids = ['client-id-1'];
      const session = await newSession(suite.store(), { title: 'kept', previousId: 'before' });
      await session.stream(2);
      await session.append({
        events: session.next('user', 'assistant', undefined),
        cells: { memory: '{"a":1}' },
        ids: [{ id: 'client-id-1', digest: 'd', seq: 2 }],
        annotations: [{ seq: 3, json: '{"x":1}' }],
        lastMessage: '"last"',
        holdUntil: T0 + 5,
        lease: { clear: true },
      });
      const archived = await newSession(suite.store());
      await archived.append({ events: archived.next('user') });
      await suite.store().expire({
        sessionId: archived.id,
        successorId: 'next',
        archiveUntil: T0 + 1,
        force: true,
        now: T0,
      });
      const erased = await newSession(suite.store());
      await suite.store().erase(erased.id);
      const before = [await everything(session, ids), await everything(archived, ids)];

      const store = await suite.reopen();
      const again = (old: TestSession) => {
        const request = createRequest({ sessionId: old.id, epoch: old.epoch, subject: old.subject });
        const now = new TestSession(store, request);
        now.events.push(...old.events);
        return now;
      };
      expect([await everything(again(session), ids), await everything(again(archived), ids)]).toEqual(before);
      expect(await store.info(erased.id)).toBeUndefined();
      const list = await store.list({ subject: session.subject, limit: 5, cursor: undefined });
      expect(list.sessions.map((s) => s.sessionId)).toEqual([session.id]);
      expect((await again(session).append()).kind).toBe('applied');
    });

    test('STO-4 a connection that was detached before a new start is gone since then', async () => {
      const session = await newSession(suite.store());
      const attach = connection();
      await session.attach(attach, T0);
      await suite.store().detach(session.id, attach.connectionId, T0 + 5);
      const store = await suite.reopen();
      expect((await store.info(session.id))?.attachments).toEqual([
        { ...attach, beatAt: T0, goneAt: T0 + 5 },
      ]);
    });

    test('STO-5 a closed store refuses everything with StoreUnavailable, and may be closed again', async () => {
      const store = suite.store();
      const session = await newSession(store);
      const open = await suite.reopen();
      await store.close();
      for (const refused of [
        store.ping(),
        store.probe(),
        store.info(session.id),
        session.append(),
        session.open(),
        store.appendChunk(session.chunk(0)),
        store.touch('node-a', [], T0),
        store.erase(session.id),
      ])
        await expect(refused).rejects.toBeInstanceOf(StoreUnavailable);
      expect(await open.info(session.id)).toBeDefined();
    });
  });
}
