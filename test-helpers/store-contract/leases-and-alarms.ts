import { describe, expect, test } from 'vitest';
import { connection, everything, lease, newSession, T0, unique } from './fixtures.ts';
import type { Suite } from './harness.ts';

export function leaseAndAlarmRules(suite: Suite): void {
  describe('leases', () => {
    test('STO-60 an append sets, keeps and clears the lease', async () => {
      const session = await newSession(suite.store());
      const held = lease({ attempt: 3 });
      await session.append({ lease: { set: held } });
      expect((await session.info()).lease).toEqual(held);
      await session.append();
      expect((await session.info()).lease).toEqual(held);
      await session.append({ lease: { held, clear: false } });
      expect((await session.info()).lease).toEqual(held);
      await session.append({ lease: { set: lease({ runId: 'run-2' }) } });
      expect((await session.info()).lease).toEqual(lease({ runId: 'run-2' }));
      await session.append({ lease: { clear: true } });
      expect((await session.info()).lease).toBeUndefined();
    });

    test('STO-61 an append that needs the lease is fenced without it, whatever its end', async () => {
      const session = await newSession(suite.store());
      const held = lease();
      expect(await session.append({ lease: { held, clear: true } })).toEqual({ kind: 'fenced' });
      await session.append({ lease: { set: held } });
      const before = await everything(session);
      for (const other of [{ runId: 'run-2' }, { attempt: 2 }, { owner: 'node-b' }]) {
        const append = { lease: { held: { ...held, ...other }, clear: true }, cells: { memory: 'no' } };
        expect(await session.append(append)).toEqual({ kind: 'fenced' });
      }
      expect(await everything(session)).toEqual(before);
      // `until` is no part of the fence: nobody has taken it over yet.
      const late = { held: { ...held, until: 5 }, clear: true };
      expect(await session.append({ lease: late, now: held.until + 99 })).toEqual({ kind: 'applied' });
      expect((await session.info()).lease).toBeUndefined();
    });

    test('STO-62 renewal moves the end while owner, run and attempt are the same', async () => {
      const session = await newSession(suite.store());
      const held = lease();
      expect(await suite.store().renewLease(session.id, held)).toBe(false);
      await session.append({ lease: { set: held } });
      const later = { ...held, until: held.until + 5_000 };
      expect(await suite.store().renewLease(session.id, later)).toBe(true);
      expect(await suite.store().renewLease(session.id, later)).toBe(true);
      expect((await session.info()).lease).toEqual(later);
      for (const other of [{ runId: 'run-2' }, { attempt: 2 }, { owner: 'node-b' }])
        expect(await suite.store().renewLease(session.id, { ...later, ...other, until: 1 })).toBe(false);
      expect((await session.info()).lease).toEqual(later);
      await session.append({ lease: { clear: true } });
      expect(await suite.store().renewLease(session.id, later)).toBe(false);
      expect(await suite.store().renewLease(unique('ses'), later)).toBe(false);
    });
  });

  describe('alarms', () => {
    // Earlier than any other test's alarms, so that only these are due.
    const due = async (now: number, limit: number) => await suite.store().due(now, limit);

    test('STO-65 sessions whose alarm has come are due, the limit included, earliest first', async () => {
      const at = [30, 10, 20, 41];
      const sessions = [];
      for (const alarmAt of at) sessions.push(await newSession(suite.store(), { alarmAt }));
      const silent = await newSession(suite.store());
      const [a, b, c, d] = sessions.map((s) => s.id);
      expect(await due(9, 10)).toEqual([]);
      expect(await due(40, 10)).toEqual([b, c, a]);
      expect(await due(41, 10)).toEqual([b, c, a, d]);
      expect(await due(41, 2)).toEqual([b, c]);
      for (const session of [...sessions, silent]) await suite.store().erase(session.id);
      expect(await due(41, 10)).toEqual([]);
    });

    test('STO-66 alarms are moved and taken away, by themselves and by appends', async () => {
      const session = await newSession(suite.store());
      const alarm = async () => (await session.info()).alarmAt;
      await suite.store().setAlarm(session.id, 15);
      expect(await due(15, 10)).toEqual([session.id]);
      expect(await due(14, 10)).toEqual([]);
      await session.append({ alarmAt: 18 });
      expect(await alarm()).toBe(18);
      await session.append();
      expect(await due(17, 10)).toEqual([]);
      expect(await due(18, 10)).toEqual([session.id]);
      await session.append({ alarmAt: null });
      expect(await alarm()).toBeUndefined();
      expect(await due(T0 - 1, 10)).toEqual([]);
      await suite.store().setAlarm(session.id, 12);
      await suite.store().setAlarm(session.id, undefined);
      expect(await due(T0 - 1, 10)).toEqual([]);
      await suite.store().setAlarm(unique('ses'), 3);
      expect(await due(T0 - 1, 10)).toEqual([]);
    });

    test('STO-67 opening, touching and detaching leave the alarm as it is', async () => {
      const session = await newSession(suite.store(), { alarmAt: T0 + 4 });
      const attach = connection();
      await session.attach(attach, T0);
      await suite
        .store()
        .touch(attach.nodeId, [{ sessionId: session.id, connectionIds: [attach.connectionId] }], T0);
      await suite.store().detach(session.id, attach.connectionId, T0 + 1);
      expect((await session.info()).alarmAt).toBe(T0 + 4);
      await suite.store().erase(session.id);
    });
  });
}
