import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SmallDisk } from '../../../test-helpers/small-disk.ts';
import { event, newSession, T0, type TestSession } from '../../../test-helpers/store-contract/fixtures.ts';
import { ManualClock } from '../../clock.ts';
import { SystemRandom } from '../../random.ts';
import { type Store, StoreUnavailable } from '../store.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const MIB = 1_048_576;
const RESERVE = 2 * MIB;

let disk: SmallDisk;
let clock: ManualClock;
let store: Store;
let lines: string[];
let onLine: (line: string) => void = () => {};
beforeEach(async () => {
  disk = SmallDisk.mount(12 * MIB);
  clock = new ManualClock(T0);
  lines = [];
  store = await open();
});
afterEach(async () => {
  await store.close();
  disk[Symbol.dispose]();
});

const reserve = () => join(disk.path, 'holdfast.reserve');

function open(reserveBytes = RESERVE): Promise<Store> {
  const log = {
    warn: (fields: object) => {
      const line = 'event' in fields ? String(fields.event) : '';
      lines.push(line);
      onLine(line);
    },
  };
  const options = { bytes: reserveBytes, clock, log };
  return openSqliteStore(
    { dataDir: disk.path, synchronous: 'normal', ...(reserveBytes > 0 && { reserve: options }) },
    { random: new SystemRandom(clock) },
  );
}

/** Appends until the store takes nothing more; answers how often it did. */
async function fill(session: TestSession, bytes = 100_000): Promise<number> {
  for (let times = 0; ; times++) {
    try {
      await session.append({ events: [event(session.seq + 1, 'user', 'x'.repeat(bytes))] });
    } catch (error) {
      expect(error).toBeInstanceOf(StoreUnavailable);
      return times;
    }
  }
}

/** Lets the store look whether there is room again; resolves once it has taken its reserve back. */
async function untilBack(): Promise<void> {
  const back = Promise.withResolvers<void>();
  onLine = (line) => line === 'disk_ok' && back.resolve();
  await clock.advance(1000);
  await back.promise;
}

describe('a full disk', () => {
  test('STO-155 is kept a reserve for, which really takes its room', async () => {
    expect(statSync(reserve()).size).toBe(RESERVE);
    expect(statSync(reserve()).blocks * 512).toBeGreaterThanOrEqual(RESERVE);
    expect(disk.free).toBeLessThan(10 * MIB);
  });

  test('STO-155 STO-156 gives the reserve up once, and then takes nothing that would grow', async () => {
    const session = await newSession(store);
    const other = await newSession(store, { subject: session.subject });
    expect(await fill(session)).toBeGreaterThan(20);
    expect(existsSync(reserve())).toBe(false);
    expect(lines).toEqual(['disk_full']);
    for (const refused of [
      store.probe(),
      session.append(),
      store.setTitle(session.id, 'a title'),
      newSession(store),
    ])
      await expect(refused).rejects.toThrow(/disk of the embedded store is full/);
    // What is there can be read.
    expect((await session.info()).seq).toBeGreaterThan(20);
    expect(
      (await store.list({ subject: session.subject, limit: 9, cursor: undefined })).sessions,
    ).toHaveLength(2);
    await store.ping();
    await store.touch('node-a', [{ sessionId: other.id, connectionIds: [] }], T0);
    await store.setAlarm(other.id, T0 + 5);
    await clock.advance(60_000);
    expect(lines).toEqual(['disk_full']);
  });

  test('STO-156 STO-157 takes an erasure, and goes on with the room that it made, as often as that happens', async () => {
    const session = await newSession(store);
    for (let round = 0; round < 6; round++) {
      const large = await newSession(store);
      expect(await fill(large)).toBeGreaterThan(10);
      await store.erase(large.id);
      expect(await store.info(large.id)).toBeUndefined();
      await untilBack();
      expect(existsSync(reserve())).toBe(true);
      await session.append();
      await store.probe();
    }
  });

  test('STO-156 lets a session expire', async () => {
    const session = await newSession(store);
    await fill(session);
    const ending = { sessionId: session.id, successorId: 'next', archiveUntil: 0, force: true, now: T0 };
    expect(await store.expire(ending)).toMatchObject({ kind: 'expired' });
    await untilBack();
    await newSession(store);
  });

  test('STO-157 goes on when somebody else makes room, and the database may grow again', async () => {
    const giveBack = disk.fill(200_000);
    const session = await newSession(store);
    await fill(session);
    expect(lines).toEqual(['disk_full']);
    giveBack();
    await untilBack();
    expect(statSync(reserve()).size).toBe(RESERVE);
    expect(await fill(session)).toBeGreaterThan(20);
  });

  test('STO-158 is no reason not to start, after a stop or without one', async () => {
    const session = await newSession(store);
    await fill(session);
    const { seq } = await session.info();
    await store.close();
    lines = [];
    store = await open();
    expect(lines).toEqual(['disk_full']);
    await expect(store.probe()).rejects.toBeInstanceOf(StoreUnavailable);
    expect((await store.info(session.id))?.seq).toBe(seq);
    await store.erase(session.id);
    await untilBack();
    await newSession(store);
  });

  test('STO-158 that was filled by others while the store was closed is started on with the reserve', async () => {
    const session = await newSession(store);
    await session.grow(3);
    await store.close();
    const giveBack = disk.fill();
    expect(disk.free).toBe(0);
    lines = [];
    store = await open();
    expect(lines).toEqual(['disk_full']);
    expect((await store.info(session.id))?.seq).toBe(3);
    await store.erase(session.id);
    giveBack();
    await untilBack();
    await newSession(store);
  });

  test('STO-145 without a reserve is found out by each operation for itself', async () => {
    await store.close();
    store = await open(0);
    expect(existsSync(reserve())).toBe(false);
    const session = await newSession(store);
    await fill(session);
    expect((await session.info()).seq).toBeGreaterThan(20);
  });
});
