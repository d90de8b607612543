import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { freePort } from '../../test-helpers/ports.ts';
import { startRedis } from '../../test-helpers/redis.ts';
import { ServerProcess } from '../../test-helpers/server-process.ts';
import { SmallDisk } from '../../test-helpers/small-disk.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { type Env, describeStores } from './support/site.ts';
import { type Ended, StartAttempt } from './support/start-attempt.ts';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'holdfast-start-'));
  folders.push(made);
  return made;
}

async function attempt(env: Env): Promise<Ended> {
  await using start = new StartAttempt(env);
  return await start.ended();
}

/** One line that a person can read, and status 1. */
function expectOneLine(ended: Ended, words: RegExp): void {
  expect(ended.lines).toEqual([expect.stringMatching(words)]);
  expect(ended.code).toBe(1);
}

describeStores('a server that cannot start', { AGENT: 'demo' }, (site) => {
  test('FLO-9 its port is taken', async () => {
    const port = new URL(site.url).port;
    const store: Env = site.kind === 'redis' ? { REDIS_URL: site.redis.url } : { DATA_DIR: await folder() };
    expectOneLine(await attempt({ ...store, PORT: port }), /HOST and PORT/);
  });

  test('FLO-9 its address is not of this machine', async () => {
    const store: Env = site.kind === 'redis' ? { REDIS_URL: site.redis.url } : { DATA_DIR: await folder() };
    expectOneLine(await attempt({ ...store, HOST: '192.0.2.1' }), /HOST and PORT/);
  });
});

test('FLO-9 its data directory cannot be one', async () => {
  const file = join(await folder(), 'a-file');
  await writeFile(file, '');
  expectOneLine(await attempt({ DATA_DIR: file }), /DATA_DIR/);
});

test('FLO-9 STO-140 its data directory is another server’s', async () => {
  await using server = await ServerProcess.start();
  expectOneLine(await attempt({ DATA_DIR: server.dataDir }), /DATA_DIR/);
});

test('FLO-9 the system denies its data directory, and the parent is there', async () => {
  expectOneLine(await attempt({ DATA_DIR: '/proc/x' }), /DATA_DIR \/proc\/x cannot be used/);
  expectOneLine(await attempt({ DATA_DIR: '/proc/x/y' }), /DATA_DIR \/proc\/x\/y cannot be used/);
});

test('FLO-9 its data directory is on a file system that takes no writes', async () => {
  using disk = SmallDisk.mount(1_048_576, { readOnly: true });
  expectOneLine(await attempt({ DATA_DIR: disk.path }), /DATA_DIR .* cannot be used/);
  expectOneLine(await attempt({ DATA_DIR: join(disk.path, 'deeper') }), /DATA_DIR .* cannot be used/);
});

test('FLO-9 there is no room for a new database', async () => {
  using disk = SmallDisk.mount(16_384);
  disk.fill();
  expectOneLine(await attempt({ DATA_DIR: disk.path }), /DATA_DIR .* cannot be used/);
});

test('STO-150 its files are for their owner alone, in whatever folder', async () => {
  const dataDir = await folder();
  await chmod(dataDir, 0o755);
  // As an earlier version left it.
  await writeFile(join(dataDir, 'holdfast.db'), '', { mode: 0o644 });
  await using server = await ServerProcess.start({ dataDir });
  await using client = await WireClient.connect(server.url);
  await client.say('something');
  const names = (await readdir(dataDir)).sort();
  expect(names).toEqual([
    'holdfast.db',
    'holdfast.db-shm',
    'holdfast.db-wal',
    'holdfast.lock',
    'holdfast.reserve',
  ]);
  for (const name of names)
    expect([name, (await stat(join(dataDir, name))).mode & 0o777]).toEqual([name, 0o600]);
  await server.kill9();
  const made = join(dataDir, 'a', 'b');
  await using other = await ServerProcess.start({ dataDir: made });
  for (const path of [dirname(made), made]) expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect((await stat(join(made, 'holdfast.db'))).mode & 0o777).toBe(0o600);
  await other.kill9();
});

test('FLO-9 its data is none', async () => {
  const dataDir = await folder();
  await writeFile(
    join(dataDir, 'holdfast.db'),
    'this is no database, by far not, and longer than a header of one'.repeat(40),
  );
  expectOneLine(await attempt({ DATA_DIR: dataDir }), /DATA_DIR/);
});

test('FLO-9 there is no Redis', async () => {
  const ended = await attempt({
    REDIS_URL: `redis://:hunter2@127.0.0.1:${await freePort()}`,
    REDIS_TIMEOUT_MS: '300',
  });
  expectOneLine(ended, /Redis/);
  expect(`${ended.lines}${ended.log}`).not.toContain('hunter2');
});

test('FLO-10 SIGTERM while it waits for its store ends it at once', async () => {
  // It takes every connection, and never says anything.
  await using silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  await using start = new StartAttempt({
    REDIS_URL: `redis://127.0.0.1:${port}`,
    REDIS_TIMEOUT_MS: '60000',
  });
  await once(silent, 'connection');
  start.terminate();
  const ended = await start.ended();
  expect([ended.code, ended.signal]).toEqual([0, null]);
});

test('FLO-10 SIGTERM while the store is away: people are told, and the process ends with 0 in time', async () => {
  await using redis = await startRedis();
  await using server = await ServerProcess.start({ env: { REDIS_URL: redis.url, DRAIN_MS: '3000' } });
  await using client = await WireClient.connect(server.url);
  client.send('chat_message', { content: 'count to 500' });
  await client.next('message_delta');
  process.kill(redis.pid, 'SIGSTOP');
  const stopped = server.stop();
  expect(await client.closed()).toMatchObject({ code: 1012 });
  expect(client.frames.slice(-2).map((frame) => frame.type)).toEqual(['server_closing', 'disconnect']);
  expect(await stopped).toBe(0);
  process.kill(redis.pid, 'SIGCONT');
});
