import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import { type DownData, type DownType, isEventType, type LogEvent } from '../protocol/chat/down.ts';
import type { UpInput, UpType } from '../protocol/chat/up.ts';
import type { Position } from '../protocol/position.ts';
import { FrameChecker } from './frame-checker.ts';
import type { Received } from './received.ts';

/** How a connection ended. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

const TIMEOUT_MS = 20_000;

/**
 * A chat client without any cleverness: it keeps every frame, waits for the one that a test names, and sends what it is
 * told, right or wrong. It reconnects to nothing and de-duplicates nothing. What must hold for every frame is checked as
 * it comes (`frame-checker.ts`); a fault of that kind fails the test at its next wait, or at its end.
 */
export class WireClient implements AsyncDisposable {
  readonly frames: Received[] = [];
  readonly socket: WebSocket;
  readonly checker = new FrameChecker();
  #taken = 0;
  #closed: undefined | Closed;
  #wake: () => void = () => {};
  #ids = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      const raw = String(data);
      const frame = { ...(JSON.parse(raw) as Received), raw };
      this.frames.push(frame);
      this.checker.take(frame);
      this.#wake();
    });
    socket.on('close', (code, reason) => {
      this.#closed = { code, reason: String(reason) };
      this.#wake();
    });
    socket.on('error', () => {});
  }

  /** Opens the socket; resolves once it is open. Rejects when the server refuses the upgrade. */
  static async open(
    url: string,
    options: ClientOptions & { readonly path?: string } = {},
  ): Promise<WireClient> {
    const { path = '/client_test', ...rest } = options;
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, {
      perMessageDeflate: false,
      ...rest,
    });
    const client = new WireClient(socket);
    await once(socket, 'open');
    return client;
  }

  /** Opens and authenticates; resolves with the client and what it was told. */
  static async connect(
    url: string,
    data: Partial<UpInput<'connect'>> = {},
    options: ClientOptions & { readonly path?: string } = {},
  ): Promise<WireClient> {
    const client = await WireClient.open(url, options);
    await client.authenticate(data);
    return client;
  }

  /** Comes back to the session of `earlier`: with its token, and from where it was unless `data` says otherwise. */
  static async resume(
    url: string,
    earlier: WireClient,
    data: Partial<UpInput<'connect'>> = {},
    options: ClientOptions & { readonly path?: string } = {},
  ): Promise<WireClient> {
    const { token, position } = earlier;
    return WireClient.connect(url, { session_token: token, position, ...data }, options);
  }

  success: undefined | DownData<'connection_success'>;
  restored: undefined | DownData<'session_restored'>;

  /** Sends `connect` and waits for the answer. */
  async authenticate(data: Partial<UpInput<'connect'>> = {}): Promise<DownData<'connection_success'>> {
    this.send('connect', { api_key: 'development', ...data });
    const { data: success } = await this.next('connection_success');
    await this.next('message_delivered');
    this.success = success;
    if (success.outcome !== 'fresh') this.restored = (await this.next('session_restored')).data;
    return success;
  }

  /** Sends a message; gives state-changing ones an id if they have none. Answers the id. */
  send<T extends UpType>(type: T, data: UpInput<T>, id = this.newId()): string {
    this.socket.send(JSON.stringify({ type, data, id }));
    return id;
  }

  sendRaw(text: string | Buffer): void {
    this.socket.send(text);
  }

  /** Puts everything that `fn` sends into as few TCP segments as it takes. */
  together(fn: () => void): void {
    const { _socket: tcp } = this.socket as unknown as { _socket: Socket };
    tcp.cork();
    fn();
    tcp.uncork();
  }

  newId(): string {
    this.#ids++;
    return `test-${process.pid}-${Math.floor(performance.now() * 1000).toString(36)}-${this.#ids}`;
  }

  /** Sends and waits for the reply: the acknowledgement, the answer, or the error. */
  async request<T extends UpType>(type: T, data: UpInput<T>, id?: string): Promise<Received> {
    const sent = this.send(type, data, id ?? this.newId());
    return this.find((frame) => frame.reply_to === sent, `a reply to ${type}`);
  }

  /** Sends a chat message and waits until it is stored. Answers its `seq`. */
  async say(content: string, extra: Partial<UpInput<'chat_message'>> = {}): Promise<number> {
    const reply = await this.request('chat_message', { content, ...extra });
    if (reply.type !== 'message_delivered') throw new Error(`not delivered: ${reply.raw}`);
    return (reply.data as DownData<'message_delivered'>).seq ?? 0;
  }

  /** The next frame of this type after the last one that was waited for. */
  async next<T extends DownType>(
    type: T,
    matches: (data: DownData<T>) => boolean = () => true,
  ): Promise<Received<T>> {
    let at = this.#taken;
    const frame = await this.#until(() => {
      for (; at < this.frames.length; at++) {
        const candidate = this.frames[at];
        if (candidate?.type === type && matches(candidate.data as DownData<T>)) return candidate;
      }
      return undefined;
    }, type);
    this.#taken = at + 1;
    return frame as Received<T>;
  }

  /** The first frame, from the beginning, that matches. */
  find(matches: (frame: Received) => boolean, what = 'a frame'): Promise<Received> {
    return this.#until(() => this.frames.find(matches), what);
  }

  /** Waits for the end of the connection. */
  async closed(): Promise<Closed> {
    return this.#until(() => this.#closed, 'the close');
  }

  get token(): string {
    return this.#authenticated().session_token;
  }

  get sessionId(): string {
    return this.#authenticated().session_id;
  }

  /** Where this client is: at its last event, or at the head that it was told when it came. */
  get position(): Position {
    const { position } = this.#authenticated();
    const last = this.events.at(-1);
    return last === undefined ? position : { epoch: position.epoch, seq: last.seq, tag: last.tag };
  }

  #authenticated(): DownData<'connection_success'> {
    if (this.success === undefined) throw new Error('not authenticated');
    return this.success;
  }

  /** The events of the log that came, in order. */
  get events(): LogEvent[] {
    return this.frames.flatMap((frame) => (isEventType(frame.type) ? [frame as unknown as LogEvent] : []));
  }

  /** Waits until a run ended, whichever came after the last frame that was waited for. */
  async runFinished(): Promise<DownData<'run_finished'>> {
    return (await this.next('run_finished')).data;
  }

  /** Cuts the line: no close frame. */
  cut(): void {
    this.socket.terminate();
  }

  async close(): Promise<void> {
    if (this.#closed !== undefined) return;
    this.socket.close(1000);
    await this.closed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    if (this.#closed === undefined) await this.#until(() => this.#closed, 'the close');
    this.#check();
  }

  #check(): void {
    if (this.checker.faults.length > 0) throw new Error(`bad frames:\n${this.checker.faults.join('\n')}`);
  }

  async #until<V>(poll: () => undefined | V, what: string): Promise<V> {
    const deadline = performance.now() + TIMEOUT_MS;
    for (;;) {
      this.#check();
      const value = poll();
      if (value !== undefined) return value;
      if (this.#closed !== undefined)
        throw new Error(`closed ${this.#closed.code} (${this.#closed.reason}) while waiting for ${what}`);
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`no ${what} within ${TIMEOUT_MS} ms; came: ${this.#summary()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #summary(): string {
    return this.frames
      .slice(-12)
      .map((frame) => frame.raw.slice(0, 160))
      .join('\n');
  }
}
