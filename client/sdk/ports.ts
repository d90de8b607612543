/**
 * The ports of the SDK: everything that it needs from the world around it. Each has a default driver that works in
 * browsers and in Node 24, and a scripted one in `testing/`.
 */

/** Time. The default is the system's clock (`clock.ts`). */
export interface ClientClock {
  /** Wall-clock milliseconds since the epoch. */
  now(): number;
  /** Runs `fn` once after `ms`; the returned function calls it off. */
  after(ms: number, fn: () => void): () => void;
}

/** Chance. The default is the system's generator (`random.ts`). */
export interface ClientRandom {
  /** A number in [0, 1). */
  next(): number;
  /** `count` random bytes, good enough to make ids of. */
  bytes(count: number): Uint8Array;
}

/** What a transport tells about one socket. After `onClose` nothing more is told; it is told exactly once. */
export interface TransportHandlers {
  onOpen(): void;
  /** One text frame. */
  onText(text: string): void;
  /** `code` is the close frame's, 1006 where there was none. */
  onClose(code: number, reason: string): void;
}

/** One socket, from the moment in which it is asked for. */
export interface TransportSocket {
  /** Hands one text frame over. Does nothing on a socket that is not open (its `onClose` tells). */
  send(text: string): void;
  /** Begins to close. `onClose` follows, possibly much later when the line is dead. */
  close(code: number, reason: string): void;
}

/** Opens sockets. Must not throw: a socket that cannot be opened is reported by `onClose`. */
export interface Transport {
  open(url: string, handlers: TransportHandlers): TransportSocket;
}

/** Says when it is worth trying again at once: the network is back, the page is looked at again. */
export interface WakeSignals {
  /** The returned function ends the subscription. */
  subscribe(wake: () => void): () => void;
}

/** A small synchronous store of texts, such as `localStorage`. A `set` may throw (quota); the SDK then goes on in memory. */
export interface KeyValueStorage {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  remove(key: string): void;
}
