import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { withDevelopmentKeys } from '../../../test-helpers/development-keys.ts';
import type { Env } from './site.ts';

const MAIN = fileURLToPath(new URL('../../../server/main.ts', import.meta.url));

/** How a server that could not start ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said on standard error. */
  readonly lines: readonly string[];
  /** What it logged. */
  readonly log: string;
}

/** A server process that is not expected to listen. */
export class StartAttempt implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  readonly #listening: Promise<void>;

  constructor(env: Env) {
    const child = spawn(process.execPath, [MAIN], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH ?? '',
        NODE_ENV: 'test',
        HOST: '127.0.0.1',
        PORT: '0',
        ...withDevelopmentKeys(env),
      },
    });
    this.#child = child;
    let [out, err] = ['', ''];
    this.#listening = new Promise((resolve) => {
      child.stdout?.on('data', (text) => {
        out += text;
        if (out.includes('"msg":"listening"')) resolve();
      });
    });
    child.stderr?.on('data', (text) => (err += text));
    this.#ended = once(child, 'close').then(([code, signal]) => ({
      code,
      signal,
      lines: err.split('\n').filter((line) => line !== ''),
      log: out,
    }));
  }

  /** Asks it to stop. */
  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  /** Resolves when it listens after all; never, when it does not. */
  listening(): Promise<void> {
    return this.#listening;
  }

  /** Resolves when it has ended by itself. */
  ended(): Promise<Ended> {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
