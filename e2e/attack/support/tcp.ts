import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What an upgrade to a WebSocket asks for, besides its first line and its host. */
export const UPGRADE =
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** A bare TCP connection to a server, which keeps what it was sent. */
export class Tcp implements AsyncDisposable {
  readonly socket: Socket;
  received = '';
  #closed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('data', (data: string) => {
      this.received += data;
      this.#wake();
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** Connects from a local address; resolves once it is connected. Rejects when it cannot. */
  static async open(url: string, localAddress = '127.0.0.1'): Promise<Tcp> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), localAddress });
    await once(socket, 'connect');
    return new Tcp(socket);
  }

  /** Connects and sends. `path` and `headers` are those of a GET with an upgrade. */
  static async upgrade(url: string, path: string, localAddress?: string, headers = ''): Promise<Tcp> {
    const tcp = await Tcp.open(url, localAddress);
    tcp.send(`GET ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${UPGRADE}${headers}\r\n`);
    return tcp;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  send(data: string | Buffer): void {
    if (!this.#closed) this.socket.write(data);
  }

  /** Resolves once the server has closed or cut the connection. */
  async closed(): Promise<void> {
    await this.#until(() => this.#closed, 'the close');
  }

  /** Resolves once the text was received. */
  async has(text: string): Promise<void> {
    await this.#until(() => this.received.includes(text), text);
  }

  /** The status of the first answer; 0 when the connection ended without one. */
  async status(): Promise<number> {
    await this.#until(() => this.#closed || this.received.includes('\r\n'), 'a status line');
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.received)?.[1] ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed();
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + 45_000;
    while (!holds()) {
      const left = deadline - performance.now();
      if (left <= 0 || this.#closed) throw new Error(`no ${what}; received: ${this.received.slice(0, 500)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** A frame as a client sends it, its mask 0. */
export function frame(opcode: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload);
  if (body.length > 65_535) throw new Error('too long for this helper');
  const head = body.length < 126 ? Buffer.alloc(6) : Buffer.alloc(8);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | Math.min(body.length, 126);
  if (body.length >= 126) head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

/** The opcodes of frames. */
export const OPCODE = { text: 1, ping: 9, pong: 10 } as const;

/** A text frame with a `connect`. */
export function connectFrame(apiKey: string): Buffer {
  return frame(OPCODE.text, JSON.stringify({ type: 'connect', data: { api_key: apiKey } }));
}

/** Ends all of them. */
export async function endAll(sockets: readonly Tcp[]): Promise<void> {
  await Promise.all(sockets.map((one) => one[Symbol.asyncDispose]()));
}
