import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROBE = new URL('probe.ts', import.meta.url).href;
const END_TIMEOUT_MS = 8000;

export interface ChildOptions {
  /** The file to run, from the repository's root. */
  readonly file: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A question to a child, and its answer; both plain data. */
interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/**
 * A process of the benchmark's own: a server or a load generator. It is asked over Node's IPC channel, and ends by
 * itself when this process does (`probe.ts`).
 */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #file: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #ids = 0;
  #output = '';

  constructor({ file, env = {} }: ChildOptions) {
    this.#file = file;
    // All alike, servers and load generators: the collector must be reachable for the memory case.
    const args = ['--expose-gc', '--disable-warning=ExperimentalWarning', '--import', PROBE, file];
    this.#process = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { PATH: process.env.PATH ?? '', ...env },
    });
    this.#process.stdout?.on('data', (data) => this.#say(data));
    this.#process.stderr?.on('data', (data) => this.#say(data));
    this.#process.on('message', (message: Answer) => {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    });
    this.#process.once('exit', (code, signal) => {
      for (const answer of this.#waiting.values())
        answer({ id: 0, error: `${file} ended (${code ?? signal}):\n${this.#output}` });
      this.#waiting.clear();
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** What it has said so far, the newest 8 000 characters. */
  get output(): string {
    return this.#output;
  }

  /** Asks it; rejects with what it said when it fails, ends, or takes longer than `timeoutMs`. */
  ask<T>(question: object, timeoutMs = 120_000): Promise<T> {
    if (this.ended) return Promise.reject(new Error(`${this.#file} has ended:\n${this.#output}`));
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`${this.#file} gave no answer to ${JSON.stringify(question)}\n${this.#output}`));
      }, timeoutMs);
      this.#waiting.set(id, ({ value, error }) => {
        clearTimeout(timer);
        if (error === undefined) resolve(value as T);
        else reject(new Error(error));
      });
      this.#process.send({ ...question, id });
    });
  }

  /** SIGTERM, and SIGKILL when that does not end it in time. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.ended) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), END_TIMEOUT_MS);
    await gone;
    clearTimeout(timer);
  }

  #say(data: Buffer): void {
    this.#output = (this.#output + String(data)).slice(-8000);
  }
}
