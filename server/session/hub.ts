import { isExpired } from '../store/liveness.ts';
import type { NodeRecord, SessionInfo, TouchEntry } from '../store/store.ts';
import { type Attached, type AttachDeps, type AttachParams, attach } from './attach.ts';
import { type LiveDeps, LiveSession, type LiveStart } from './live-session.ts';
import type { StoreContact } from './store-contact.ts';
import { TierCensus, type TierCounts } from './tier-census.ts';

export interface HubDeps
  extends Omit<LiveDeps, 'onAppended' | 'onGone'>,
    Omit<AttachDeps, 'expire' | 'opening' | 'mayBeConnected'> {
  readonly contact: StoreContact;
  readonly attachBeatMs: number;
  /** Brings whatever is at work in an expired session to its end. */
  readonly endRuns: (live: LiveSession) => Promise<void>;
  readonly log: { warn(fields: object, message: string): void };
}

interface Entry {
  readonly live: LiveSession;
  /** How many connections, runs and operations need it here. */
  holders: number;
  connections: readonly string[];
}

/** A connection's hold on its live session. */
export interface Attachment {
  readonly live: LiveSession;
  readonly attached: Extract<Attached, { kind: 'attached' }>;
  /** Gives it back: the session has one connection less from `now` on. Never rejects. */
  readonly detach: () => Promise<void>;
}

/** How many sessions one heartbeat call names. */
const TOUCH_PAGE = 500;

/** The live sessions of this node: opens them, keeps them alive in the store, and brings in what other nodes wrote. */
export class SessionHub {
  readonly #deps: HubDeps;
  /** One for all live sessions. */
  readonly #liveDeps: LiveDeps;
  readonly #entries = new Map<string, Entry>();
  /** Records for sessions that are being opened: the store may send them before the open's own answer is read. */
  readonly #opening = new Map<string, { count: number; records: NodeRecord[] }>();
  readonly #census = new TierCensus();
  readonly #listeners = new Set<LiveDeps['onAppended']>();
  /** Detaches under way. */
  readonly #leaving = new Set<Promise<void>>();
  #stopBeat: () => void = () => {};
  #beating: undefined | Promise<void>;

  constructor(deps: HubDeps) {
    this.#deps = deps;
    this.#liveDeps = {
      ...deps,
      onAppended: (live, events, length) => {
        for (const listener of this.#listeners) listener(live, events, length);
      },
      onGone: (live) => {
        if (this.#entries.get(live.id)?.live === live) this.#entries.delete(live.id);
      },
    };
  }

  /** Hears other nodes, and begins to beat. */
  async start(): Promise<void> {
    const { store, clock, nodeId, attachBeatMs } = this.#deps;
    await store.subscribe(
      nodeId,
      (record) => this.#receive(record),
      // Not the beat under way: what it asked before may have been answered before the records were lost.
      () => void this.beat().then(() => this.beat()),
    );
    this.#stopBeat = clock.every(attachBeatMs, () => void this.beat());
  }

  /** Stops beating; resolves once every connection that left has been detached. */
  async stop(): Promise<void> {
    this.#stopBeat();
    await Promise.all(this.#leaving);
  }

  /** How many sessions have a connection, a run or an operation here. */
  get size(): number {
    return this.#entries.size;
  }

  /** Sessions that this node knows of, by tier. */
  tiers(): TierCounts {
    let attached = 0;
    for (const entry of this.#entries.values()) if (entry.connections.length > 0) attached++;
    return this.#census.count(attached, this.#deps.clock.now());
  }

  /** Told after every append that this node made, once it is folded. */
  onAppended(listener: LiveDeps['onAppended']): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The session if it is live here. */
  peek(sessionId: string): undefined | LiveSession {
    return this.#entries.get(sessionId)?.live;
  }

  /**
   * Brings a connection to its session.
   * @throws StoreUnavailable
   */
  async connect(params: AttachParams): Promise<Attachment | Exclude<Attached, { kind: 'attached' }>> {
    const opened: (() => void)[] = [];
    try {
      const attached = await attach(params, {
        ...this.#deps,
        opening: (sessionId) => opened.push(this.#beginOpening(sessionId)),
        expire: (info) => this.expireSession(info),
        mayBeConnected: (info) => this.#deps.contact.mayBeConnected(info, this.#deps.clock.now()),
      });
      if (attached.kind !== 'attached') return attached;
      const { info, cells, chunks } = attached.opened;
      const entry = this.#hold({ info, cells, chunks });
      // Not pushed: a list that grows keeps room for many more, and most have one.
      entry.connections = [...entry.connections, params.connectionId];
      this.#census.returned(entry.live.id);
      return { live: entry.live, attached, detach: this.#detacher(entry, params.connectionId) };
    } finally {
      for (const done of opened) done();
    }
  }

  /**
   * The session for something that is no connection: a run, a sweep. Opened unattached, even past its time.
   * `undefined`: it is not there, or archived. `info` is what the store says now.
   */
  async acquire(
    sessionId: string,
  ): Promise<
    undefined | { readonly live: LiveSession; readonly info: SessionInfo; readonly release: () => void }
  > {
    const opening = this.#beginOpening(sessionId);
    try {
      const result = await this.#deps.store.open({
        sessionId,
        scope: undefined,
        position: undefined,
        maxReplay: 0,
        historyPage: 0,
        maxBytes: 0,
        partial: undefined,
        ignoreExpiry: true,
        attach: undefined,
        now: this.#deps.clock.now(),
      });
      if (result.kind === 'fault') await this.#deps.repair(result.info, result.detail);
      if (result.kind !== 'open') return undefined;
      const entry = this.#hold(result);
      return { live: entry.live, info: result.info, release: () => this.#release(entry) };
    } finally {
      opening();
    }
  }

  /** Keeps a session here that is live here already: what `acquire` does, without asking the store. */
  retain(live: LiveSession): () => void {
    const entry = this.#entries.get(live.id);
    if (entry?.live !== live) return () => {};
    entry.holders++;
    return () => this.#release(entry);
  }

  /**
   * Ends a session whose time has run out: what is at work ends, the transcript is archived, one successor is named.
   * `undefined`: somebody came back first, or it is gone.
   */
  async expireSession(info: SessionInfo): Promise<undefined | string> {
    const { store, clock, random } = this.#deps;
    const { archiveMs } = info.policy;
    const entry = this.#entries.get(info.sessionId);
    if (entry !== undefined && entry.connections.length > 0) {
      // Somebody is here, and the store has only not heard of it for too long: it was away, or this process slept.
      await this.#touch([entry], clock.now());
      return undefined;
    }
    const held = await this.acquire(info.sessionId);
    try {
      if (held !== undefined && !isExpired(held.info, clock.now())) return undefined;
      if (held !== undefined) await this.#deps.endRuns(held.live);
      const now = clock.now();
      const result = await store.expire({
        sessionId: info.sessionId,
        successorId: random.id(),
        archiveUntil: archiveMs === 0 ? 0 : now + archiveMs,
        force: false,
        now,
      });
      if (result.kind !== 'expired') return undefined;
      held?.live.end('expired');
      return result.successorId;
    } finally {
      held?.release();
    }
  }

  /** Says that this node's connections are alive, and finds out what was missed. Never rejects. */
  beat(): Promise<void> {
    this.#beating ??= this.#touchAll(this.#deps.clock.now()).finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  /**
   * The clock is about to be moved to `now` by hand. Said before it is so: a sweep that came between would take all
   * connections for gone.
   */
  async foresee(now: number): Promise<void> {
    await this.#beating;
    await this.#touchAll(now);
  }

  /** Ends the session's connections on this node: it is being erased. */
  end(sessionId: string): void {
    this.#entries.get(sessionId)?.live.end('erased');
    // One that is being opened may have been answered before the end, and is not live yet.
    this.#opening.get(sessionId)?.records.push({ kind: 'gone', sessionId });
  }

  async #touchAll(now: number): Promise<void> {
    try {
      const entries = [...this.#entries.values()];
      for (let from = 0; from < entries.length; from += TOUCH_PAGE)
        await this.#touch(entries.slice(from, from + TOUCH_PAGE), now);
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'heartbeat failed');
    }
  }

  async #touch(entries: readonly Entry[], now: number): Promise<void> {
    const { store, nodeId } = this.#deps;
    const request: TouchEntry[] = entries.map(({ live, connections }) => ({
      sessionId: live.id,
      connectionIds: connections,
    }));
    const known = entries.map(({ live }) => live.head);
    const heads = await store.touch(nodeId, request, now);
    await Promise.all(entries.map(({ live }, i) => live.checkHead(heads[i], known[i] ?? live.head)));
  }

  #hold(start: LiveStart): Entry {
    const id = start.info.sessionId;
    const known = this.#entries.get(id);
    if (known !== undefined && known.live.epoch === start.info.epoch) {
      known.live.merge(start.info, start.chunks);
      known.holders++;
      return known;
    }
    // Another epoch: the log that this node knew is not the session's any more.
    known?.live.end('rewritten');
    const live = new LiveSession(start, this.#liveDeps);
    const entry: Entry = { live, holders: 1, connections: [] };
    this.#entries.set(id, entry);
    for (const record of this.#opening.get(id)?.records.splice(0) ?? []) this.#deliver(live, record);
    return entry;
  }

  #release(entry: Entry): void {
    entry.holders--;
    this.#forget(entry);
  }

  /**
   * Lets a session go that nobody needs any more. One that still appends for somebody who has left stays until that is
   * done: beside it another live session of the same log could come up here, and neither would hear of the other.
   */
  #forget(entry: Entry): void {
    const { live, holders } = entry;
    if (holders > 0 || this.#entries.get(live.id) !== entry) return;
    if (live.atWork === undefined) this.#entries.delete(live.id);
    else void live.atWork.then(() => this.#forget(entry));
  }

  /** Made apart, because it stays as long as the connection: it must not hold on to how that came in. */
  #detacher(entry: Entry, connectionId: string): () => Promise<void> {
    return () => this.#leave(entry, connectionId);
  }

  #leave(entry: Entry, connectionId: string): Promise<void> {
    const leaving = this.#detach(entry, connectionId).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
    return leaving;
  }

  async #detach(entry: Entry, connectionId: string): Promise<void> {
    const now = this.#deps.clock.now();
    entry.connections = entry.connections.filter((id) => id !== connectionId);
    if (entry.connections.length === 0) this.#census.left(entry.live.id, entry.live.policy, now);
    this.#release(entry);
    try {
      await this.#deps.store.detach(entry.live.id, connectionId, now);
    } catch (error) {
      // It counts as gone since its last beat.
      this.#deps.log.warn({ err: error }, 'detach failed');
    }
  }

  #beginOpening(sessionId: string): () => void {
    const opening = this.#opening.get(sessionId) ?? { count: 0, records: [] };
    this.#opening.set(sessionId, opening);
    opening.count++;
    return () => {
      opening.count--;
      if (opening.count === 0) this.#opening.delete(sessionId);
    };
  }

  #receive(record: NodeRecord): void {
    const live = this.#entries.get(record.sessionId)?.live;
    if (live !== undefined) this.#deliver(live, record);
    // Also then: the one that is live may be let go of before the other is opened.
    this.#opening.get(record.sessionId)?.records.push(record);
  }

  #deliver(live: LiveSession, record: NodeRecord): void {
    switch (record.kind) {
      case 'events':
        return live.receiveEvents(record.epoch, record.fromSeq, record.events);
      case 'chunk':
        return live.receiveChunk(record.messageId, record.runId, record.attempt, record.index, record.json);
      case 'gone':
        return void live.vanished();
    }
  }
}
