import { createServer, type Server as TcpServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../../test-helpers/ports.ts';
import { startRedis } from '../../../test-helpers/redis.ts';
import { startRedisCluster } from '../../../test-helpers/redis-cluster.ts';
import { openTestStore, withClient } from '../../../test-helpers/redis-store-harness.ts';
import {
  everything,
  newSession,
  readLog,
  type TestSession,
  texts,
} from '../../../test-helpers/store-contract/fixtures.ts';
import { StoreUnavailable } from '../store.ts';

const PASSWORD = 'hunter2';

describe('an outage', () => {
  test('a killed Redis is refused as StoreUnavailable, and is back with all that was acknowledged', async () => {
    await using server = await startRedis({ appendfsync: 'always' });
    const store = await openTestStore({ url: server.url, mode: 'single', commandTimeoutMs: 600 });
    const session = await newSession(store);
    await session.append({ events: session.next('user', undefined), cells: { memory: '{}' } });
    const before = await everything(session);
    await server.kill9();
    await expect(session.append()).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.ping()).rejects.toThrow(/did not answer within 600 ms/);
    await server.restart();
    await expect
      .poll(
        () =>
          store.ping().then(
            () => true,
            () => false,
          ),
        { timeout: 10_000 },
      )
      .toBe(true);
    expect(await everything(session)).toEqual(before);
    expect(await session.append()).toEqual({ kind: 'applied' });
    await store.close();
  });

  test('what is asked during a short one is answered after it', async () => {
    await using server = await startRedis({ appendfsync: 'always' });
    const store = await openTestStore({ url: server.url, mode: 'single', commandTimeoutMs: 20_000 });
    const session = await newSession(store);
    await server.kill9();
    const appended = session.append();
    const opened = session.open();
    await server.restart();
    expect(await appended).toEqual({ kind: 'applied' });
    expect((await opened).kind).toBe('open');
    expect(await readLog(store, session.id, 1, 10)).toEqual(texts(session.events));
    await store.close();
  });

  test('a Redis that hangs is refused in time, and its late answers harm nothing', async () => {
    await using server = await startRedis();
    const store = await openTestStore({ url: server.url, mode: 'single', commandTimeoutMs: 500 });
    const session = await newSession(store);
    process.kill(server.pid, 'SIGSTOP');
    const request = session.request();
    await expect(store.append(request)).rejects.toBeInstanceOf(StoreUnavailable);
    process.kill(server.pid, 'SIGCONT');
    await expect
      .poll(
        () =>
          store.ping().then(
            () => true,
            () => false,
          ),
        { timeout: 10_000 },
      )
      .toBe(true);
    expect(await store.append(request)).toEqual({ kind: 'applied' });
    expect(await readLog(store, session.id, 1, 10)).toEqual(texts(request.events));
    await store.close();
  });

  test('a cluster that lost a master goes on when its replica was promoted', async () => {
    await using cluster = await startRedisCluster({ replicas: 1 });
    const store = await openTestStore({ url: cluster.url, mode: 'cluster', commandTimeoutMs: 25_000 });
    const sessions = await Promise.all(Array.from({ length: 12 }, () => newSession(store)));
    await cluster.nodes[0]!.kill9();
    const useIt = async (session: TestSession): Promise<string> => {
      const opened = await session.open();
      return opened.kind === 'open' ? (await session.append()).kind : opened.kind;
    };
    const results = await Promise.all(sessions.map(useIt));
    // Replication is asynchronous: a session of that master may be missing, but nothing hangs and nothing else is answered.
    expect(results.filter((kind) => kind !== 'applied' && kind !== 'missing')).toEqual([]);
    expect(results).toContain('applied');
    expect((await newSession(store)).seq).toBe(0);
    await store.close();
  }, 60_000);
});

describe('the start', () => {
  const failure = async (url: string, mode: 'single' | 'cluster' | 'sentinel' = 'single') => {
    const error = await openTestStore({ url, mode, commandTimeoutMs: 500 }).then(
      () => undefined,
      (reason: Error) => reason,
    );
    const text = `${error?.message} ${error?.stack} ${JSON.stringify(error?.cause)} ${(error?.cause as Error)?.stack}`;
    expect(text).not.toContain(PASSWORD);
    return error;
  };

  test('says why nobody answers', async () => {
    const port = await freePort();
    const error = await failure(`redis://:${PASSWORD}@127.0.0.1:${port}`);
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect(error?.message).toMatch(/cannot open the store on Redis: .* within 500 ms: .*ECONNREFUSED/);
    expect((await failure(`redis://127.0.0.1:${port}`, 'cluster'))?.message).toMatch(/cannot open the store/);
    expect((await failure(`redis://127.0.0.1:${port}`, 'sentinel'))?.message).toMatch(
      /cannot open the store/,
    );
  });

  test('says that the password is wrong, and does not repeat it', async () => {
    await using server = await startRedis();
    await withClient({ url: server.url, mode: 'single' }, (redis) =>
      redis.config('SET', 'requirepass', 'another'),
    );
    const url = server.url.replace('redis://', `redis://:${PASSWORD}@`);
    expect((await failure(url))?.message).toMatch(/WRONGPASS/);
  });

  test('says that the address is none, and does not repeat it', async () => {
    for (const url of [`http://:${PASSWORD}@here`, `${PASSWORD}`, `redis://:${PASSWORD}@`])
      expect((await failure(url))?.message).toMatch(/must begin with redis:/);
  });

  test('says which mode Redis is in when it is another', async () => {
    await using cluster = await startRedisCluster();
    expect((await failure(cluster.nodes[0]!.url))?.message).toMatch(/REDIS_MODE=cluster/);
    await using single = await startRedis();
    expect((await failure(single.url, 'cluster'))?.message).toMatch(/cluster support disabled/);
  });

  test('says that Redis is too old', async () => {
    // No old Redis can be installed here: this answers what one would.
    const old = await answering((command) =>
      command.includes('INFO')
        ? bulk('redis_version:6.2.14\r\nredis_mode:standalone\r\nloading:0\r\n')
        : '+PONG\r\n',
    );
    const { port } = old.address() as { port: number };
    expect((await failure(`redis://127.0.0.1:${port}`))?.message).toBe(
      'Redis 7.0 or newer is needed, this is 6.2.14',
    );
    old.close();
  });
});

const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

async function answering(answer: (command: string) => string): Promise<TcpServer> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      // Commands come as `*N`; each of the client's is answered in turn.
      for (const command of data
        .toString()
        .toUpperCase()
        .split(/(?=^\*\d+\r\n)/m))
        socket.write(answer(command));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
