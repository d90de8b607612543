import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { connection, lease, newSession, POLICY, T0 } from '../../../test-helpers/store-contract/fixtures.ts';
import { ManualClock } from '../../clock.ts';
import { SystemRandom } from '../../random.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const clock = new ManualClock();
const deps = { clock, random: new SystemRandom(clock) };
const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-reopen-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

describe('a new start', () => {
  test.each(['full', 'normal'] as const)(
    'STO-142 ends what the former process held and leaves the rest (%s)',
    async (synchronous) => {
      const before = await openSqliteStore({ dataDir, synchronous }, deps);
      const alive = await newSession(before, { alarmAt: T0 + 9 });
      const attach = connection();
      await alive.attach(attach, T0 + 5);
      const leased = await newSession(before, { alarmAt: T0 + 9 });
      await leased.append({ lease: { set: lease() } });
      const quiet = await newSession(before, { alarmAt: T0 + 9 });
      await before.close();

      const after = await openSqliteStore({ dataDir, synchronous }, deps);
      expect(await after.info(alive.id)).toMatchObject({
        attachments: [{ ...attach, beatAt: T0 + 5, goneAt: T0 + 5 }],
      });
      // Runs first: of people who were there may be many more.
      const due = (await after.due(T0, 10)).filter((id) => id === leased.id || id === alive.id);
      expect(due).toEqual([leased.id, alive.id]);
      expect(await after.info(leased.id)).toMatchObject({ lease: { ...lease(), until: 0 } });
      expect(await after.info(quiet.id)).toMatchObject({ alarmAt: T0 + 9 });
      // Time in which no process ran counts.
      const ask = { sessionId: alive.id, successorId: 'next', archiveUntil: 0, force: false };
      expect((await after.expire({ ...ask, now: T0 + 5 + POLICY.mediumMs })).kind).toBe('alive');
      expect((await after.expire({ ...ask, now: T0 + 6 + POLICY.mediumMs })).kind).toBe('expired');
      await after.close();
    },
  );
});
