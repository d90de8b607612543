import { Redis } from 'ioredis';
import { expect, test, vi } from 'vitest';
import { startRedisSentinel } from '../../../test-helpers/redis-sentinel.ts';
import { openTestStore } from '../../../test-helpers/redis-store-harness.ts';
import { connection, newSession, readLog, texts } from '../../../test-helpers/store-contract/fixtures.ts';

test('behind Sentinel a failover is survived, by commands and by records of other nodes', async () => {
  await using redis = await startRedisSentinel();
  const store = await openTestStore({ url: redis.url, mode: 'sentinel', commandTimeoutMs: 25_000 });
  const heard = vi.fn();
  const resynced = vi.fn();
  await store.subscribe('node-there', heard, resynced);
  const session = await newSession(store, { attach: connection('node-there') });
  await session.append();
  const master = new Redis(redis.master.url);
  // What Redis acknowledges before the replica has it is lost in a failover: this test is about what the replica has.
  expect(await master.wait(1, 10_000)).toBe(1);
  master.disconnect();

  await redis.master.kill9();
  expect(await session.append()).toEqual({ kind: 'applied' });
  expect(await readLog(store, session.id, 1, 10)).toEqual(texts(session.events));
  await vi.waitFor(() => expect(resynced).toHaveBeenCalled(), 20_000);
  heard.mockClear();
  await session.append();
  await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(1), 10_000);
  await store.close();
}, 60_000);
