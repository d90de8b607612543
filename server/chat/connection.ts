import type { Socket } from 'node:net';
import { CONNECTION_ESTABLISHED_MESSAGE, type ConnectData } from '../../protocol/chat/handshake.ts';
import type { UpMessage } from '../../protocol/chat/parse.ts';
import { CLOSE_CODES, type CloseCode } from '../../protocol/close-codes.ts';
import type { SocketSettings } from '../config.ts';
import { COSTS } from '../load/costs.ts';
import type { WorkGovernor } from '../load/work-governor.ts';
import { mayUse, type Principal } from '../auth/principal.ts';
import type { UnsentShare } from '../flow/unsent-budget.ts';
import { type GoneReason, SessionGone } from '../session/gone.ts';
import type { LiveSession } from '../session/live-session.ts';
import { StoreUnavailable } from '../store/store.ts';
import type { Member } from './admission.ts';
import { type Admitted, admit, keyRefusal } from './authenticate.ts';
import { limitBytes } from './byte-limit.ts';
import type { ChatDeps } from './chat-deps.ts';
import {
  type ConnectionEvent,
  type ConnectionLimits,
  type ConnectionState,
  type Frame,
  initialState,
  MAX_CONNECT_BYTES,
  transition,
} from './connection-state.ts';
import { debugFrame } from './debug-frame.ts';
import { type FrameBudget, type FrameRate, spend } from './frame-budget.ts';
import { greet } from './greeting.ts';
import { frameOf, handle, type Reply } from './handlers.ts';
import { Inbound, type InboundOptions } from './inbound.ts';
import { LargeReplies } from './large-replies.ts';
import { Outbound, type OutboundOptions } from './outbound.ts';
import { PeerHold } from './peer-hold.ts';
import { PeerWatch, type PeerWatchOptions } from './peer-watch.ts';
import { INTERNAL_ERROR, OUT_OF_REACH, type Refusal, refusal } from './refusal.ts';
import { bytesOf, type ChatSocket, own, type SocketData, type SocketOwner } from './socket.ts';

export interface ConnectionOptions {
  readonly socket: ChatSocket;
  readonly tcp: Socket;
  readonly address: string;
  /** It came by the debug endpoint. */
  readonly debug: boolean;
}

/** What all connections of a node share, besides what every part of the chat plane does. */
export interface ConnectionDeps extends ChatDeps {
  readonly limits: ConnectionLimits;
  /** How many pings and pongs a peer may send. */
  readonly controlRate: FrameRate;
  /** That budget, unused: one object for all who have not used theirs. */
  readonly fullControlBudget: FrameBudget;
  readonly onClosed: (connection: ChatConnection) => void;
}

const ESTABLISHED = frameOf(
  'connection_established',
  JSON.stringify({ message: CONNECTION_ESTABLISHED_MESSAGE }),
  undefined,
);

/** When a connection beyond a subject's number, or one that made room for another, may try again: nobody knows when one goes. */
const ROOM_WAIT_MS = 1000;

const NOTHING = (): void => {};

/** A WebSocket frame's own bytes, at most, for what a client may send before it is authenticated. */
const FRAMING_BYTES = 4096;

/**
 * One chat socket: performs what `connection-state.ts` decides. It holds no state of the session: when it goes,
 * nothing but its attachment goes with it. There are many, and most do nothing: what is needed only to come in is let
 * go of once it is in, and its parts use it itself for their options.
 */
export class ChatConnection
  implements OutboundOptions, PeerWatchOptions, SocketOwner, Member, InboundOptions
{
  readonly id: string;
  readonly socket: ChatSocket;
  readonly tcp: Socket;
  readonly peer: PeerHold;
  readonly outbound: Outbound;
  readonly address: string;
  readonly #debug: boolean;
  readonly #deps: ConnectionDeps;
  readonly #watch: PeerWatch;
  #state: ConnectionState;
  #live: undefined | LiveSession;
  #detach: () => unknown = NOTHING;
  #principal: undefined | Principal;
  /** Whose connections it is counted among. */
  #subject: undefined | string;
  readonly #inbound: Inbound;
  #cancelDeadline: () => void = NOTHING;
  #stopCounting: () => void = NOTHING;
  #large: undefined | LargeReplies;
  #closed = false;
  #controlBudget: FrameBudget;
  /** The close frame was sent: what came behind it is not looked at. */
  #hungUp = false;

  constructor({ socket, tcp, address, debug }: ConnectionOptions, deps: ConnectionDeps) {
    this.id = deps.random.token(12);
    this.socket = socket;
    this.tcp = tcp;
    this.address = address;
    this.#debug = debug;
    this.#deps = deps;
    const now = deps.clock.now();
    this.#state = initialState(deps.limits, now);
    this.#controlBudget = deps.fullControlBudget;
    this.peer = new PeerHold(socket);
    this.#inbound = new Inbound(this);
    this.outbound = new Outbound(this);
    this.#watch = new PeerWatch(this, now);
    own(socket, this);
  }

  /** Greets the peer and waits for its `connect`. */
  open(): void {
    const { clock, settings } = this.#deps;
    this.#countBytes();
    this.outbound.send(ESTABLISHED);
    if (settings.sockets.authTimeoutMs > 0)
      this.#cancelDeadline = clock.after(settings.sockets.authTimeoutMs, () =>
        this.#dispatch({ type: 'auth_deadline' }),
      );
  }

  get principal(): undefined | Principal {
    return this.#principal;
  }

  get sessionId(): undefined | string {
    return this.#live?.id;
  }

  get settings(): SocketSettings {
    return this.#deps.settings.sockets;
  }

  get governor(): WorkGovernor {
    return this.#deps.load;
  }

  get listeners(): number {
    return this.#live?.subscribers ?? 0;
  }

  get isOpen(): boolean {
    return this.#state.name === 'open';
  }

  get queueBytes(): number {
    return this.settings.sendQueueBytes;
  }

  openShare(): undefined | UnsentShare {
    return this.#subject === undefined ? undefined : this.#deps.unsent.share(this.#subject);
  }

  onQueue(bytes: number): void {
    this.#deps.metrics.sendQueueBytes.observe(bytes);
  }

  onSent(length: number): void {
    this.#inbound.charge(COSTS.sent + length);
  }

  onSlowReader(): void {
    this.#deps.metrics.slowReaders.inc();
  }

  onError(error: unknown): void {
    this.#onFault(error, undefined);
  }

  /** Ends it with an error, `disconnect`, and the close frame. */
  end(what: Refusal): void {
    this.#dispatch({ type: 'end', refusal: what });
  }

  /** It makes room for another address: told why, and gone without waiting for its answer. */
  evict(): void {
    this.end(refusal('rate_limited', undefined, { retry_after_ms: ROOM_WAIT_MS }));
    this.tcp.destroySoon();
  }

  /** Tells the reason and closes, without an error: a drain, an erased session. */
  dismiss(reason: string, close: CloseCode): void {
    // Not the state: frames that were held are judged together, and one behind a goodbye may have ended it already.
    if (this.#hungUp || this.#closed) return;
    this.#state = { name: 'closed' };
    this.#hangUp(reason, close);
  }

  /** Sends an unlogged frame, if it is authenticated. */
  tell(frame: string): void {
    if (this.#state.name === 'open') this.outbound.send(frame);
  }

  /** The key's standing may have changed: fewer permissions apply at once, a revoked or expired key ends it. */
  recheck(): void {
    if (this.#principal === undefined || this.#state.name !== 'open') return;
    const result = this.#deps.keys.recheck(this.#principal);
    if (result.kind !== 'ok') return this.end(keyRefusal(result));
    if (this.#reaches(result.principal)) return this.#take(result.principal);
    this.end(
      refusal('forbidden', 'The key does not reach this workspace', { close: CLOSE_CODES.authentication }),
    );
  }

  /** Whether the key may still use the workspace of this connection's session. */
  #reaches(principal: Principal): boolean {
    return this.#live === undefined || mayUse(principal, this.#live.workspace);
  }

  /** Called about once a second. */
  tick(now: number): void {
    this.#watch.tick(now);
    this.outbound.nudge();
    if (this.#principal?.expiresAt !== undefined && now >= this.#principal.expiresAt) this.recheck();
  }

  clockMoved(ms: number): void {
    this.#watch.clockMoved(ms);
  }

  terminate(): void {
    this.socket.terminate();
  }

  /** Until it is authenticated, more bytes than one `connect` may have end the connection before they are put together. */
  #countBytes(): void {
    const stop = limitBytes(this.tcp, MAX_CONNECT_BYTES + FRAMING_BYTES, () => {
      const text = `A frame may have at most ${MAX_CONNECT_BYTES} bytes`;
      this.end(refusal('limit_exceeded', text, { close: CLOSE_CODES.frameTooLarge }));
    });
    this.#stopCounting = () => {
      stop();
      this.#stopCounting = NOTHING;
    };
  }

  onSign(): void {
    const now = this.#deps.clock.now();
    this.#watch.heard(now);
    this.#spendControl(now);
  }

  onFrame(data: SocketData, isBinary: boolean): void {
    const now = this.#deps.clock.now();
    this.#watch.heard(now);
    // What comes behind the close frame is read and not looked at; so is a flood, but not for long.
    if (this.#hungUp) return this.#spendControl(now);
    this.#inbound.take(bytesOf(data), isBinary);
  }

  accept(frame: Frame): void {
    this.#dispatch({ type: 'frame', frame });
  }

  onReleased(): void {
    this.#dispatch({ type: 'released' });
  }

  /**
   * Pings and pongs cost little each, but a flood of them is a flood. One that goes on after the close frame is not read
   * any more: its close timeout ends it, and it has the time until then to see why.
   */
  #spendControl(now: number): void {
    const { budget, retryAfterMs } = spend(this.#controlBudget, this.#deps.controlRate, now);
    this.#controlBudget = budget;
    if (retryAfterMs === 0) return;
    if (this.#hungUp) this.socket.pause();
    else this.end(refusal('rate_limited', undefined, { retry_after_ms: retryAfterMs }));
  }

  #dispatch(event: ConnectionEvent): void {
    const { state, actions } = transition(this.#state, event, this.#deps.clock.now(), this.#deps.limits);
    this.#state = state;
    for (const action of actions) {
      if (this.#hungUp) return;
      switch (action.do) {
        case 'authenticate':
          this.#stopCounting();
          void this.#authenticate(action.data, action.id);
          break;
        case 'handle':
          void this.#handle(action.message, action.id);
          break;
        case 'refuse':
          this.#refuse(action.refusal, action.replyTo);
      }
    }
  }

  async #authenticate(data: ConnectData, id: undefined | string): Promise<void> {
    const { admission, keyCheck, metrics, clock } = this.#deps;
    const began = clock.now();
    try {
      const key = keyCheck.try(data.api_key, this.address);
      if (key.kind !== 'ok')
        return this.#dispatch({ type: 'refused', refusal: keyRefusal(key), replyTo: id });
      // Before its session is opened: one that is turned away makes none.
      if (!admission.authenticated(this, key.principal.subject)) {
        const wait = refusal('rate_limited', undefined, { retry_after_ms: ROOM_WAIT_MS });
        return this.#dispatch({ type: 'refused', refusal: wait, replyTo: id });
      }
      this.#subject = key.principal.subject;
      const maxBytes = await this.#largeReplies(this.#subject).roomToOpen();
      if (this.#closed) return;
      const result = await admit(
        data,
        { principal: key.principal, connectionId: this.id, maxBytes },
        this.#deps,
      );
      if (result.kind === 'refused') {
        this.#withdraw();
        return this.#dispatch({ type: 'refused', refusal: result.refusal, replyTo: id });
      }
      // It closed, or ran out of time, while its session was opened.
      if (this.#closed || this.#state.name !== 'authenticating') return void result.attachment.detach();
      this.#cancelDeadline();
      this.#cancelDeadline = NOTHING;
      this.#live = result.attachment.live;
      this.#detach = result.attachment.detach;
      this.#principal = result.principal;
      this.#inbound.join(key.principal.subject);
      this.#welcome(result, id, began);
      metrics.restoreSeconds.observe((clock.now() - began) / 1000);
    } catch (error) {
      this.#withdraw();
      this.#onFault(error, id);
    } finally {
      this.#large?.giveBack();
    }
  }

  /** What this connection is answered with that is large; made when it is needed. */
  #largeReplies(subject: string): LargeReplies {
    this.#large ??= new LargeReplies(subject, this.#deps);
    return this.#large;
  }

  /** It was not let in after all: its subject may have another connection instead. */
  #withdraw(): void {
    if (this.#subject === undefined || this.#closed || this.#live !== undefined) return;
    this.#deps.admission.withdraw(this, this.#subject);
    this.#subject = undefined;
    this.#large?.close();
    this.#large = undefined;
  }

  #welcome(admitted: Admitted, id: undefined | string, began: number): void {
    const { frames, missed, cursor } = greet(admitted, this.id, id, this.#deps);
    for (const frame of frames) this.outbound.send(frame);
    if (this.#debug) this.outbound.send(debugFrame(admitted, began, this.#deps));
    const { permissions } = admitted.principal;
    // Its requests are answered after what it missed, however long that takes.
    this.outbound.follow(admitted.attachment.live, cursor, missed, () => {
      this.#dispatch({ type: 'authenticated', permissions });
      // The keys may have changed while the session was opened, and nobody looked at this connection then.
      this.recheck();
    });
  }

  #handle(message: UpMessage, id: undefined | string): Promise<void> {
    if (message.type !== 'history_request' && message.type !== 'context_request')
      return this.#perform(message, id);
    // None while one still waits to be taken: these replies are large, requests for them small.
    return this.#largeReplies(this.#subject ?? '')
      .push(
        () => this.outbound.room(),
        () => this.#perform(message, id),
      )
      .catch((error: unknown) => this.#onFault(error, id));
  }

  async #perform(message: UpMessage, id: undefined | string): Promise<void> {
    const [live, principal] = [this.#live, this.#principal];
    if (live === undefined || principal === undefined || message.type === 'connect' || this.#closed) return;
    try {
      const replying = handle(message, {
        deps: this.#deps,
        live,
        principal,
        id,
        refresh: (apiKey) => this.#refresh(apiKey),
      });
      // What needs no waiting is answered before the next frame is looked at: that one may be the last.
      this.#answer(replying instanceof Promise ? await replying : replying, id);
    } catch (error) {
      this.#onFault(error, id);
    }
  }

  #answer(reply: Reply, id: undefined | string): void {
    switch (reply.kind) {
      case 'frame':
        return this.outbound.send(reply.frame);
      case 'refused':
        return this.#refuse(reply.refusal, id);
      case 'goodbye':
        return this.dismiss('Goodbye', CLOSE_CODES.normal);
    }
  }

  #refresh(apiKey: string): undefined | Refusal {
    const result = this.#deps.keyCheck.try(apiKey, this.address);
    if (result.kind !== 'ok') return keyRefusal(result);
    if (result.principal.subject !== this.#principal?.subject)
      return refusal('forbidden', 'The key is of another subject');
    if (!this.#reaches(result.principal))
      return refusal('forbidden', 'The key does not reach this workspace');
    this.#take(result.principal);
    return undefined;
  }

  #take(principal: Principal): void {
    this.#principal = principal;
    this.#dispatch({ type: 'permissions', permissions: principal.permissions });
  }

  #refuse(what: Refusal, replyTo: undefined | string): void {
    this.#deps.metrics.refusals[what.error.error_type].inc();
    this.outbound.send(frameOf('error', JSON.stringify(what.error), replyTo));
    if (what.close !== null) {
      this.#state = { name: 'closed' };
      this.#hangUp(what.error.message, what.close);
    }
  }

  #hangUp(reason: string, close: CloseCode): void {
    this.#hungUp = true;
    this.outbound.send(frameOf('disconnect', JSON.stringify({ reason }), undefined));
    this.outbound.stop();
    this.#inbound.stopWaiting();
    // A close reason may have 123 bytes.
    this.socket.close(close.code, reason.slice(0, 60));
  }

  onGone(reason: GoneReason): void {
    if (reason === 'erased') return this.dismiss('erased', CLOSE_CODES.normal);
    // The log is another than the client knows: when it comes back it is told so.
    this.dismiss('The session must be opened again', CLOSE_CODES.restarting);
  }

  /** Whatever a handler threw: the store's absence is the client's to wait for, anything else is a bug of ours. */
  #onFault(error: unknown, replyTo: undefined | string): void {
    if (this.#closed) return;
    if (error instanceof StoreUnavailable) {
      this.#deps.metrics.storeUnavailable.inc();
      this.#dispatch({ type: 'refused', refusal: OUT_OF_REACH, replyTo });
      return;
    }
    if (error instanceof SessionGone) return this.onGone(error.reason);
    this.#deps.log.error({ err: error }, 'a chat message failed');
    this.#dispatch({ type: 'end', refusal: INTERNAL_ERROR });
  }

  onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelDeadline();
    this.#stopCounting();
    this.outbound.stop();
    this.#large?.close();
    this.#inbound.close();
    this.#dispatch({ type: 'socket_closed' });
    this.#deps.admission.leave(this, this.#subject);
    void this.#detach();
    this.#deps.onClosed(this);
  }
}
