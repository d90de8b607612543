import { contentOf, type Handlers, Link, numberIn, type Place, type Wire } from './link.ts';

// Socket.IO's protocol by hand (Engine.IO 4, Socket.IO 5), so that its client costs the load generator no more than the
// others' do. Frames: `0` open, `2` ping, `3` pong, `40` connect, `42` event, `43` acknowledgement, `44` refused.

interface SocketIoPlace {
  readonly session: string;
  readonly pid: string;
  readonly offset: string;
}

const TWO = 50;
const FOUR = 52;

let sessions = 0;

export class SocketIoWire implements Wire {
  readonly #url: string;

  constructor(url: string) {
    this.#url = `${url}/socket.io/?EIO=4&transport=websocket`;
  }

  create(handlers: Handlers): Link {
    return new SocketIoLink(this.#url, handlers, { session: `s-${process.pid}-${++sessions}` });
  }

  join(link: Link, handlers: Handlers): Link {
    return new SocketIoLink(this.#url, handlers, { session: (link as SocketIoLink).session });
  }

  resume(place: Place, handlers: Handlers): Link {
    return new SocketIoLink(this.#url, handlers, place as SocketIoPlace);
  }
}

class SocketIoLink extends Link {
  readonly #auth: { readonly session: string };
  #pid = '';
  #acks = 0;
  #last: undefined | Buffer;

  constructor(url: string, handlers: Handlers, auth: { readonly session: string }) {
    super(url, handlers);
    this.#auth = auth;
  }

  get session(): string {
    return this.#auth.session;
  }

  protected override onOpen(): void {
    this.socket.send(`40${JSON.stringify(this.#auth)}`);
  }

  protected override onFrame(data: Buffer): void {
    if (data[0] === TWO) return this.socket.send('3');
    if (data[0] !== FOUR) return;
    switch (String.fromCharCode(data[1] ?? 0)) {
      case '2':
        return this.#onEvent(data);
      case '3':
        return this.handlers.onAck?.();
      case '0':
        this.#pid = (JSON.parse(String(data).slice(2)) as { pid: string }).pid;
        return this.isReady();
      default:
        throw new Error(String(data));
    }
  }

  // `42["m",{...},"OFFSET"]` is a record, `42["c",...]` a chunk.
  #onEvent(data: Buffer): void {
    if (data[4] !== 'm'.charCodeAt(0)) return this.handlers.onChunk?.();
    this.#last = data;
    this.handlers.onRecord?.(numberIn(data));
  }

  override say(n: number): void {
    this.socket.send(`42${this.#acks++}["m",{"content":"${contentOf(n)}"}]`);
  }

  override stream(chunks: number, everyMs: number): void {
    this.socket.send(`42${JSON.stringify(['s', { chunks, pace: everyMs }])}`);
  }

  override place(): Place {
    if (this.#last === undefined) throw new Error('nothing was seen yet');
    const offset = (JSON.parse(String(this.#last).slice(2)) as string[])[2];
    return { ...this.#auth, pid: this.#pid, offset };
  }
}
