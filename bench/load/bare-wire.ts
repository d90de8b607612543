import { kindOf } from './frame-kind.ts';
import { contentOf, type Handlers, Link, newId, numberIn, type Place, type Wire } from './link.ts';

interface BarePlace {
  readonly url: string;
  readonly position: string;
}

let sessions = 0;

/** The two floors: a session is a path. */
export class BareWire implements Wire {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  create(handlers: Handlers): Link {
    return new BareLink(`${this.#url}/s-${process.pid}-${++sessions}`, handlers, undefined);
  }

  join(link: Link, handlers: Handlers): Link {
    return new BareLink(link.socket.url, handlers, undefined);
  }

  resume(place: Place, handlers: Handlers): Link {
    const { url, position } = place as BarePlace;
    return new BareLink(url, handlers, position);
  }
}

class BareLink extends Link {
  readonly #position: undefined | string;
  #last: undefined | Buffer;

  constructor(url: string, handlers: Handlers, position: undefined | string) {
    super(url, handlers);
    this.#position = position;
  }

  protected override onOpen(): void {
    if (this.#position !== undefined)
      this.socket.send(JSON.stringify({ type: 'resume', position: this.#position }));
    this.isReady();
  }

  protected override onFrame(data: Buffer): void {
    switch (kindOf(data)) {
      case 'record':
        this.#last = data;
        return this.handlers.onRecord?.(numberIn(data));
      case 'ack':
        return this.handlers.onAck?.();
      case 'chunk':
        return this.handlers.onChunk?.();
      case 'other':
        return;
    }
  }

  override say(n: number): void {
    this.socket.send(`{"type":"chat_message","id":"${newId()}","data":{"content":"${contentOf(n)}"}}`);
  }

  override stream(chunks: number, everyMs: number): void {
    this.socket.send(JSON.stringify({ type: 'stream', chunks, everyMs }));
  }

  override place(): Place {
    if (this.#last === undefined) throw new Error('nothing was seen yet');
    const { seq } = JSON.parse(String(this.#last)) as { seq: string | number };
    return { url: this.socket.url, position: String(seq) };
  }
}
