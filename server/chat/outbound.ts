import type { Socket } from 'node:net';
import { FREE_BYTES, type UnsentShare } from '../flow/unsent-budget.ts';
import type { GoneReason } from '../session/gone.ts';
import type { LiveSession, Subscriber } from '../session/live-session.ts';
import { StoreUnavailable } from '../store/store.ts';
import { holdForTurn } from './turn-writes.ts';
import type { PeerHold } from './peer-hold.ts';
import type { ChatSocket } from './socket.ts';

/** Where a connection stands: the last event that it was sent, and its place in the message in flight. */
export interface Cursor {
  readonly seq: number;
  readonly partial:
    | undefined
    | { readonly messageId: string; readonly attempt: number; readonly nextIndex: number };
}

/** Events that a peer does not have: the first of those after `afterSeq`. Others, up to its cursor, are read when there is room. */
export interface Missed {
  readonly afterSeq: number;
  readonly events: readonly string[];
}

export interface OutboundOptions {
  readonly socket: ChatSocket;
  /** The TCP socket beneath: it says when there is room again, and holds back the frames of one turn. */
  readonly tcp: Socket;
  readonly peer: PeerHold;
  /** How many bytes may wait in the socket before the log is held back, and no more requests are read. */
  readonly queueBytes: number;
  /** This connection's part of what its subject's peers may have unsent; `undefined` until there is a subject. Closed by `stop`. */
  openShare(): undefined | UnsentShare;
  /** Told what waits in the socket whenever the log moves on. */
  readonly onQueue: (bytes: number) => void;
  /** Told how long each frame is that is sent. */
  readonly onSent: (length: number) => void;
  readonly onGone: (reason: GoneReason) => void;
  readonly onError: (error: unknown) => void;
}

/** About how much of the log is fetched at once for a connection that is behind. */
const READ_BYTES = 262_144;

/**
 * What goes out over one connection. Replies go at once; the log goes by a cursor: while the socket is full nothing is
 * pushed, and when it has drained the connection catches up from memory or the store. So a slow reader costs the
 * server a number, not a queue. Nor can it pile up replies: while they wait its requests are not read. Large events wait
 * also while the other connections of its subject have too much unsent.
 */
export class Outbound implements Subscriber {
  readonly #options: OutboundOptions;
  #live: undefined | LiveSession;
  #seq = 0;
  #messageId = '';
  #attempt = 0;
  #nextIndex = 0;
  #reading = false;
  /** A reading failed for want of a store: the connection is behind, and nothing may ever wake it. */
  #stranded = false;
  #blocked = false;
  #peerHeld = false;
  #listensForDrain = false;
  /** While what a restore showed as missed is still on its way: up to where, and who waits for it. */
  #catchingUp: undefined | { readonly toSeq: number; readonly onHead: () => void };
  #awaitingRoom: undefined | (() => void)[];
  /** Made for the first backlog: most connections never have one. */
  #share: undefined | UnsentShare;
  #awaitsShare = false;

  constructor(options: OutboundOptions) {
    this.#options = options;
  }

  /** Whether the socket is full and the log is held back. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Whether the peer is not read from, because it does not read what it was answered, or has not got what it missed. */
  get peerHeld(): boolean {
    return this.#peerHeld;
  }

  /** Whether other connections of the subject wait for what this one has not taken. */
  get pressed(): boolean {
    return this.#share?.pressed ?? false;
  }

  /** Resolves once the socket has room again; at once when it has, or when nothing is sent any more. */
  async room(): Promise<void> {
    if (!this.#isOverfull() || this.#options.socket.readyState !== this.#options.socket.OPEN) return;
    this.#awaitDrain();
    await new Promise<void>((resolve) => {
      this.#awaitingRoom = [...(this.#awaitingRoom ?? []), resolve];
    });
  }

  /** Sends a frame that is not of the log. */
  send(frame: string): void {
    this.#write(frame);
    if (!this.#isOverfull()) return;
    this.#holdPeer();
    this.#awaitDrain();
  }

  /**
   * Follows the session from the cursor on: what is after it goes out now, the rest as it comes. With `missed`, what the
   * peer missed before that goes first: it is not read from until it was sent all of it, and then `onHead` is called.
   */
  follow(live: LiveSession, cursor: Cursor, missed?: Missed, onHead = () => {}): void {
    this.#live = live;
    this.#seq = missed?.afterSeq ?? cursor.seq;
    if (cursor.partial !== undefined) {
      this.#messageId = cursor.partial.messageId;
      this.#attempt = cursor.partial.attempt;
      this.#nextIndex = cursor.partial.nextIndex;
    }
    live.subscribe(this);
    // It ended between its opening and now.
    if (live.gone !== undefined) return this.gone(live.gone);
    for (const frame of missed?.events ?? []) if (!this.#push(frame)) break;
    if (this.#seq >= cursor.seq) onHead();
    else {
      this.#catchingUp = { toSeq: cursor.seq, onHead };
      this.#holdPeer();
    }
    this.#pump();
  }

  stop(): void {
    this.#live?.unsubscribe(this);
    this.#live = undefined;
    this.#catchingUp = undefined;
    this.#releasePeer();
    this.#roomIsThere();
    this.#share?.close();
    this.#share = undefined;
  }

  /** Called now and then: tries again what failed while the store was away, and says what was taken meanwhile. */
  nudge(): void {
    if (this.#share !== undefined) this.#countUnsent();
    if (!this.#stranded) return;
    this.#stranded = false;
    this.#pump();
  }

  advanced(): void {
    this.#options.onQueue(this.#options.socket.bufferedAmount);
    this.#pump();
  }

  gone(reason: GoneReason): void {
    this.stop();
    this.#options.onGone(reason);
  }

  #pump(): void {
    const live = this.#live;
    // Asked first: for a reader that takes nothing nothing is read from the store.
    if (live === undefined || this.#reading || this.#isFull(0)) return;
    while (this.#seq < live.seq) {
      const frames = live.framesAfter(this.#seq);
      if (frames === undefined) return this.#read(live);
      for (const frame of frames) if (!this.#push(frame)) return;
    }
    // This node may be behind what the connection was shown: its message in flight may have been completed since.
    if (this.#seq === live.seq) this.#pumpChunks(live);
  }

  /** Sends one frame of the log, and moves the cursor. `false`: there is no room. */
  #push(frame: string): boolean {
    if (this.#isFull(frame.length)) return false;
    this.#write(frame);
    this.#seq++;
    if (this.#seq === this.#catchingUp?.toSeq) this.#reachHead(this.#catchingUp.onHead);
    return true;
  }

  #reachHead(onHead: () => void): void {
    this.#catchingUp = undefined;
    if (this.#isOverfull()) this.#awaitDrain();
    else this.#releasePeer();
    onHead();
  }

  #holdPeer(): void {
    if (this.#peerHeld) return;
    this.#peerHeld = true;
    this.#options.peer.hold('answers');
  }

  #releasePeer(): void {
    if (!this.#peerHeld) return;
    this.#peerHeld = false;
    this.#options.peer.release('answers');
  }

  #pumpChunks(live: LiveSession): void {
    const partial = live.partial;
    if (partial === null) return;
    if (partial.messageId !== this.#messageId) {
      this.#write(
        `{"type":"message_started","data":{"message_id":${JSON.stringify(partial.messageId)},"run_id":${JSON.stringify(partial.runId)}}}`,
      );
      this.#messageId = partial.messageId;
      this.#attempt = 0;
    }
    if (partial.attempt !== this.#attempt) {
      this.#attempt = partial.attempt;
      this.#nextIndex = 0;
    }
    while (this.#nextIndex < partial.count) {
      const frame = partial.frame(this.#nextIndex);
      if (frame === undefined) return this.#readChunks(live);
      if (this.#isFull(frame.length)) return;
      this.#write(frame);
      this.#nextIndex++;
    }
  }

  /** Fetches what memory no longer holds, sends it, and goes on. */
  #read(live: LiveSession): void {
    if (this.#isFull(READ_BYTES)) return;
    this.#reading = true;
    this.#countUnsent();
    live.readFrames(this.#seq, READ_BYTES).then(
      (frames) => {
        this.#reading = false;
        this.#countUnsent();
        if (frames.length === 0) return this.gone('rewritten');
        for (const frame of frames) if (!this.#push(frame)) return;
        this.#pump();
      },
      (error) => this.#readFailed(error),
    );
  }

  #readChunks(live: LiveSession): void {
    this.#reading = true;
    live.wholePartial().then(
      () => {
        this.#reading = false;
        // What is not there now comes with the next change, if it comes at all.
        if (live.partial === null || live.partial.base <= this.#nextIndex) this.#pump();
      },
      (error) => this.#readFailed(error),
    );
  }

  #readFailed(error: unknown): void {
    this.#reading = false;
    this.#countUnsent();
    if (error instanceof StoreUnavailable) this.#stranded = true;
    else this.#options.onError(error);
  }

  #write(frame: string): void {
    const { socket, tcp } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    holdForTurn(tcp);
    socket.send(frame);
    if (frame.length > FREE_BYTES || this.#share !== undefined) this.#countUnsent();
    this.#options.onSent(frame.length);
  }

  /** Whether there is no room for so many bytes more; then the cursor goes on by itself when there is. */
  #isFull(bytes: number): boolean {
    this.#blocked = this.#isOverfull();
    if (this.#blocked) this.#awaitDrain();
    return this.#blocked || (bytes > 0 && this.#isOverShare(bytes));
  }

  /** Whether the subject's connections have too much unsent for so many bytes more. */
  #isOverShare(bytes: number): boolean {
    if (this.#options.socket.bufferedAmount + bytes <= FREE_BYTES) return false;
    const share = this.#openShare();
    if (share === undefined || share.admits(bytes)) return false;
    if (!this.#awaitsShare) {
      this.#awaitsShare = true;
      share.whenAdmitted(bytes, () => {
        this.#awaitsShare = false;
        this.#pump();
      });
    }
    return true;
  }

  #openShare(): undefined | UnsentShare {
    this.#share ??= this.#options.openShare();
    return this.#share;
  }

  #countUnsent(): void {
    this.#openShare()?.set(this.#options.socket.bufferedAmount + (this.#reading ? READ_BYTES : 0));
    // It stays so until the socket says that it has drained, or the next `nudge`.
    if (this.#options.tcp.writableNeedDrain) this.#awaitDrain();
  }

  /** Never below the stream's own mark: only beyond that it tells when it has drained. */
  #isOverfull(): boolean {
    const { socket, tcp, queueBytes } = this.#options;
    return socket.bufferedAmount > Math.max(queueBytes, tcp.writableHighWaterMark);
  }

  #awaitDrain(): void {
    if (this.#listensForDrain) return;
    this.#listensForDrain = true;
    this.#options.tcp.once('drain', () => {
      this.#listensForDrain = false;
      this.#blocked = false;
      if (this.#share !== undefined) this.#countUnsent();
      if (this.#catchingUp === undefined) this.#releasePeer();
      this.#roomIsThere();
      this.#pump();
    });
  }

  #roomIsThere(): void {
    const waiting = this.#awaitingRoom;
    this.#awaitingRoom = undefined;
    for (const resolve of waiting ?? []) resolve();
  }
}
