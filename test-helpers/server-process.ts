import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { withDevelopmentKeys } from './development-keys.ts';
import { freePort } from './ports.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const START_TIMEOUT_MS = 20_000;
const LOG_LINES = 20_000;
/** Behind a trusted proxy loopback alone does not open the metrics. */
const METRICS_TOKEN = 'the-metrics-token-of-tests';

export interface ServerProcessOptions {
  /** Settings over those of the tests: any free port, no pretty words in the log. */
  readonly env?: Readonly<Record<string, string>>;
  /** Keeps its data here; a folder of its own, removed at the end, when left out. */
  readonly dataDir?: string;
  /** How many file descriptors it may have. */
  readonly descriptors?: number;
  /** Shows the server's log. */
  readonly verbose?: boolean;
  /** Arguments of Node itself, before the server's file. With any, `ask` reaches what they load. */
  readonly nodeArgs?: readonly string[];
}

/** A real server in a process of its own, which can be killed. */
export class ServerProcess implements AsyncDisposable {
  readonly #options: ServerProcessOptions;
  readonly #dataDir: string;
  readonly #ownsData: boolean;
  #child: undefined | ChildProcess;
  #url = '';
  /** The newest lines of its log. */
  readonly log: string[] = [];
  /** What it logged as an error or worse, and what it said that was no log line at all. */
  readonly errors: string[] = [];

  private constructor(options: ServerProcessOptions, dataDir: string, ownsData: boolean) {
    this.#options = options;
    this.#dataDir = dataDir;
    this.#ownsData = ownsData;
  }

  /** Starts it; resolves once it listens. Rejects with what it said when it ends before that. */
  static async start(options: ServerProcessOptions = {}): Promise<ServerProcess> {
    const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'holdfast-')));
    const server = new ServerProcess(options, dataDir, options.dataDir === undefined);
    for (let attempt = 1; ; attempt++) {
      try {
        // Not one of the system's own choice: it has to be free again when a killed server wants it back.
        await server.#spawn(String(await freePort()));
        return server;
      } catch (error) {
        if (attempt === 3 || !String(error).includes('EADDRINUSE')) {
          await server[Symbol.asyncDispose]();
          throw error;
        }
      }
    }
  }

  /** `http://127.0.0.1:PORT`; the same after a restart. */
  get url(): string {
    return this.#url;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get dataDir(): string {
    return this.#dataDir;
  }

  /** Kills it as a power cut would. Resolves once it is gone. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM; resolves with its exit status. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** Starts it again on the same port and data. */
  async restart(): Promise<void> {
    if (this.#child !== undefined) await this.kill9();
    await this.#spawn(new URL(this.#url).port);
  }

  /**
   * Sends a question to the module that `nodeArgs` loaded beside the server, and resolves with its next message.
   * Rejects when the process ends first. One question at a time.
   */
  async ask(question: string): Promise<unknown> {
    const child = this.#child;
    if (child?.channel == null) throw new Error('nothing was loaded that could answer');
    const answered = new Promise<unknown>((resolve, reject) => {
      const ended = () => reject(new Error('the server ended'));
      child.once('exit', ended);
      child.once('message', (answer) => {
        child.off('exit', ended);
        resolve(answer);
      });
    });
    child.send(question);
    return answered;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill9();
    if (this.#ownsData) await rm(this.#dataDir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null)
      return child?.exitCode ?? null;
    child.kill(signal);
    const [code] = await once(child, 'exit');
    return code as number | null;
  }

  async #spawn(port: string): Promise<void> {
    const { descriptors, nodeArgs = [] } = this.#options;
    const command = [process.execPath, ...nodeArgs, join(ROOT, 'server/main.ts')];
    const limited = ['/bin/sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh', ...command];
    const [file = '', ...args] = descriptors === undefined ? command : limited;
    const child = spawn(file, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe', ...(nodeArgs.length > 0 ? ['ipc' as const] : [])],
      env: {
        PATH: process.env.PATH ?? '',
        NODE_ENV: 'test',
        HOST: '127.0.0.1',
        PORT: port,
        DATA_DIR: this.#dataDir,
        // The default would have each of hundreds of servers write 16 MiB.
        DISK_RESERVE_BYTES: '262144',
        METRICS_TOKEN,
        ...withDevelopmentKeys(this.#options.env),
      },
    });
    this.#child = child;
    const forget = () => child.kill('SIGKILL');
    process.once('exit', forget);
    child.once('exit', () => process.off('exit', forget));
    const listening = new Promise<string>((resolve, reject) => {
      const onLine = (line: string) => {
        this.log.push(line);
        if (this.log.length > LOG_LINES) this.log.shift();
        if (isError(line)) this.errors.push(line);
        if (this.#options.verbose) process.stderr.write(`${line}\n`);
        if (line.includes('"msg":"listening"')) resolve((JSON.parse(line) as { url: string }).url);
      };
      for (const input of [child.stdout, child.stderr])
        if (input !== null) createInterface({ input }).on('line', onLine);
      child.once('exit', (code) =>
        reject(new Error(`the server ended (${code}): ${this.log.slice(-20).join('\n')}`)),
      );
      setTimeout(
        () => reject(new Error(`the server did not listen: ${this.log.join('\n')}`)),
        START_TIMEOUT_MS,
      ).unref();
    });
    const { LOG_LEVEL = 'info' } = this.#options.env ?? {};
    const isQuiet = ['warn', 'error', 'fatal', 'silent'].includes(LOG_LEVEL);
    this.#url = await (isQuiet ? Promise.race([listening, untilAnswered(port)]) : listening);
  }
}

/** Resolves with the URL of a server that does not say that it listens, once it does. */
async function untilAnswered(port: string): Promise<string> {
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    const isThere = await fetch(`${url}/healthz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isThere) return url;
    await sleep(20);
  }
}

/** Moves the wall clock of a server (with debug endpoints) forward. */
export async function advanceClock(url: string, ms: number): Promise<void> {
  const response = await fetch(`${url}/debug/clock`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ advance_ms: ms }),
  });
  if (!response.ok) throw new Error(`the clock was not moved: ${response.status} ${await response.text()}`);
}

/** Resolves once the server counts `count` open connections: after a cut, once it has noticed. */
export async function untilConnections(url: string, count: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const { connections } = (await (await fetch(`${url}/readyz`)).json()) as { connections: number };
    if (connections === count) return;
    if (performance.now() > deadline)
      throw new Error(`the server counts ${connections} connections, not ${count}`);
    await sleep(5);
  }
}

/** One of the server's metrics, by the beginning of its line: `holdfast_appends_total`. */
export async function metric(url: string, name: string): Promise<number> {
  const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  if (line === undefined) throw new Error(`there is no metric ${name}`);
  return Number(line.slice(name.length + 1));
}

/** Resolves once a metric has this value: what a sweep takes up for a moment comes and goes. */
export async function untilMetric(url: string, name: string, value: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (let is = await metric(url, name); is !== value; is = await metric(url, name)) {
    if (performance.now() > deadline) throw new Error(`${name} is ${is}, not ${value}`);
    await sleep(20);
  }
}

function isError(line: string): boolean {
  if (!line.startsWith('{')) return line.trim() !== '';
  return /"level":"(error|fatal)"/.test(line);
}
