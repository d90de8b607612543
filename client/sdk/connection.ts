import {
  type ConnectionEvent,
  deadlineOf,
  initialState,
  transition,
  type Verdict,
} from './connection-state.ts';
import type { ConnectionState, ReconnectWindow } from './connection-types.ts';
import { type HoldfastError, LineLostError } from './errors.ts';
import { Heartbeat } from './heartbeat.ts';
import type { ClientClock, ClientRandom, Transport, TransportSocket, WakeSignals } from './ports.ts';

/**
 * What is said over a connection: the handshake, the frames, and what a loss means. The connection itself knows nothing of
 * it, so that the chat plane and the agent plane stand on the same core.
 */
export interface Plane {
  /** Where to connect to; asked anew for each attempt. */
  url(): string;
  /** The socket is open: the handshake begins. It ends with `accepted`, then `ready`. */
  opened(): void;
  /** One text frame. */
  received(text: string): void;
  ping(): void;
  goodbye(): void;
  /** The socket was closed by the peer or the network: what now? */
  judge(code: number, reason: string): Verdict;
  /** The state changed. */
  changed(state: ConnectionState, previous: ConnectionState): void;
}

export interface ConnectionPorts {
  readonly transport: Transport;
  readonly clock: ClientClock;
  readonly random: ClientRandom;
  readonly signals: WakeSignals;
}

/** One socket; `live` until it was dropped or closed, so that a late word of an old one is not taken for the new one's. */
interface Wire {
  live: boolean;
  socket: TransportSocket | undefined;
}

/** The shell of `connection-state.ts`: does on a transport and a clock what the pure machine decides. */
export class Connection {
  readonly #ports: ConnectionPorts;
  readonly #plane: Plane;
  readonly #heartbeat: Heartbeat;
  readonly #tasks: (() => void)[] = [];
  #draining = false;
  #state: ConnectionState;
  #wire: Wire = { live: false, socket: undefined };
  #cancelTimer: () => void = () => {};
  #unsubscribe: () => void = unheard;

  constructor(ports: ConnectionPorts, window: ReconnectWindow, plane: Plane) {
    this.#ports = ports;
    this.#plane = plane;
    this.#state = initialState(window);
    this.#heartbeat = new Heartbeat(
      ports.clock,
      () => plane.ping(),
      () => this.useless({ retry: 'at_once', error: new LineLostError(1006, 'the line was silent') }),
    );
  }

  get state(): ConnectionState {
    return this.#state;
  }

  connect(): void {
    this.#dispatch({ type: 'connect' });
  }

  close(): void {
    this.#dispatch({ type: 'close' });
  }

  retryNow(): void {
    this.#dispatch({ type: 'retry_now' });
  }

  credentials(): void {
    this.#dispatch({ type: 'credentials' });
  }

  /** The plane's handshake succeeded. `heartbeatMs` 0: no pings of our own. */
  accepted(window: ReconnectWindow, heartbeatMs: number): void {
    this.#heartbeat.start(heartbeatMs);
    this.#dispatch({ type: 'accepted', window });
  }

  /** The plane has all that was missed. */
  ready(): void {
    this.#dispatch({ type: 'ready' });
  }

  leaving(reconnectInMs: number): void {
    this.#dispatch({ type: 'leaving', reconnectInMs });
  }

  /** The plane cannot use this line any more: it is dropped, whatever is still on it is not read. */
  useless(verdict: Verdict): void {
    this.#wire.live = false;
    this.#dispatch({ type: 'useless', verdict });
  }

  /** The same for a peer that said something that does not add up. */
  outOfStep(error: HoldfastError): void {
    this.useless({ retry: 'at_once', error });
  }

  /** Hands a frame to the socket. `false`: there is none. */
  send(text: string): boolean {
    if (!this.#wire.live || this.#wire.socket === undefined) return false;
    this.#wire.socket.send(text);
    return true;
  }

  /** Events are taken one after the other, also those that an action or a listener causes. */
  #dispatch(event: ConnectionEvent): void {
    this.#run(() => this.#step(event));
  }

  #run(task: () => void): void {
    this.#tasks.push(task);
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let next = this.#tasks.shift(); next !== undefined; next = this.#tasks.shift()) next();
    } finally {
      this.#draining = false;
    }
  }

  #step(event: ConnectionEvent): void {
    const previous = this.#state;
    const { clock, random } = this.#ports;
    const { state, actions } = transition(previous, event, clock.now(), random.next());
    if (state === previous) return;
    this.#state = state;
    for (const action of actions) {
      switch (action.type) {
        case 'open':
          this.#open();
          break;
        case 'goodbye':
          this.#plane.goodbye();
          break;
        case 'drop':
          this.#drop(action.reason);
          break;
      }
    }
    this.#arm();
    this.#listen();
    this.#plane.changed(state, previous);
  }

  #open(): void {
    const wire: Wire = { live: true, socket: undefined };
    this.#wire = wire;
    const when = (fn: () => void) => () => this.#run(() => wire.live && fn());
    wire.socket = this.#ports.transport.open(this.#plane.url(), {
      onOpen: when(() => {
        this.#dispatch({ type: 'opened' });
        this.#run(() => wire.live && this.#plane.opened());
      }),
      onText: (text) =>
        when(() => {
          this.#heartbeat.heard();
          this.#plane.received(text);
        })(),
      onClose: (code, reason) =>
        when(() => {
          wire.live = false;
          this.#heartbeat.stop();
          this.#dispatch({ type: 'dropped', verdict: this.#plane.judge(code, reason) });
        })(),
    });
  }

  #drop(reason: string): void {
    const { socket } = this.#wire;
    this.#wire.live = false;
    this.#wire.socket = undefined;
    this.#heartbeat.stop();
    // The peer reads it as a normal closure; close reasons are at most 123 bytes.
    socket?.close(1000, reason.replace(/[^\x20-\x7e]/g, '?').slice(0, 120));
  }

  #arm(): void {
    this.#cancelTimer();
    const deadline = deadlineOf(this.#state);
    if (deadline === undefined) return;
    const { clock } = this.#ports;
    this.#cancelTimer = clock.after(Math.max(0, deadline - clock.now()), () => {
      this.#dispatch({ type: 'tick' });
      // A timer that came early (clocks that were set back) is set again.
      if (deadlineOf(this.#state) === deadline && clock.now() < deadline) this.#arm();
    });
  }

  /** Signals of the world are listened to only while somebody wants a line. */
  #listen(): void {
    const wanted =
      this.#state.name !== 'idle' && this.#state.name !== 'closed' && this.#state.name !== 'failed';
    if (!wanted) {
      this.#unsubscribe();
      this.#unsubscribe = unheard;
      return;
    }
    if (this.#unsubscribe !== unheard) return;
    this.#unsubscribe = this.#ports.signals.subscribe(() => {
      this.#heartbeat.probe();
      this.#dispatch({ type: 'wake' });
    });
  }
}

const unheard = (): void => {};
