import { once } from 'node:events';
import { WebSocket } from 'ws';
import { FrameChecker } from '../../../test-helpers/frame-checker.ts';
import type { Received } from '../../../test-helpers/received.ts';
import type { FuzzFrame } from './oracle.ts';

/** What came next: a frame that is no event, or the end. */
export type Next = { readonly frame: Received } | { readonly closed: number };

const TIMEOUT_MS = 20_000;

/** A client that sends one frame after another, and takes one answer after another. */
export class FuzzClient {
  readonly checker = new FrameChecker();
  readonly #socket: WebSocket;
  readonly #answers: Next[] = [];
  #wake: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      const raw = String(data);
      const frame = { ...(JSON.parse(raw) as Received), raw };
      this.checker.take(frame);
      if (frame.seq === undefined) this.#answers.push({ frame });
      this.#wake();
    });
    socket.on('close', (code) => {
      this.#answers.push({ closed: code });
      this.#wake();
    });
    socket.on('error', () => {});
  }

  static async open(url: string): Promise<FuzzClient> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/client_fuzz`, { perMessageDeflate: false });
    const client = new FuzzClient(socket);
    await once(socket, 'open');
    return client;
  }

  send(frame: FuzzFrame): void {
    if ('text' in frame) this.#socket.send(frame.text);
    else this.#socket.send(frame.binary, { binary: true });
  }

  /** Past WebSocket itself: bytes as they are. */
  sendBytes(bytes: Uint8Array): void {
    (this.#socket as unknown as { _socket: NodeJS.WritableStream })._socket.write(bytes);
  }

  async next(): Promise<Next> {
    const deadline = performance.now() + TIMEOUT_MS;
    for (;;) {
      const answer = this.#answers.shift();
      if (answer !== undefined) return answer;
      const left = deadline - performance.now();
      if (left <= 0) throw new Error('no answer');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Takes everything that comes until the end, and answers its code. */
  async ended(): Promise<number> {
    for (;;) {
      const next = await this.next();
      if ('closed' in next) return next.closed;
    }
  }

  /** Takes everything that comes until the answer to the ping of this id (`open`), or the end (its code). */
  async endingBehind(pingId: string): Promise<number | 'open'> {
    for (;;) {
      const next = await this.next();
      if ('closed' in next) return next.closed;
      if (next.frame.type === 'pong' && next.frame.reply_to === pingId) return 'open';
    }
  }

  cut(): void {
    this.#socket.terminate();
  }
}
