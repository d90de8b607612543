import type { LogEvent } from '../../protocol/chat/down.ts';
import type { HistoryMessage } from '../../protocol/chat/restore.ts';
import type { AppendRequest, ChunkBuffer, Head, LogPage, Policy, SessionInfo } from '../store/store.ts';
import { type AppendDeps, AppendQueue, type AppendTarget, type CommandOutcome } from './append-queue.ts';
import { type Cells, stateOf } from './cells.ts';
import type { PartialMessage } from './decision.ts';
import { type GoneReason, SessionGone, whyGone } from './gone.ts';
import { toHistory } from './history.ts';
import { InFlight } from './in-flight.ts';
import type { LivePartial } from './live-partial.ts';
import type { Command, Plan } from './plan.ts';
import { EventRing } from './ring.ts';
import { reduce, type SessionState } from './state.ts';

/** A connection's end of a live session. Called synchronously; must not throw. */
export interface Subscriber {
  /** There is something after its cursor. */
  advanced(): void;
  gone(reason: GoneReason): void;
}

export interface LiveDeps extends AppendDeps {
  /** Told after each append that this node made. `length`: of the texts that it stored, in UTF-16 units. */
  readonly onAppended: (live: LiveSession, events: readonly LogEvent[], length: number) => void;
  readonly onGone: (live: LiveSession) => void;
  /** Told after each chunk that this node stored. */
  readonly onChunk: (live: LiveSession, length: number) => void;
}

export interface LiveStart {
  readonly info: SessionInfo;
  readonly cells: Cells;
  readonly chunks: undefined | ChunkBuffer;
}

/** How much of the log one read asks for. */
const READ_PAGE = 500;
const READ_PAGE_BYTES = 1_048_576;
const NOBODY: readonly never[] = [];

/**
 * One session on one node, while there are connections or runs of it here: the folded state, the newest events, and
 * whoever follows them. Its own appends go through one queue; what others append comes in as records, or is read.
 */
export class LiveSession implements AppendTarget {
  readonly id: string;
  readonly epoch: string;
  /** Whose it is, where it belongs, and how long it stays, as when it became live here: no more of its record is kept. */
  readonly subject: string;
  readonly workspace: string;
  readonly policy: Policy;
  readonly #deps: LiveDeps;
  readonly #storeId: string;
  readonly #personMessages: number;
  readonly #inFlight: InFlight;
  // Copied on each change, and shared while there is nobody: an idle session is to be small.
  #subscribers: readonly Subscriber[] = NOBODY;
  #watchers: readonly ((event: LogEvent) => void)[] = NOBODY;
  #seq: number;
  #tag: undefined | string;
  /** Set until somebody needs the state: a restore alone never parses it. */
  #cells: undefined | Cells;
  #state: undefined | SessionState;
  #holdUntil: number;
  #logBytes: number;
  #ring: undefined | EventRing;
  /** Made when something is appended: most sessions at most times only listen. */
  #appends: undefined | AppendQueue;
  #catchingUp: undefined | Promise<void>;
  #isBehind = false;
  #gone: undefined | GoneReason;

  constructor(start: LiveStart, deps: LiveDeps) {
    this.id = start.info.sessionId;
    this.epoch = start.info.epoch;
    this.subject = start.info.subject;
    this.workspace = start.info.workspace;
    this.policy = start.info.policy;
    this.#deps = deps;
    this.#storeId = deps.store.storeId;
    this.#personMessages = start.info.messageCounts.user;
    this.#seq = start.info.seq;
    this.#tag = start.info.tag;
    this.#cells = start.cells;
    this.#holdUntil = start.info.holdUntil;
    this.#logBytes = start.info.logBytes;
    this.#inFlight = new InFlight(start.chunks);
  }

  get head(): { readonly epoch: string; readonly seq: number; readonly tag: undefined | string } {
    return { epoch: this.epoch, seq: this.#seq, tag: this.#tag };
  }

  /** The `seq` of the newest event. */
  get seq(): number {
    return this.#seq;
  }

  get state(): SessionState {
    if (this.#state === undefined) {
      this.#state = stateOf(this.#cells ?? {}, this.#personMessages);
      this.#cells = undefined;
    }
    return this.#state;
  }

  /** The message in flight, as far as it may be shown. */
  get partial(): null | LivePartial {
    return this.#inFlight.held === null ? null : this.#inFlight.shown(this.state);
  }

  /** Why the session is no longer live here; whoever subscribes to it now is not told by it. */
  get gone(): undefined | GoneReason {
    return this.#gone;
  }

  get subscribers(): number {
    return this.#subscribers.length;
  }

  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers = [...this.#subscribers, subscriber];
    return () => this.unsubscribe(subscriber);
  }

  unsubscribe(subscriber: Subscriber): void {
    this.#subscribers = without(this.#subscribers, subscriber);
  }

  /** Hears every event folded here from now on, this node's and others', in order. */
  watch(listener: (event: LogEvent) => void): () => void {
    this.#watchers = [...this.#watchers, listener];
    return () => {
      this.#watchers = without(this.#watchers, listener);
    };
  }

  /** The frames after `seq`, or `undefined` when they must be read from the store. */
  framesAfter(seq: number): undefined | readonly string[] {
    if (seq >= this.#seq) return [];
    return this.#ring?.after(seq);
  }

  /**
   * Frames after `seq`, from memory or the store: at most a page of `maxBytes`, but one in any case. Empty at the head, and
   * where the log turns out to have a hole: then the session ends here, to be opened again and repaired.
   */
  async readFrames(seq: number, maxBytes = READ_PAGE_BYTES): Promise<readonly string[]> {
    const held = this.framesAfter(seq);
    if (held !== undefined) return held;
    const { events } = await this.#readPage(seq + 1, maxBytes);
    // Ascending and distinct: from the first to the last there is a hole exactly when their number is another.
    if (events.length === 0 || seqOf(events.at(-1)) === seq + events.length) return events;
    this.end('rewritten');
    return [];
  }

  #readPage(fromSeq: number, maxBytes = READ_PAGE_BYTES): Promise<LogPage> {
    return this.#deps.store.read({ sessionId: this.id, fromSeq, limit: READ_PAGE, maxBytes });
  }

  /** Every event from `fromSeq` to the head. */
  async readEvents(fromSeq: number): Promise<LogEvent[]> {
    const events: LogEvent[] = [];
    for (let next = fromSeq; next <= this.#seq; ) {
      const frames = await this.readFrames(next - 1);
      if (frames.length === 0) break;
      for (const frame of frames) events.push(JSON.parse(frame));
      next += frames.length;
    }
    return events;
  }

  /** The newest `limit` messages, ascending: fewer when they are large. */
  async history(limit: number): Promise<HistoryMessage[]> {
    const request = {
      sessionId: this.id,
      beforeSeq: undefined,
      limit,
      maxBytes: READ_PAGE_BYTES,
      roles: undefined,
    };
    return toHistory(await this.#deps.store.history(request)).messages;
  }

  /** Resolves when no command is under way any more; `undefined`: none is. One appends also for somebody who has gone. */
  get atWork(): undefined | Promise<void> {
    return this.#appends?.atWork;
  }

  standing(): ReturnType<AppendTarget['standing']> {
    const { seq, tag } = this.head;
    return { seq, tag, state: this.state, holdUntil: this.#holdUntil, logBytes: this.#logBytes };
  }

  assemblePartial(): null | PartialMessage {
    return this.#inFlight.held?.assemble() ?? null;
  }

  resetPartial(chunks: undefined | ChunkBuffer): void {
    this.#inFlight.reset(chunks);
  }

  /** Loads what this node does not hold of the message in flight. */
  async wholePartial(): Promise<void> {
    if ((this.#inFlight.held?.base ?? 0) === 0) return;
    this.#takeChunks(await this.#deps.store.chunks(this.id, 0));
  }

  /**
   * Decides and appends. Resolves once the outcome is durable.
   * @throws StoreUnavailable when it is not known whether it was stored; asking again with the same id is safe.
   * @throws SessionGone
   */
  execute(command: Command): Promise<CommandOutcome> {
    if (this.#gone !== undefined) return Promise.reject(new SessionGone(this.#gone));
    this.#appends ??= new AppendQueue(this, this.#deps);
    return this.#appends.push(command);
  }

  /** Stores one chunk of the answer in flight and shows it. `fenced`: the run is in other hands, or has ended. */
  async appendChunk(
    fence: { readonly runId: string; readonly attempt: number },
    messageId: string,
    messageAttempt: number,
    index: number,
    json: string,
  ): Promise<'applied' | 'fenced'> {
    const result = await this.#deps.store.appendChunk({
      sessionId: this.id,
      nodeId: this.#deps.nodeId,
      fence: { ...fence, owner: this.#deps.nodeId },
      messageId,
      messageAttempt,
      index,
      json,
    });
    if (result.kind !== 'applied') return 'fenced';
    this.#deps.onChunk(this, json.length);
    this.receiveChunk(messageId, fence.runId, messageAttempt, index, json);
    return 'applied';
  }

  /** A stored chunk, from here or from another node. */
  receiveChunk(messageId: string, runId: string, attempt: number, index: number, json: string): void {
    if (this.#inFlight.add({ messageId, runId, attempt, index, json }, this.state)) this.#wake();
    else this.#refreshPartial(this.#heldFrom);
  }

  /**
   * Events of another node. What is known is skipped, but compared: a log that lost its end in a failover and was written
   * on has others there. A gap, or what cannot be compared any more, makes this node read the log.
   */
  receiveEvents(epoch: string, fromSeq: number, frames: readonly string[]): void {
    if (epoch !== this.epoch) return this.end('rewritten');
    if (fromSeq > this.#seq + 1) return void this.catchUp();
    const known = frames.slice(0, this.#seq + 1 - fromSeq);
    for (const [i, frame] of known.entries()) {
      const held = this.#ring?.at(fromSeq + i);
      if (held === undefined) return void this.catchUp();
      if (held !== frame) return this.end('rewritten');
    }
    this.adoptFrames(frames.slice(known.length));
  }

  /** Takes what another reading of the same log showed: its head may be ahead of this node's, its chunks may be more. */
  merge(info: SessionInfo, chunks: undefined | ChunkBuffer): void {
    if (info.seq > this.#seq) void this.catchUp();
    if (info.seq === this.#seq) this.#takeChunks(chunks);
  }

  /**
   * What the store says is the head. `known` is what this node knew when it asked. Ahead: records were lost on the way.
   * Behind that, another event there, or another epoch: history was rewritten.
   */
  async checkHead(head: undefined | Head, known: Omit<Head, 'epoch'>): Promise<void> {
    if (head === undefined) return this.vanished();
    const { epoch, seq, tag } = head;
    if (epoch !== this.epoch || seq < known.seq || (seq === known.seq && tag !== known.tag))
      return this.end('rewritten');
    if (seq > this.#seq) await this.catchUp();
  }

  /** The store has no such session any more, or not for appends: learns why, and ends. */
  async vanished(): Promise<void> {
    this.end(await whyGone(this.#deps.store, this.id, this.#storeId));
  }

  /** Reads the log from this node's head on. */
  catchUp(): Promise<void> {
    // The reading under way may be past the place where more was found missing.
    if (this.#catchingUp !== undefined) this.#isBehind = true;
    this.#catchingUp ??= this.#readUntilThere().finally(() => {
      this.#catchingUp = undefined;
    });
    return this.#catchingUp;
  }

  async #readUntilThere(): Promise<void> {
    do {
      this.#isBehind = false;
      await this.#readAhead();
    } while (this.#isBehind && this.#gone === undefined);
  }

  /** The session is over for this node: whoever is attached is told, whatever waits fails. */
  end(reason: GoneReason): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    this.#appends?.fail(new SessionGone(reason));
    for (const subscriber of this.#subscribers) subscriber.gone(reason);
    this.#deps.onGone(this);
  }

  async #readAhead(): Promise<void> {
    try {
      const { seq, tag } = this.head;
      // From the head on, not after it: only there does a log show that it was cut and written on.
      let page = await this.#readPage(Math.max(1, seq));
      if (seq > 0 && tagOf(page.events[0]) !== tag) return await this.vanished();
      for (;;) {
        this.adoptFrames(page.events);
        if (!page.hasMore || this.#gone !== undefined) break;
        page = await this.#readPage(this.#seq + 1);
      }
      this.#takeChunks(await this.#deps.store.chunks(this.id, this.#heldFrom));
    } catch {
      // The store is away; the next heartbeat finds the gap again.
    }
  }

  /** From where on this node holds the message in flight. */
  get #heldFrom(): number {
    return this.#inFlight.held?.base ?? 0;
  }

  #refreshPartial(fromIndex: number): void {
    this.#deps.store.chunks(this.id, fromIndex).then(
      (chunks) => this.#takeChunks(chunks),
      () => {},
    );
  }

  #takeChunks(buffer: undefined | ChunkBuffer): void {
    if (buffer === undefined) return;
    if (this.#inFlight.take(buffer, this.state)) this.#wake();
    else this.#refreshPartial(0);
  }

  /** Takes this node's own append; what another reading brought in meanwhile is not taken twice. */
  adoptOwn({ events, request, state }: Plan): void {
    if (request === undefined) return;
    const first = request.expectedSeq + 1;
    this.#holdUntil = request.holdUntil ?? this.#holdUntil;
    if (this.#seq === request.expectedSeq) {
      this.#state = state;
      for (const [i, event] of events.entries()) this.#take(event, request.events[i]?.json ?? '');
    } else this.adoptFrames(request.events.slice(this.#seq + 1 - first).map((event) => event.json));
    this.#deps.onAppended(this, events, lengthOf(request));
    this.#wake();
  }

  /** Folds what others appended; what is known is skipped, a gap is read. */
  adoptFrames(frames: readonly string[]): void {
    for (const frame of frames) {
      const event = JSON.parse(frame) as LogEvent;
      if (event.seq <= this.#seq) continue;
      // What is read or told in one piece has no gap, unless the log itself has one: then it is opened anew, and repaired.
      if (event.seq !== this.#seq + 1) return this.end('rewritten');
      this.#state = reduce(this.state, event);
      this.#take(event, frame);
    }
    this.#wake();
  }

  /** The event is the new head. The caller has folded it, or is about to. */
  #take(event: LogEvent, frame: string): void {
    this.#ring ??= new EventRing();
    this.#ring.push(event.seq, frame);
    this.#seq = event.seq;
    this.#tag = event.tag;
    this.#logBytes += Buffer.byteLength(frame);
    this.#inFlight.onEvent(event);
    for (const watcher of this.#watchers) watcher(event);
  }

  #wake(): void {
    for (const subscriber of this.#subscribers) subscriber.advanced();
  }
}

function without<T>(list: readonly T[], one: T): readonly T[] {
  const rest = list.filter((other) => other !== one);
  return rest.length === 0 ? NOBODY : rest;
}

/** The `seq` at the end of a frame of the log, which may be large: it is not parsed for that. */
function seqOf(frame = ''): number {
  const mark = '"seq":';
  return Number.parseInt(frame.slice(frame.lastIndexOf(mark) + mark.length), 10);
}

/** How long the events and the cells of an append are together. */
function lengthOf({ events, cells }: Pick<AppendRequest, 'events' | 'cells'>): number {
  let length = 0;
  for (const { json } of events) length += json.length;
  for (const json of Object.values(cells)) length += json.length;
  return length;
}

function tagOf(frame: undefined | string): undefined | string {
  return frame === undefined ? undefined : (JSON.parse(frame) as LogEvent).tag;
}
