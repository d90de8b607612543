import { kindOf } from './frame-kind.ts';
import { contentOf, type Handlers, Link, newId, numberIn, type Place, type Wire } from './link.ts';

/** How `connect` finds the session. */
type Way = { readonly session_id?: string } | { readonly session_token: string; readonly position: Position };

interface Position {
  readonly epoch: string;
  readonly seq: number;
  readonly tag?: string;
}

interface Success {
  readonly session_id: string;
  readonly session_token: string;
  readonly position: Position;
}

/** The server, over its public protocol. */
export class HoldfastWire implements Wire {
  readonly #url: string;
  readonly #apiKey: string;

  constructor(url: string, apiKey: string) {
    this.#url = `${url}/client_bench`;
    this.#apiKey = apiKey;
  }

  create(handlers: Handlers): Link {
    return new HoldfastLink(this.#url, handlers, this.#apiKey, {});
  }

  join(link: Link, handlers: Handlers): Link {
    const { session_id } = (link as HoldfastLink).success;
    return new HoldfastLink(this.#url, handlers, this.#apiKey, { session_id });
  }

  resume(place: Place, handlers: Handlers): Link {
    return new HoldfastLink(this.#url, handlers, this.#apiKey, place as Way);
  }
}

class HoldfastLink extends Link {
  readonly #apiKey: string;
  readonly #way: Way;
  #success: undefined | Success;
  #last: undefined | Buffer;

  constructor(url: string, handlers: Handlers, apiKey: string, way: Way) {
    super(url, handlers);
    this.#apiKey = apiKey;
    this.#way = way;
  }

  get success(): Success {
    if (this.#success === undefined) throw new Error('not authenticated');
    return this.#success;
  }

  protected override onOpen(): void {
    const data = { api_key: this.#apiKey, connection_type: 'chat', ...this.#way };
    this.socket.send(JSON.stringify({ type: 'connect', data }));
  }

  protected override onFrame(data: Buffer): void {
    if (this.#success === undefined) return this.#onHandshake(data);
    switch (kindOf(data)) {
      case 'record':
        this.#last = data;
        return this.handlers.onRecord?.(numberIn(data));
      case 'ack':
        // The first one acknowledges `connect`.
        if (data.includes('"connect"')) return this.isReady();
        return this.handlers.onAck?.();
      case 'chunk':
        return this.handlers.onChunk?.();
      case 'other':
        if (data.includes('"type":"error"')) throw new Error(String(data));
    }
  }

  #onHandshake(data: Buffer): void {
    const { type, data: body } = JSON.parse(String(data)) as { type: string; data: Success };
    if (type === 'connection_success') this.#success = body;
    else if (type !== 'connection_established') throw new Error(String(data));
  }

  override say(n: number): void {
    this.socket.send(`{"type":"chat_message","id":"${newId()}","data":{"content":"${contentOf(n)}"}}`);
  }

  /** The demo agent counts, a number each 50 ms. */
  override stream(chunks: number, _everyMs: number): void {
    const data = { content: `count to ${chunks}` };
    this.socket.send(JSON.stringify({ type: 'chat_message', id: newId(), data }));
  }

  override place(): Place {
    const { session_token, position } = this.success;
    if (this.#last === undefined) return { session_token, position };
    const { seq, tag } = JSON.parse(String(this.#last)) as { seq: number; tag: string };
    return { session_token, position: { epoch: position.epoch, seq, tag } };
  }
}
