import { WebSocket } from 'ws';

/** What came over a link, as far as the measurements look at it. */
export interface Handlers {
  /** The record of message `n` of the session. */
  onRecord?: undefined | ((n: number) => void);
  /** A message of this link's own was acknowledged. */
  onAck?: undefined | (() => void);
  onChunk?: undefined | (() => void);
}

/** From where a client comes back. Only the wire that made it can read it. */
export type Place = object;

/**
 * A client's connection, the same for every subject: the raw `ws` client, no parsing on the hot path. Messages carry
 * their number as `#000123#`, so that a byte search tells which one a record is.
 */
export abstract class Link {
  readonly socket: WebSocket;
  readonly handlers: Handlers;
  /** Attached to its session: what follows is live. */
  readonly ready: Promise<void>;
  protected isReady!: () => void;
  #fail!: (error: Error) => void;
  #cut = false;

  constructor(url: string, handlers: Handlers) {
    this.handlers = handlers;
    this.ready = new Promise((resolve, reject) => {
      this.isReady = resolve;
      this.#fail = reject;
    });
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket.on('error', (error) => this.#fail(error));
    this.socket.on('close', (code) => {
      if (this.#cut) return;
      this.#fail(new Error(`closed ${code}`));
      // In the middle of a measurement there is nobody to tell but the process.
      process.nextTick(() => {
        if (!this.#cut) throw new Error(`a connection was closed with ${code}`);
      });
    });
    this.socket.on('open', () => this.onOpen());
    this.socket.on('message', (data) => this.onFrame(data as Buffer));
  }

  protected abstract onOpen(): void;
  protected abstract onFrame(data: Buffer): void;
  /** Sends message `n`. */
  abstract say(n: number): void;
  /** Asks for a stream of chunks into this link's session. */
  abstract stream(chunks: number, everyMs: number): void;
  /** Where this link is: for coming back later. */
  abstract place(): Place;

  /** Cuts the line without a goodbye. */
  cut(): void {
    this.#cut = true;
    this.socket.terminate();
  }
}

/** How one subject is spoken to. */
export interface Wire {
  /** A new session with one connection. */
  create(handlers: Handlers): Link;
  /** Another connection to the session of `link`. */
  join(link: Link, handlers: Handlers): Link;
  /** Comes back to where `place` was. */
  resume(place: Place, handlers: Handlers): Link;
}

const HASH = 35;
const PADDING = 'holdfast '.repeat(14);

/** What message `n` says: 136 characters. */
export function contentOf(n: number): string {
  return `#${String(n).padStart(7, '0')}# ${PADDING}`;
}

/** Which message a record is of. */
export function numberIn(data: Buffer): number {
  let at = data.indexOf(HASH) + 1;
  let n = 0;
  for (let digit = data[at]; digit !== undefined && digit !== HASH; digit = data[++at])
    n = 10 * n + digit - 48;
  return n;
}

let ids = 0;
const RUN = Date.now().toString(36);

/** An id that no other message has. */
export function newId(): string {
  return `bench-${process.pid}-${RUN}-${++ids}`;
}
