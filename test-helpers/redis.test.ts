import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { startRedis } from './redis.ts';

async function call(url: string, ...command: [string, ...string[]]): Promise<unknown> {
  const client = new Redis(url);
  try {
    return await client.call(...command);
  } finally {
    client.disconnect();
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('keeps what it acknowledged through kill -9 when it syncs always', async () => {
  await using redis = await startRedis({ appendfsync: 'always' });
  await call(redis.url, 'SET', 'key', 'value');
  const before = redis.pid;
  await redis.kill9();
  expect(isAlive(before)).toBe(false);
  await redis.restart();
  expect(redis.pid).not.toBe(before);
  expect(await call(redis.url, 'GET', 'key')).toBe('value');
});

it('forgets everything at a restart without a file', async () => {
  await using redis = await startRedis();
  await call(redis.url, 'SET', 'key', 'value');
  await redis.restart();
  expect(await call(redis.url, 'GET', 'key')).toBeNull();
});

it('is gone after stop, also when it was suspended', async () => {
  const redis = await startRedis();
  process.kill(redis.pid, 'SIGSTOP');
  await redis.stop();
  expect(isAlive(redis.pid)).toBe(false);
});

it('says why it did not start', async () => {
  await expect(startRedis({ args: ['--no-such-setting', 'x'] })).rejects.toThrow(
    'redis-server did not start',
  );
});

it('ends with a parent that was killed', async () => {
  const script = `const { startRedis } = await import('${import.meta.dirname}/redis.ts');
    console.log((await startRedis()).port); setInterval(() => {}, 1000);`;
  const parent = spawn('node', ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(parent.stdout, 'data');
  const port = Number(line);
  expect(await accepts(port)).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(() => accepts(port), { timeout: 5000 }).toBe(false);
});
