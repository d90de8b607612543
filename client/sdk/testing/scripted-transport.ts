import type { Transport, TransportHandlers, TransportSocket } from '../ports.ts';

/** A frame as a test reads it. */
export interface SentFrame {
  readonly type: string;
  readonly id?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into frames of every type
  readonly data: any;
}

/** One socket as the other side sees it. Nothing happens on it but what the script does. */
export class ScriptedSocket implements TransportSocket {
  readonly url: string;
  /** What the client sent, oldest first. */
  readonly sent: SentFrame[] = [];
  /** How the client closed it, if it did. */
  closed: undefined | { readonly code: number; readonly reason: string };
  /** Called for each frame that the client sends. */
  onSent: (frame: SentFrame) => void = () => {};
  readonly #handlers: TransportHandlers;

  constructor(url: string, handlers: TransportHandlers) {
    this.url = url;
    this.#handlers = handlers;
  }

  send(text: string): void {
    const frame: SentFrame = JSON.parse(text);
    this.sent.push(frame);
    this.onSent(frame);
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }

  /** The socket opens. */
  open(): void {
    this.#handlers.onOpen();
  }

  /** The server says this frame. */
  say(frame: object): void {
    this.#handlers.onText(JSON.stringify(frame));
  }

  sayText(text: string): void {
    this.#handlers.onText(text);
  }

  /** The server closes, or the line breaks (1006). */
  cut(code = 1006, reason = ''): void {
    this.#handlers.onClose(code, reason);
  }

  /** The newest frame of this type that the client sent. */
  last(type: string): SentFrame {
    const frame = this.sent.findLast((f) => f.type === type);
    if (frame === undefined) throw new Error(`the client sent no ${type}`);
    return frame;
  }

  count(type: string): number {
    return this.sent.filter((frame) => frame.type === type).length;
  }
}

/** Keeps every socket that was asked for. */
export class ScriptedTransport implements Transport {
  readonly sockets: ScriptedSocket[] = [];
  onOpen: (socket: ScriptedSocket) => void = () => {};

  open(url: string, handlers: TransportHandlers): TransportSocket {
    const socket = new ScriptedSocket(url, handlers);
    this.sockets.push(socket);
    this.onOpen(socket);
    return socket;
  }

  /** The socket asked for last. */
  get socket(): ScriptedSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('no socket was asked for');
    return socket;
  }
}
