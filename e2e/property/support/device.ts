import { WebSocket } from 'ws';
import { type DownData, isEventType, type LogEvent } from '../../../protocol/chat/down.ts';
import type { StateChangingType, UpInput } from '../../../protocol/chat/up.ts';
import { FrameChecker } from '../../../test-helpers/frame-checker.ts';
import type { Received } from '../../../test-helpers/received.ts';
import { type Message, Outbox } from './outbox.ts';
import { type AskedFor, Replica } from './replica.ts';

/** How a device comes back: with its place in the log, also with that in the answer in flight, or with its token alone. */
export type Habit = 'position' | 'partial' | 'snapshot';

export interface DeviceOptions {
  readonly name: string;
  /** Where the next line goes. */
  readonly url: () => string;
  /** How it comes back, in turn. */
  readonly habits: readonly Habit[];
  /** The session of another device; a new one without it. */
  readonly sessionId: undefined | string;
  /** After so long without a sign of life it asks for one, and after as long again it gives the line up. 0: never. */
  readonly patienceMs?: number;
}

/** One line: a socket, what was asked for when it was opened, and how far it got. */
interface Line {
  readonly socket: WebSocket;
  readonly checker: FrameChecker;
  asked: AskedFor;
  head: undefined | DownData<'connection_success'>;
  isUp: boolean;
  heardAt: number;
}

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 250;
const RETRY_MS = 60;
const TRACE = 400;

/**
 * A small honest client: keeps its place, sends again what was not answered, comes back when the line is lost. What
 * happens to its line is decided from outside.
 */
export class Device {
  readonly name: string;
  readonly replica = new Replica();
  readonly outbox = new Outbox();
  /** What it did and saw, newest last. */
  readonly trace: string[] = [];
  /** What is wrong with the frames of any of its lines. */
  readonly frameFaults: string[] = [];
  /** How many frames came. */
  frames = 0;
  /** How often it came back. */
  returns = 0;
  readonly #options: DeviceOptions;
  #token: undefined | string;
  #line: undefined | Line;
  #wanted = false;
  #failures = 0;
  #turn = 0;
  #ids = 0;
  #isPaused = false;
  #timer: undefined | NodeJS.Timeout;
  #retry: undefined | NodeJS.Timeout;
  #pulse: undefined | NodeJS.Timeout;
  readonly #watchers = new Set<() => void>();

  constructor(options: DeviceOptions) {
    this.name = options.name;
    this.#options = options;
    const { patienceMs = 0 } = options;
    if (patienceMs > 0) this.#pulse = setInterval(() => this.#feel(patienceMs), patienceMs / 2);
  }

  get isUp(): boolean {
    return this.#line?.isUp === true;
  }

  /** Comes back, and whenever the line is lost, until it is cut. */
  come(): void {
    this.#wanted = true;
    if (this.#line === undefined) this.#open();
  }

  /** Cuts the line, without a close frame, and stays away. */
  cut(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#drop('cut');
  }

  /** Loses the line, without a close frame, and comes back by itself. */
  lose(): void {
    this.#drop('lost');
  }

  /** Reads nothing any more, until `resume`. */
  pause(): void {
    this.#isPaused = true;
    this.replica.blink();
    if (this.#line?.socket.readyState === WebSocket.OPEN) this.#line.socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#line?.socket.isPaused) this.#line.socket.resume();
  }

  /** Says something that changes the session. It is sent until it is answered. */
  say<T extends StateChangingType>(type: T, data: UpInput<T>): string {
    const id = `${this.name}-${++this.#ids}`.padStart(8, '0');
    this.outbox.add({ id, type, data });
    if (this.isUp) this.#send({ id, type, data });
    return id;
  }

  /** Resolves once the condition holds; `false` when it does not within the time. Looked at after every frame. */
  until(condition: () => boolean, withinMs: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (met: boolean) => {
        clearTimeout(timer);
        this.#watchers.delete(watch);
        resolve(met);
      };
      const watch = () => condition() && end(true);
      const timer = setTimeout(() => end(false), withinMs);
      this.#watchers.add(watch);
    });
  }

  /** Ends everything of it. */
  dispose(): void {
    this.cut();
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    clearInterval(this.#pulse);
  }

  /** Everything that was wrong. */
  get faults(): string[] {
    const all = [...this.replica.faults, ...this.outbox.faults, ...this.frameFaults];
    return all.map((fault) => `${this.name}: ${fault}`);
  }

  #open(): void {
    clearTimeout(this.#timer);
    const { replica } = this;
    const { habits, sessionId } = this.#options;
    const habit = habits[this.#turn++ % habits.length] ?? 'position';
    const isNew = replica.position === undefined;
    const asked: AskedFor = {
      position: isNew || habit === 'snapshot' ? undefined : replica.position,
      partial: isNew || habit !== 'partial' ? undefined : replica.partial,
    };
    const url = this.#options.url();
    this.#note(`opens ${url} ${JSON.stringify(asked)}`);
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/client_${this.name}`, {
      perMessageDeflate: false,
    });
    const line: Line = {
      socket,
      asked,
      checker: new FrameChecker(),
      head: undefined,
      isUp: false,
      heardAt: performance.now(),
    };
    this.#line = line;
    socket.on('open', () => {
      const who =
        this.#token === undefined ? sessionId && { session_id: sessionId } : { session_token: this.#token };
      const data = { api_key: 'development', ...who, ...asked };
      socket.send(JSON.stringify({ type: 'connect', id: 'connect', data }));
      if (this.#isPaused) socket.pause();
    });
    socket.on('message', (data) => {
      if (this.#line === line) this.#take(line, String(data));
    });
    socket.on('pong', () => {
      line.heardAt = performance.now();
    });
    socket.on('error', () => {});
    socket.on('close', (code) => {
      if (this.#line === line) this.#lost(`closed ${code}`);
    });
  }

  #take(line: Line, raw: string): void {
    const frame = { ...(JSON.parse(raw) as Received), raw };
    this.frames++;
    line.heardAt = performance.now();
    this.#note(`< ${raw.slice(0, 220)}`);
    const known = line.checker.faults.length;
    line.checker.take(frame);
    this.frameFaults.push(...line.checker.faults.slice(known));
    this.#apply(line, frame);
    for (const watch of [...this.#watchers]) watch();
  }

  #apply(line: Line, frame: Received): void {
    if (isEventType(frame.type)) return this.replica.event(frame as unknown as LogEvent, frame.raw);
    switch (frame.type) {
      case 'connection_success': {
        const success = frame.data as DownData<'connection_success'>;
        line.head = success;
        this.#token = success.session_token;
        this.replica.greeted(success);
        if (success.outcome === 'fresh') this.#up(line);
        return;
      }
      case 'session_restored':
        if (line.head !== undefined)
          this.replica.restored(frame.data as DownData<'session_restored'>, line.head.position, line.asked);
        return this.#up(line);
      case 'message_delivered':
        if (frame.reply_to !== undefined && frame.reply_to !== 'connect')
          this.outbox.delivered(frame.data as DownData<'message_delivered'>, frame.reply_to);
        return;
      case 'error':
        return this.#error(frame.data as DownData<'error'>, frame.reply_to);
      default:
        return this.replica.unlogged(frame);
    }
  }

  #error(error: DownData<'error'>, id: undefined | string): void {
    // While it is opened the store may be out of reach; then it tries again.
    if (id === 'connect' && error.retryable) return this.#drop('not let in');
    if (id === undefined || id === 'connect') {
      this.frameFaults.push(`unasked: ${JSON.stringify(error)}`);
      return;
    }
    if (!this.outbox.refused(error, id)) return;
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      if (this.isUp) for (const message of this.outbox.waiting) this.#send(message);
    }, RETRY_MS);
  }

  #up(line: Line): void {
    line.isUp = true;
    this.#failures = 0;
    this.returns++;
    for (const message of this.outbox.waiting) this.#send(message);
  }

  #send(message: Message): void {
    const { id, type, data } = message;
    this.outbox.sent(message);
    this.#note(`> ${type} ${id} ${JSON.stringify(data).slice(0, 120)}`);
    this.#line?.socket.send(JSON.stringify({ type, data, id }));
  }

  #drop(why: string): void {
    const socket = this.#line?.socket;
    if (socket === undefined) return;
    this.#lost(why);
    socket.terminate();
  }

  #lost(why: string): void {
    this.#note(why);
    this.#line = undefined;
    this.replica.blink();
    if (!this.#wanted) return;
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures++);
    this.#timer = setTimeout(() => this.#open(), waitMs);
  }

  #feel(patienceMs: number): void {
    const line = this.#line;
    if (line === undefined || this.#isPaused) return;
    const silentMs = performance.now() - line.heardAt;
    if (silentMs > 2 * patienceMs) this.lose();
    else if (silentMs > patienceMs && line.socket.readyState === WebSocket.OPEN) line.socket.ping();
  }

  #note(what: string): void {
    this.trace.push(`${(performance.now() / 1000).toFixed(3)} ${what}`);
    if (this.trace.length > TRACE) this.trace.shift();
  }
}
