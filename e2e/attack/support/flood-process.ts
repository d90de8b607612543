import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Flood, FloodReport } from './flooder.ts';

const FLOODER = fileURLToPath(new URL('flooder.ts', import.meta.url));

/** A flood in a process of its own, which ends with the test. */
export class FloodProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves once all of its connections are in. */
  static async start(
    url: string,
    what: Flood,
    connections: number,
    key = 'development',
  ): Promise<FloodProcess> {
    const child = fork(FLOODER, [url, what, String(connections), key]);
    await once(child, 'message');
    return new FloodProcess(child);
  }

  async report(): Promise<FloodReport> {
    this.#child.send('report');
    const [report] = await once(this.#child, 'message');
    return report as FloodReport;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
