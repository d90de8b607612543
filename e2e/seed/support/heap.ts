import { once } from 'node:events';
import { WebSocket } from 'ws';
import { freePort } from '../../../test-helpers/ports.ts';

/** What a server holds when everything that it can let go of has been let go of. */
export interface Held {
  /** Objects and buffers, bytes. */
  readonly heap: number;
  /** The process, bytes. */
  readonly rss: number;
}

/** A look into a server's memory from outside, over Node's inspector. The server itself knows nothing of it. */
export class HeapProbe implements AsyncDisposable {
  readonly #socket: WebSocket;
  #ids = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** The port, and the variable with which the server has to be started. */
  static async prepare(): Promise<{
    readonly port: number;
    readonly env: { readonly NODE_OPTIONS: string };
  }> {
    const port = await freePort();
    return { port, env: { NODE_OPTIONS: `--inspect=127.0.0.1:${port} --inspect-publish-uid=http` } };
  }

  static async open(port: number): Promise<HeapProbe> {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      webSocketDebuggerUrl: string;
    }[];
    const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '', { perMessageDeflate: false });
    await once(socket, 'open');
    return new HeapProbe(socket);
  }

  /** Collects all garbage, twice: what the first round finalised goes with the second. */
  async held(): Promise<Held> {
    for (let i = 0; i < 2; i++) await this.#ask('HeapProfiler.collectGarbage', {});
    const answer = await this.#ask('Runtime.evaluate', {
      expression: 'JSON.stringify(process.memoryUsage())',
      returnByValue: true,
    });
    const { result } = answer as { result: { value: string } };
    const { heapUsed, external, rss } = JSON.parse(result.value) as NodeJS.MemoryUsage;
    return { heap: heapUsed + external, rss };
  }

  #ask(method: string, params: object): Promise<unknown> {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      const onMessage = (data: unknown) => {
        const reply = JSON.parse(String(data)) as {
          id?: number;
          result?: unknown;
          error?: { message: string };
        };
        if (reply.id !== id) return;
        this.#socket.off('message', onMessage);
        if (reply.error === undefined) resolve(reply.result);
        else reject(new Error(`${method}: ${reply.error.message}`));
      };
      this.#socket.on('message', onMessage);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.terminate();
    await closed;
  }
}
