import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startRedis, type Redis as Server } from '../../../test-helpers/redis.ts';
import { openTestStore, scan, withClient, withNodes } from '../../../test-helpers/redis-store-harness.ts';
import {
  connection,
  createRequest,
  newSession,
  POLICY,
  T0,
  unique,
} from '../../../test-helpers/store-contract/fixtures.ts';
import type { Store } from '../store.ts';
import { Keys } from './keys.ts';

let server: Server;
let store: Store;
beforeAll(async () => {
  server = await startRedis();
  store = await openTestStore({ url: server.url, mode: 'single' });
});
afterAll(async () => {
  await store.close();
  await server.stop();
});

const withServer = <T>(use: (redis: Redis) => Promise<T>): Promise<T> =>
  withNodes({ url: server.url, mode: 'single' }, ([redis]) => use(redis!));

/** The commands that reach Redis from outside while `work` runs, those inside scripts left out. */
async function commandsOf(work: () => Promise<unknown>): Promise<string[]> {
  return withServer(async (redis) => {
    const monitor = await redis.monitor();
    const seen: string[] = [];
    const marked = new Promise<void>((resolve) => {
      monitor.on('monitor', (_time: string, args: string[], source: string) => {
        if (args[1] === 'the end') resolve();
        else if (source !== 'lua') seen.push(args.slice(0, 2).join(' '));
      });
    });
    await work();
    await redis.echo('the end');
    await marked;
    monitor.disconnect();
    return seen;
  });
}

describe('a list', () => {
  test('STO-19 looks at no more than some hundred entries, however many have no session', async () => {
    const session = await newSession(store);
    const key = new Keys().subject(session.subject);
    await withServer(async (redis) => {
      expect(await redis.zcard(key)).toBe(1);
      for (let i = 0; i < 2000; i++) await redis.zadd(key, T0 + i, `never-made-${i}`);
    });
    let cursor: undefined | string;
    const seen: string[] = [];
    let pages = 0;
    do {
      const request = { subject: session.subject, limit: 50, cursor };
      const commands = await commandsOf(async () => {
        const page = await store.list(request);
        seen.push(...page.sessions.map(({ sessionId }) => sessionId));
        cursor = page.nextCursor;
      });
      expect(commands.length).toBeLessThan(500);
      pages++;
    } while (cursor !== undefined && pages < 20);
    expect(seen).toEqual([session.id]);
    expect(pages).toBeGreaterThan(4);
  });
});

describe('round trips', () => {
  test('an open, with its attachment, what was missed and chunks, is one command', async () => {
    const session = await newSession(store);
    await session.stream(2);
    await session.append({ events: session.next('user', 'assistant'), cells: { memory: '{}' } });
    const attach = { ...connection(), policy: POLICY };
    const commands = await commandsOf(async () => {
      const opened = await session.opened({ position: session.position(1), attach });
      expect(opened.content).toMatchObject({ mode: 'replay' });
      expect(opened.chunks?.count).toBe(2);
    });
    expect(commands).toEqual([expect.stringMatching(/^fcall hf[0-9a-f]{8}_open$/)]);
  });

  test('an append that leaves the alarm alone is one command', async () => {
    const session = await newSession(store, { attach: connection() });
    const commands = await commandsOf(() => session.append({ ids: [{ id: 'id', digest: '', seq: 1 }] }));
    expect(commands).toEqual([expect.stringMatching(/_append$/)]);
  });
});

describe('indexes', () => {
  test('of an erased session nothing is left', async () => {
    await withServer((redis) => redis.flushall());
    const own = await openTestStore({ url: server.url, mode: 'single' });
    const session = await newSession(own, { attach: connection(), alarmAt: T0, title: 'x' });
    await session.stream(3);
    for (let i = 1; i < 20; i++) await session.append({ alarmAt: T0 + i, events: session.next('user') });
    await session.append({ annotations: [{ seq: 2, json: '{}' }] });
    await own.setAlarm(session.id, T0 + 99);
    await own.append(session.request({ expectedSeq: 0, alarmAt: T0 + 100 }));
    await own.erase(session.id);
    expect(await withServer(scan)).toEqual(['hf:store']);
    await own.close();
  });

  test('entries that a crash left behind name nobody, and go', async () => {
    const session = await newSession(store, { alarmAt: 7 });
    const ghost = unique('ses');
    await withServer(async (redis) => {
      for (const id of [ghost, session.id])
        for (let bucket = 0; bucket < 8; bucket++) await redis.zadd(`hf:due:${bucket}`, 5, `${id} 5 mark`);
    });
    expect(await store.due(8, 10)).toEqual([session.id]);
    expect(await store.due(1_000_000, 10)).toEqual([session.id]);
    await store.erase(session.id);
    const left = await withServer(async (redis) =>
      (await scan(redis)).filter((key) => key.includes(':due:')),
    );
    expect(left).toEqual([]);
  });

  test('more stale alarms than a page do not hide one that is due', async () => {
    const session = await newSession(store, { alarmAt: 9_000 });
    await withServer(async (redis) => {
      for (let bucket = 0; bucket < 8; bucket++)
        for (let i = 0; i < 200; i++) await redis.zadd(`hf:due:${bucket}`, i, `${unique('ses')} ${i} mark`);
    });
    expect(await store.due(9_000, 1)).toEqual([session.id]);
    await store.erase(session.id);
  });

  test('a list is in the order of last use though its index lags', async () => {
    const subject = unique('sub');
    const sessions = [];
    for (let i = 0; i < 60; i++) sessions.push(await newSession(store, { subject, now: T0 + i * 1000 }));
    const used = new Map(sessions.map((session, i) => [session.id, T0 + i * 1000]));
    // Some within the lag, some far beyond it.
    for (const [i, later] of [3, 41, 9, 17, 59, 30, 5, 22].entries()) {
      const session = sessions[later]!;
      const now = used.get(session.id)! + (i % 2 === 0 ? 4_500 : 33_500);
      await session.append({ now });
      used.set(session.id, now);
    }
    const expected = [...used].sort(([, a], [, b]) => b - a).map(([id]) => id);
    for (const limit of [1, 7, 50]) {
      const seen: string[] = [];
      for (let cursor: undefined | string; ; ) {
        const page = await store.list({ subject, limit, cursor });
        seen.push(...page.sessions.map((s) => s.sessionId));
        cursor = page.nextCursor;
        if (cursor === undefined) break;
      }
      const shared = (ids: string[]) => ids.map((id) => used.get(id));
      expect(shared(seen)).toEqual(shared(expected));
      expect(new Set(seen).size).toBe(60);
    }
    await store.list({ subject, limit: 5, cursor: 'what is this' });
  });

  test('a session that another subject has is not listed for who tried to make it', async () => {
    const session = await newSession(store);
    const subject = unique('sub');
    expect(await store.create(createRequest({ sessionId: session.id, subject }))).toEqual({ kind: 'exists' });
    await withClient({ url: server.url, mode: 'single' }, async (redis) => {
      const { Keys } = await import('./keys.ts');
      expect(await redis.zcard(new Keys().subject(subject))).toBe(0);
    });
  });
});

describe('time to live', () => {
  test('only what has ended gets one, well beyond its archive', async () => {
    const session = await newSession(store, { attach: connection(), alarmAt: T0 });
    await session.append({ events: session.next('user'), annotations: [{ seq: 1, json: '{}' }] });
    const lives = () =>
      withServer(async (redis) => {
        const keys = (await scan(redis)).filter((key) => key.includes(session.id));
        return Promise.all(keys.map((key) => redis.pttl(key)));
      });
    expect(await lives()).toEqual([-1, -1, -1, -1]);
    await store.expire({
      ...{ sessionId: session.id, successorId: 'next', archiveUntil: T0 + 1000, force: true, now: T0 },
    });
    expect(Math.min(...(await lives()))).toBeGreaterThan(80 * 24 * 3_600_000);
    await store.erase(session.id);
  });
});

describe('the function library', () => {
  test('is loaded again where it is gone, and the call goes on', async () => {
    const session = await newSession(store);
    await withServer((redis) => redis.call('FUNCTION', 'FLUSH'));
    const results = await Promise.all([
      session.append(),
      session.info(),
      store.history(historyOf(session.id)),
    ]);
    expect(results[0]).toEqual({ kind: 'applied' });
  });

  test('leaves the libraries of other versions alone', async () => {
    const other =
      '#!lua name=holdfast_other\nredis.register_function("hfother_ping", function() return 1 end)';
    await withServer((redis) => redis.call('FUNCTION', 'LOAD', other));
    await (await openTestStore({ url: server.url, mode: 'single' })).close();
    expect(await withServer((redis) => redis.call('FCALL', 'hfother_ping', '0'))).toBe(1);
  });
});

describe('a store that lost its data', () => {
  test('has another id by the time that a session is missing', async () => {
    const session = await newSession(store);
    const before = store.storeId;
    await withServer((redis) => redis.flushall());
    expect(await session.open()).toEqual({ kind: 'missing' });
    expect(store.storeId).not.toBe(before);
    await store.ping();
    const other = await openTestStore({ url: server.url, mode: 'single' });
    expect(other.storeId).toBe(store.storeId);
    await other.close();
  });
});

describe('records of other nodes', () => {
  test('are heard again after the subscription was cut, and whoever hears them is told', async () => {
    const [here, there] = await Promise.all(
      [1, 2].map(() => openTestStore({ url: server.url, mode: 'single' })),
    );
    const heard = vi.fn();
    const resynced = vi.fn();
    await there!.subscribe('node-there', heard, resynced);
    const session = await newSession(here!, { attach: connection('node-there') });
    await session.append();
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(1), 10_000);
    expect(resynced).not.toHaveBeenCalled();
    await withServer((redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
    await vi.waitFor(() => expect(resynced).toHaveBeenCalledTimes(1), 10_000);
    await session.append();
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(2), 10_000);
    expect(heard.mock.lastCall).toMatchObject([{ kind: 'events', fromSeq: 2 }]);
    await Promise.all([here!.close(), there!.close()]);
  });
});

function historyOf(sessionId: string) {
  return { sessionId, beforeSeq: undefined, limit: 5, maxBytes: 1000, roles: undefined };
}
