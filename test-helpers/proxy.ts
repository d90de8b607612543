import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** How the line treats what goes over it. */
interface Line {
  /** Nothing gets through, in either direction; it waits. */
  readonly stalled: boolean;
  /** Everything gets through so many ms later. */
  readonly delayMs: number;
  /** At most so many bytes a second, each way; `Infinity`: any number. */
  readonly bytesPerS: number;
  /** New connections are refused. */
  readonly refusing: boolean;
}

const GOOD: Line = { stalled: false, delayMs: 0, bytesPerS: Number.POSITIVE_INFINITY, refusing: false };
/** A throttled direction is served in slices of this length. */
const SLICE_MS = 20;

/**
 * A line that can be broken: a TCP proxy on loopback. `cut` resets what is open, `stall` leaves it open and silent (as a
 * dead Wi-Fi does), `delay` and `throttle` make it slow, `refuse` lets nobody new in, `heal` ends all of that.
 */
export class LineProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: () => number;
  readonly #pairs = new Set<Pair>();
  #line = GOOD;

  private constructor(server: Server, target: () => number) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** Listens on a free port in front of `target`: a port, a URL, or a function that answers the port of the moment. */
  static async start(target: number | string | (() => number)): Promise<LineProxy> {
    const server = createServer({ pauseOnConnect: false }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = typeof target === 'string' ? Number(new URL(target).port) : target;
    return new LineProxy(server, typeof port === 'function' ? port : () => port);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `http://127.0.0.1:PORT`. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** How many connections go through it. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Resets every open connection, in the middle of whatever was under way. */
  cut(): void {
    for (const pair of [...this.#pairs]) pair.reset();
  }

  /** Resets every open connection once so many more bytes have come through it to the client: in the middle of a frame. */
  cutAfter(bytes: number): void {
    for (const pair of this.#pairs) pair.cutAfter(bytes);
  }

  /** From now on nothing gets through, though everything stays open. */
  stall(): void {
    this.#change({ stalled: true });
  }

  /** Everything from now on arrives so many ms later. */
  delay(ms: number): void {
    this.#change({ delayMs: ms });
  }

  /** At most so many bytes a second, each way and for each connection. */
  throttle(bytesPerS: number): void {
    this.#change({ bytesPerS });
  }

  /** Refuses new connections; those that are open stay. */
  refuse(): void {
    this.#change({ refusing: true });
  }

  /** As if nothing had been: what was stalled goes on. */
  heal(): void {
    this.#line = GOOD;
    for (const pair of this.#pairs) pair.pump();
  }

  /** Resets everything and stops listening. */
  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #change(change: Partial<Line>): void {
    this.#line = { ...this.#line, ...change };
    for (const pair of this.#pairs) pair.pump();
  }

  #accept(near: Socket): void {
    if (this.#line.refusing) return void near.resetAndDestroy();
    const far = connect(this.#target(), '127.0.0.1');
    const pair = new Pair(near, far, () => this.#line);
    this.#pairs.add(pair);
    pair.onEnd = () => this.#pairs.delete(pair);
  }
}

/** One connection through the proxy: two sockets, and a queue for each direction. */
class Pair {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #up: Direction;
  readonly #down: Direction;
  onEnd: () => void = () => {};

  constructor(near: Socket, far: Socket, line: () => Line) {
    this.#near = near;
    this.#far = far;
    this.#up = new Direction(near, far, line);
    this.#down = new Direction(far, near, line);
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.reset());
      socket.on('close', () => this.#closed());
    }
  }

  pump(): void {
    this.#up.pump();
    this.#down.pump();
  }

  cutAfter(bytes: number): void {
    this.#down.endAfter(bytes, () => this.reset());
  }

  reset(): void {
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }

  #closed(): void {
    if (!this.#near.destroyed || !this.#far.destroyed) return;
    this.#up.stop();
    this.#down.stop();
    this.onEnd();
  }
}

/** What goes one way. Back pressure is kept: while something waits here, no more is read. */
class Direction {
  readonly #to: Socket;
  readonly #line: () => Line;
  readonly #from: Socket;
  readonly #waiting: { readonly bytes: Buffer; readonly at: number }[] = [];
  #ended = false;
  /** How many bytes are still let through, and what happens then. */
  #left = Number.POSITIVE_INFINITY;
  #onSpent: () => void = () => {};
  #timer: undefined | NodeJS.Timeout;

  constructor(from: Socket, to: Socket, line: () => Line) {
    this.#from = from;
    this.#to = to;
    this.#line = line;
    from.on('data', (bytes: Buffer) => {
      this.#waiting.push({ bytes, at: performance.now() });
      this.pump();
    });
    from.on('end', () => {
      this.#ended = true;
      this.pump();
    });
    to.on('drain', () => this.pump());
  }

  endAfter(bytes: number, onSpent: () => void): void {
    this.#left = bytes;
    this.#onSpent = onSpent;
  }

  pump(): void {
    if (this.#timer !== undefined || this.#left === 0) return;
    const { stalled, delayMs, bytesPerS } = this.#line();
    let budget =
      bytesPerS === Number.POSITIVE_INFINITY ? bytesPerS : Math.ceil((bytesPerS * SLICE_MS) / 1000);
    for (let next = this.#waiting[0]; next !== undefined && !stalled; next = this.#waiting[0]) {
      if (this.#to.writableNeedDrain) break;
      const early = next.at + delayMs - performance.now();
      if (early > 0) return this.#later(early);
      if (budget <= 0) return this.#later(SLICE_MS);
      this.#waiting.shift();
      const now = next.bytes.subarray(0, Math.min(budget, this.#left));
      if (now.length < next.bytes.length)
        this.#waiting.unshift({ bytes: next.bytes.subarray(now.length), at: next.at });
      budget -= now.length;
      this.#left -= now.length;
      // What was let through arrives before the reset does.
      if (this.#left === 0) return void this.#to.write(now, this.#onSpent);
      this.#to.write(now);
    }
    if (this.#waiting.length > 0 || this.#to.writableNeedDrain) this.#from.pause();
    else if (this.#from.isPaused()) this.#from.resume();
    if (this.#ended && this.#waiting.length === 0) this.#to.end();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #later(ms: number): void {
    this.#from.pause();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.pump();
    }, ms);
    this.#timer.unref();
  }
}
