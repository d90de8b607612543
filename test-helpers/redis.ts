import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './ports.ts';

export interface RedisOptions {
  /** With it Redis keeps an append-only file and answers a write after, or up to a second before, it is on disk. */
  appendfsync?: undefined | 'always' | 'everysec';
  /** A free one is taken without it. */
  port?: undefined | number;
  /** Further arguments of redis-server. */
  args?: undefined | readonly string[];
}

/** A redis-server of the test's own. It ends with the test process, however that ends. */
export interface Redis extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Of the redis-server process that runs now, for signals such as SIGSTOP. */
  readonly pid: number;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. Its files stay for `restart`. */
  kill9(): Promise<void>;
  /** Starts it again on the same port and files, after a stop if it still runs; resolves when it answers. */
  restart(): Promise<void>;
}

/** Starts a real redis-server on loopback; resolves when it answers, rejects with its log when it does not. */
export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-redis-'));
  // A port of our own choice may be lost to somebody between the look and the start: then try others.
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    try {
      return handle(port, folder, options, await launch(port, folder, options));
    } catch (error) {
      if (options.port === undefined && attempt < 5) continue;
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

function handle(port: number, folder: string, options: RedisOptions, first: ChildProcess): Redis {
  let server = first;
  const stop = async () => {
    await end(server, 'SIGTERM');
    await rm(folder, { recursive: true, force: true });
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid ?? 0;
    },
    stop,
    kill9: () => end(server, 'SIGKILL'),
    restart: async () => {
      await end(server, 'SIGTERM');
      server = await launch(port, folder, options);
    },
    [Symbol.asyncDispose]: stop,
  };
}

// The shell becomes redis-server, so the child's pid is that of Redis. What it leaves behind reads from a pipe that
// only this process holds: a line says that Redis has ended, and nothing is left to do; the end of the pipe says that
// this process has, be it by SIGKILL, and then Redis and its files ($0) go too.
const tether = '{ read -r _ <&3 || { kill -9 $$; rm -rf "$0"; }; } & exec redis-server "$@" 3<&-';

async function launch(port: number, folder: string, options: RedisOptions): Promise<ChildProcess> {
  const log = join(folder, 'log');
  const durability = options.appendfsync
    ? ['--appendonly', 'yes', '--appendfsync', options.appendfsync]
    : ['--appendonly', 'no'];
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--logfile', log, '--save', ''];
  const server = spawn('sh', ['-c', tether, folder, ...args, ...durability, ...(options.args ?? [])], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const pipe = server.stdio[3] as Socket;
  pipe.on('error', () => {}); // nobody reads any more
  pipe.unref();
  server.once('exit', () => pipe.end('ended\n'));
  await once(server, 'spawn');
  server.unref();
  while (!(await answers(port))) {
    if (hasEnded(server)) throw new Error(`redis-server did not start:\n${await readLog(log)}`);
    await sleep(20);
  }
  // Somebody else's Redis may have answered while ours was giving up that port.
  if (hasEnded(server)) throw new Error(`redis-server did not start:\n${await readLog(log)}`);
  return server;
}

async function readLog(log: string): Promise<string> {
  return readFile(log, 'utf8').catch(() => 'no log: is redis-server installed?');
}

function hasEnded(server: ChildProcess): boolean {
  return server.exitCode !== null || server.signalCode !== null;
}

async function end(server: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (hasEnded(server)) return;
  server.ref();
  const gone = once(server, 'exit');
  server.kill(signal);
  // A stopped process (SIGSTOP) would take SIGTERM only once it goes on.
  server.kill('SIGCONT');
  await gone;
}

/** True when a Redis on that port answers a PING, which it does not while it is loading its file. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const finish = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.once('data', (data) => finish(data.toString().startsWith('+PONG')));
    socket.once('error', () => finish(false));
    socket.setTimeout(1000, () => finish(false));
  });
}
