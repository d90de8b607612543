import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as Client } from 'ioredis';
import { freePort } from './ports.ts';
import { type Redis, startRedis } from './redis.ts';

/** A master, its replica and one Sentinel that watches over them and fails over within about two seconds. */
export interface RedisSentinel extends AsyncDisposable {
  /** The Sentinel's address. */
  readonly url: string;
  readonly master: Redis;
  readonly replica: Redis;
}

/** Starts all three; resolves when the Sentinel knows the replica and the replica is in step. */
export async function startRedisSentinel(): Promise<RedisSentinel> {
  await using starting = new AsyncDisposableStack();
  const master = starting.use(await startRedis());
  const replica = starting.use(await startRedis({ args: ['--replicaof', '127.0.0.1', `${master.port}`] }));
  const port = await freePort();
  starting.use(await startSentinel(port, master.port));
  const sentinel = starting.adopt(new Client(port), (client) => client.disconnect());
  sentinel.on('error', () => {}); // it is not up yet
  while (((await sentinel.call('SENTINEL', 'REPLICAS', 'mymaster')) as unknown[]).length === 0)
    await sleep(50);
  const inStep = starting.adopt(new Client(replica.url), (client) => client.disconnect());
  while (!(await inStep.info('replication')).includes('master_link_status:up')) await sleep(50);
  const stack = starting.move();
  return {
    url: `redis://127.0.0.1:${port}`,
    master,
    replica,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

// The shell kills the Sentinel when its own input ends, be it because this process was killed.
const tether = 'redis-server "$0" --sentinel >/dev/null & pid=$!; cat >/dev/null; kill -9 "$pid"';

async function startSentinel(port: number, masterPort: number): Promise<AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-sentinel-'));
  const config = join(folder, 'sentinel.conf');
  await writeFile(
    config,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor mymaster 127.0.0.1 ${masterPort} 1`,
      'sentinel down-after-milliseconds mymaster 500',
      'sentinel failover-timeout mymaster 3000',
      '',
    ].join('\n'),
  );
  const shell = spawn('sh', ['-c', tether, config], { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(shell, 'spawn');
  return {
    [Symbol.asyncDispose]: async () => {
      const ended = once(shell, 'exit');
      shell.stdin.end();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
