import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, createApp } from '../../../server/app.ts';
import { SystemClock } from '../../../server/clock.ts';
import { readSettings } from '../../../server/config.ts';
import { createLog } from '../../../server/log.ts';
import { SystemRandom } from '../../../server/random.ts';
import type { Agent } from '../../../server/run/agent-port.ts';
import { withDevelopmentKeys } from '../../../test-helpers/development-keys.ts';
import type { Env } from './site.ts';

/** A clock that only moves when it is told to; timers run in real time, as they do when a clock is moved by hand. */
class StoppedClock extends SystemClock {
  #now = Date.now();

  override now(): number {
    return this.#now;
  }

  override advance(ms: number): void {
    this.#now += ms;
  }
}

/** A server in this process whose clock stands still: limits can be met to the millisecond. Its sockets are real. */
export class StoppedServer implements AsyncDisposable {
  readonly url: string;
  readonly #app: App;
  readonly #dataDir: string;

  private constructor(url: string, app: App, dataDir: string) {
    this.url = url;
    this.#app = app;
    this.#dataDir = dataDir;
  }

  /** @param agent answers runs; without it nobody does, unless `env` names one. */
  static async start(env: Env, agent?: Agent): Promise<StoppedServer> {
    const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-'));
    const read = readSettings({
      NODE_ENV: 'test',
      PORT: '0',
      DATA_DIR: dataDir,
      AGENT: 'none',
      LOG_LEVEL: 'error',
      ...withDevelopmentKeys(env),
    });
    if (!read.ok) throw new Error(read.faults.join('\n'));
    const clock = new StoppedClock();
    const parts = {
      clock,
      random: new SystemRandom(clock),
      log: createLog(read.settings),
      ...(agent && { agent }),
    };
    const app = await createApp(read.settings, parts);
    return new StoppedServer(await app.listen(), app, dataDir);
  }

  async advance(ms: number): Promise<void> {
    await this.#app.advanceClock(ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close();
    await rm(this.#dataDir, { recursive: true });
  }
}
