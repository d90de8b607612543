import { describe, expect, test } from 'vitest';
import { disconnectedSince } from '../../server/store/liveness.ts';
import { connection, newSession, POLICY, sorted, T0, type TestSession, unique } from './fixtures.ts';
import type { Suite } from './harness.ts';

const { attachTtlMs, mediumMs } = POLICY;

export function presenceRules(suite: Suite): void {
  const touch = (session: TestSession, nodeId: string, connectionIds: string[], now: number) =>
    suite.store().touch(nodeId, [{ sessionId: session.id, connectionIds }], now);
  const kindAt = async (session: TestSession, now: number) => (await session.open({ now })).kind;
  /** The last moment at which it is open, and the first at which it has expired. */
  const expectExpiryAfter = async (session: TestSession, last: number) => {
    expect(await kindAt(session, last)).toBe('open');
    expect(await kindAt(session, last + 1)).toBe('expired');
  };

  describe('attachments', () => {
    test('STO-70 touch moves the sign of life of the connections of this node, never back', async () => {
      const session = await newSession(suite.store());
      const [one, two, other] = [connection(), connection(), connection('node-b')];
      for (const attach of [one, two, other]) await session.attach(attach, T0);
      await touch(session, one.nodeId, [one.connectionId, two.connectionId, unique('con')], T0 + 50);
      await touch(session, one.nodeId, [one.connectionId], T0 + 20);
      await touch(session, one.nodeId, [other.connectionId], T0 + 60);
      expect((await session.info()).attachments).toEqual(
        sorted([
          { ...one, beatAt: T0 + 50, goneAt: undefined },
          { ...two, beatAt: T0 + 50, goneAt: undefined },
          { ...other, beatAt: T0, goneAt: undefined },
        ]),
      );
    });

    test('STO-71 touch answers the head of each session in the order given', async () => {
      const [one, two] = [await newSession(suite.store()), await newSession(suite.store())];
      await two.grow(3);
      const archived = await newSession(suite.store());
      await archived.grow(1);
      await suite.store().expire({
        ...{ sessionId: archived.id, successorId: unique('ses'), archiveUntil: T0 + 1, force: true, now: T0 },
      });
      const entries = [two.id, unique('ses'), one.id, archived.id].map((sessionId) => ({
        sessionId,
        connectionIds: [],
      }));
      const { tag } = await two.info();
      expect(tag).toEqual(expect.any(String));
      expect(await suite.store().touch('node-a', entries, T0)).toEqual([
        { epoch: two.epoch, seq: 3, tag },
        undefined,
        { epoch: one.epoch, seq: 0, tag: undefined },
        undefined,
      ]);
      expect(await suite.store().touch('node-a', [], T0)).toEqual([]);
    });

    test('STO-72 detach marks its own connection gone, once; a later sign of life does not revive it', async () => {
      const session = await newSession(suite.store());
      const [old, young] = [connection(), connection()];
      await session.attach(old, T0);
      await session.attach(young, T0 + 1);
      await suite.store().detach(session.id, old.connectionId, T0 + 10);
      await suite.store().detach(session.id, old.connectionId, T0 + 20);
      await suite.store().detach(session.id, unique('con'), T0 + 20);
      await suite.store().detach(unique('ses'), old.connectionId, T0 + 20);
      await touch(session, old.nodeId, [old.connectionId], T0 + 30);
      expect((await session.info()).attachments).toEqual(
        sorted([
          { ...old, beatAt: T0, goneAt: T0 + 10 },
          { ...young, beatAt: T0 + 1, goneAt: undefined },
        ]),
      );
    });

    test('STO-73 a connection that attaches again is alive again', async () => {
      const session = await newSession(suite.store());
      const attach = connection();
      await session.attach(attach, T0);
      await session.attach(attach, T0 + 1);
      await suite.store().detach(session.id, attach.connectionId, T0 + 10);
      await session.attach({ ...attach, nodeId: 'node-b' }, T0 + 20);
      expect((await session.info()).attachments).toEqual([
        { connectionId: attach.connectionId, nodeId: 'node-b', beatAt: T0 + 20, goneAt: undefined },
      ]);
    });

    test('STO-74 of those that are gone only the newest 16 are kept, and no absence is forgotten', async () => {
      const session = await newSession(suite.store());
      const stays = connection();
      await session.attach(stays, T0);
      const ids: string[] = [];
      for (let i = 1; i <= 40; i++) {
        const attach = connection();
        ids.push(attach.connectionId);
        await session.attach(attach, T0 + i * 10);
        await suite.store().detach(session.id, attach.connectionId, T0 + i * 10 + 5);
      }
      const info = await session.info();
      const gone = info.attachments.filter((a) => a.goneAt !== undefined);
      expect(gone.map((a) => a.connectionId).sort()).toEqual(ids.slice(-16).sort());
      expect(info.attachments.some((a) => a.connectionId === stays.connectionId)).toBe(true);
      expect(info.lastSeenAt).toBe(T0 + 24 * 10 + 5);
      await suite.store().detach(session.id, stays.connectionId, T0 + 1000);
      expect(disconnectedSince(await session.info(), T0 + 2000)).toBe(T0 + 1000);
    });

    test('STO-74 connections that fell silent are bounded in the same way', async () => {
      const session = await newSession(suite.store());
      const every = attachTtlMs + 1;
      for (let i = 0; i < 30; i++) await session.attach(connection(), T0 + i * every);
      const info = await session.info();
      expect(info.attachments.length).toBeLessThanOrEqual(17);
      expect(disconnectedSince(info, T0 + 29 * every + attachTtlMs + 1)).toBe(T0 + 29 * every);
    });
  });

  describe('expiry', () => {
    test('STO-75 a session that nobody attached to expires mediumMs after its creation, the limit included', async () => {
      await expectExpiryAfter(await newSession(suite.store()), T0 + mediumMs);
    });

    test('STO-76 it expires mediumMs after the last connection was detached', async () => {
      const session = await newSession(suite.store());
      const [one, two] = [connection(), connection()];
      await session.attach(one, T0);
      await session.attach(two, T0);
      await touch(session, two.nodeId, [one.connectionId, two.connectionId], T0 + mediumMs);
      await suite.store().detach(session.id, two.connectionId, T0 + mediumMs + 7);
      await suite.store().detach(session.id, one.connectionId, T0 + mediumMs + 2);
      await expectExpiryAfter(session, T0 + 2 * mediumMs + 7);
    });

    test('STO-77 a silent connection is there for attachTtlMs, then gone since its last sign', async () => {
      const session = await newSession(suite.store());
      const policy = { ...POLICY, mediumMs: 1_000, attachTtlMs: 5_000 };
      await session.attach(connection(), T0, policy);
      await expectExpiryAfter(session, T0 + 5_000);
      const long = await newSession(suite.store());
      await long.attach(connection(), T0, { ...policy, mediumMs: 9_000 });
      await expectExpiryAfter(long, T0 + 9_000);
    });

    test('STO-78 the policy of the latest attach holds', async () => {
      const session = await newSession(suite.store(), { policy: { ...POLICY, mediumMs: 10 } });
      const attach = connection();
      await session.attach(attach, T0, { ...POLICY, mediumMs: 900_000 });
      await suite.store().detach(session.id, attach.connectionId, T0 + 1);
      await expectExpiryAfter(session, T0 + 900_001);
    });

    test('STO-79 holdUntil defers expiry to its moment, and no further', async () => {
      const session = await newSession(suite.store());
      await session.append({ holdUntil: T0 + mediumMs + 50 });
      await expectExpiryAfter(session, T0 + mediumMs + 50);
      await session.append({ holdUntil: 0 });
      await expectExpiryAfter(session, T0 + mediumMs);
    });

    test('STO-80 whoever comes too late is not attached, and is told the record', async () => {
      const session = await newSession(suite.store());
      await session.grow(2);
      const late = T0 + mediumMs + 1;
      const before = await session.info();
      expect(await session.attach(connection(), late)).toEqual({ kind: 'expired', info: before });
      expect(await session.info()).toEqual(before);
      await expectExpiryAfter(session, T0 + mediumMs);
    });

    test('STO-81 a sweep may open what has run out', async () => {
      const session = await newSession(suite.store());
      await session.append({ cells: { runs: '[1]' } });
      const swept = await session.opened({ ignoreExpiry: true, now: T0 + mediumMs + 1 });
      expect(swept.cells).toEqual({ runs: '[1]' });
      expect(await kindAt(session, T0 + mediumMs + 1)).toBe('expired');
    });
  });
}
