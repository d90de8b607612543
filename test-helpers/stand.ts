import { setTimeout as sleep } from 'node:timers/promises';
import { LineProxy } from './proxy.ts';
import {
  advanceClock,
  ServerProcess,
  type ServerProcessOptions,
  untilConnections,
} from './server-process.ts';

/** Settings for tests in a browser: nobody is limited, and clients come back at once. */
const QUICK: Readonly<Record<string, string>> = {
  MESSAGE_RATE_PER_S: '0',
  CONNECTION_RATE_PER_S: '0',
  FAILED_AUTH_PER_MIN: '0',
  HTTP_RATE_PER_MIN: '0',
  RECONNECT_MIN_MS: '50',
  RECONNECT_MAX_MS: '250',
};

/** A real server, and the line in front of it through which pages come. Both can be broken. */
export class Stand implements AsyncDisposable {
  readonly server: ServerProcess;
  /** The line of the pages that were given no other one. */
  readonly line: LineProxy;
  readonly #lines: LineProxy[];
  readonly #ownsServer: boolean;

  private constructor(server: ServerProcess, line: LineProxy, ownsServer: boolean) {
    this.server = server;
    this.line = line;
    this.#lines = [line];
    this.#ownsServer = ownsServer;
  }

  /** Starts a server, or stands in front of one that is there already (which is then left alone at the end). */
  static async open(
    options: ServerProcessOptions & { readonly server?: ServerProcess } = {},
  ): Promise<Stand> {
    const { server, ...own } = options;
    const started = server ?? (await startServer(own));
    return new Stand(started, await LineProxy.start(started.url), server === undefined);
  }

  /** Where pages are opened: through the line. */
  get url(): string {
    return this.line.url;
  }

  /** One more line to the same server, for a device that is not to be cut with the others. */
  async anotherLine(): Promise<LineProxy> {
    const line = await LineProxy.start(this.server.url);
    this.#lines.push(line);
    return line;
  }

  /** Breaks every open connection, once. */
  cut(): void {
    this.line.cut();
  }

  /** Nothing gets through any more, though everything stays open, as on a dead Wi-Fi. */
  stall(): void {
    this.line.stall();
  }

  /** Everything arrives so much later. */
  delay(ms: number): void {
    this.line.delay(ms);
  }

  /** No line at all, until `heal`. */
  offline(): void {
    this.line.refuse();
    this.line.cut();
  }

  heal(): void {
    this.line.heal();
  }

  /** Kills the server as a power cut would. `restart` brings it back on the same port and data. */
  async kill(): Promise<void> {
    await this.server.kill9();
  }

  async restart(): Promise<void> {
    await this.server.restart();
  }

  /** Everybody is away for so long by the server's clock: across a tier, without waiting for it. `heal` ends it. */
  async away(ms: number): Promise<void> {
    for (const line of this.#lines) {
      line.refuse();
      line.cut();
    }
    await untilConnections(this.server.url, 0);
    await advanceClock(this.server.url, ms);
  }

  /** Resolves once the server has stored so many messages of a session, whoever is there to see it. */
  async untilStored(count: number, sessionId: string, apiKey = 'development'): Promise<void> {
    await until(async () => {
      const response = await fetch(
        `${this.server.url}/api/chat/threads/${encodeURIComponent(sessionId)}?limit=1`,
        {
          headers: { authorization: `Bearer ${apiKey}` },
        },
      );
      return ((await response.json()) as { message_count: number }).message_count >= count;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#lines.map((line) => line.close()));
    if (this.#ownsServer) await this.server[Symbol.asyncDispose]();
  }
}

/** A server with the settings of these tests; those of `options` come on top. */
export function startServer(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  return ServerProcess.start({ ...options, env: { ...QUICK, ...options.env } });
}

const PATIENCE_MS = 15_000;

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not so within ${PATIENCE_MS} ms`);
    await sleep(20);
  }
}
