import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** How much of what the server said is kept; the newest. */
const MAX_KEPT = 4 * 1024 * 1024;
const TIMEOUT_MS = 20_000;

/** A TCP connection to a server, for what no client library would send. */
export class RawSocket implements AsyncDisposable {
  readonly tcp: Socket;
  readonly #ended: Promise<void>;
  #isEnded = false;
  #text = '';
  #wake: () => void = () => {};

  private constructor(tcp: Socket) {
    this.tcp = tcp;
    tcp.on('error', () => {});
    tcp.on('data', (data: Buffer) => {
      this.#text = (this.#text + data.toString('latin1')).slice(-MAX_KEPT);
      this.#wake();
    });
    this.#ended = new Promise((resolve) => {
      tcp.once('close', () => {
        this.#isEnded = true;
        this.#wake();
        resolve();
      });
    });
  }

  /** @param url `http://HOST:PORT` */
  static async open(url: string): Promise<RawSocket> {
    const { hostname, port } = new URL(url);
    const tcp = connect(Number(port), hostname);
    const socket = new RawSocket(tcp);
    await once(tcp, 'connect');
    return socket;
  }

  /** Everything that came so far, a character a byte. */
  get text(): string {
    return this.#text;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Resolves once the bytes are handed to the system, or the connection has ended. */
  async write(data: string | Uint8Array): Promise<void> {
    if (this.tcp.write(data) || this.#isEnded) return;
    await Promise.race([new Promise((resolve) => this.tcp.once('drain', resolve)), this.#ended]);
  }

  /** Resolves with everything that came once it matches. Rejects when the connection ends first. */
  async until(pattern: RegExp): Promise<string> {
    const deadline = performance.now() + TIMEOUT_MS;
    while (!pattern.test(this.#text)) {
      if (this.#isEnded) throw new Error(`ended before ${pattern}: ${this.#text.slice(-300)}`);
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`no ${pattern} within ${TIMEOUT_MS} ms: ${this.#text.slice(-300)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#text;
  }

  /** Resolves with everything that came once the server, or this side, has ended the connection. */
  async ended(): Promise<string> {
    await this.#ended;
    return this.#text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tcp.destroy();
    await this.#ended;
  }
}

/** The text of a request to open a WebSocket. */
export function upgradeRequest(url: string, path = '/client_raw', headers = ''): string {
  const { host } = new URL(url);
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `${headers}\r\n`,
  ].join('\r\n');
}

export interface FrameOptions {
  /** `false`: more fragments follow. */
  readonly fin?: boolean;
  /** `false`: as only a server may send it. */
  readonly masked?: boolean;
}

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The bytes of a WebSocket frame, masked with zeros. */
export function webSocketFrame(
  opcode: number,
  payload: string | Uint8Array = '',
  { fin = true, masked = true }: FrameOptions = {},
): Buffer {
  const body = Buffer.from(payload as string);
  const mask = masked ? 0x80 : 0;
  const length =
    body.length < 126
      ? Buffer.from([mask | body.length])
      : body.length < 65_536
        ? Buffer.from([mask | 126, body.length >> 8, body.length & 255])
        : Buffer.from([
            mask | 127,
            0,
            0,
            0,
            0,
            ...[24, 16, 8, 0].map((bits) => (body.length >>> bits) & 255),
          ]);
  const key = masked ? Buffer.alloc(4) : Buffer.alloc(0);
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode]), length, key, body]);
}
