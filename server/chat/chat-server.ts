import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import type { ChatDeps } from './chat-deps.ts';
import { ChatConnection, type ConnectionDeps, type ConnectionOptions } from './connection.ts';
import { fullBudget } from './frame-budget.ts';
import { frameOf } from './handlers.ts';

/** How often connections are looked at for silence, pings and expired keys. */
const TICK_MS = 1000;
/** So many seconds' worth of pings and pongs may come at once. */
const CONTROL_BURST_S = 10;
/** A tick that is off by more than this was not only late. */
const LEAP_MS = 5000;

/** All chat connections of this node. */
export class ChatServer {
  readonly #deps: ConnectionDeps;
  readonly #connections = new Set<ChatConnection>();
  #stops: (() => void)[] = [];
  #draining = false;
  #tickedAt = 0;

  constructor(deps: ChatDeps) {
    const { messageRatePerS, messageBurst, maxFrameBytes, controlFrameRatePerS } = deps.settings.sockets;
    const controlRate = { perSecond: controlFrameRatePerS, burst: controlFrameRatePerS * CONTROL_BURST_S };
    this.#deps = {
      ...deps,
      limits: { rate: { perSecond: messageRatePerS, burst: messageBurst }, maxFrameBytes },
      controlRate,
      fullControlBudget: fullBudget(controlRate, 0),
      onClosed: (connection) => this.#connections.delete(connection),
    };
  }

  get draining(): boolean {
    return this.#draining;
  }

  start(): void {
    const { clock, keys } = this.#deps;
    this.#tickedAt = clock.now();
    this.#stops = [
      clock.every(TICK_MS, () => this.#tick(clock.now())),
      keys.onChange(() => {
        for (const connection of this.#connections) connection.recheck();
      }),
    ];
  }

  #tick(now: number): void {
    const leapMs = now - this.#tickedAt - TICK_MS;
    // The machine slept, or its clock was set: in time that nobody saw pass nobody was silent.
    if (Math.abs(leapMs) > LEAP_MS) this.clockMoved(leapMs);
    this.#tickedAt = now;
    for (const connection of this.#connections) connection.tick(now);
  }

  /** Takes nobody any more; those who are here stay until the drain. */
  refuse(): void {
    this.#draining = true;
  }

  /** Takes a socket that has been upgraded. */
  accept(options: ConnectionOptions): void {
    const connection = new ChatConnection(options, this.#deps);
    this.#deps.admission.enter(connection);
    this.#connections.add(connection);
    connection.open();
  }

  clockMoved(ms: number): void {
    this.#tickedAt += ms;
    for (const connection of this.#connections) connection.clockMoved(ms);
  }

  /**
   * Sends everybody away so that they come back spread over the reconnect window, and waits until they have gone or
   * `signal` says that there is no more time.
   */
  async drain(signal: AbortSignal): Promise<void> {
    this.refuse();
    const { clock, random, settings } = this.#deps;
    const { reconnectMinMs, reconnectMaxMs } = settings.sockets;
    // A restart takes about a second or two; coming back sooner than that would be in vain.
    const window = Math.min(reconnectMaxMs, Math.max(reconnectMinMs, DRAIN_SPREAD_MS));
    for (const connection of this.#connections) {
      const reconnect_in_ms = Math.floor(reconnectMinMs + random.next() * (window - reconnectMinMs));
      connection.tell(frameOf('server_closing', JSON.stringify({ reconnect_in_ms }), undefined));
    }
    for (const connection of [...this.#connections])
      connection.dismiss('The server is restarting', CLOSE_CODES.restarting);
    while (this.#connections.size > 0 && !signal.aborted)
      await clock.sleep(DRAIN_POLL_MS, signal).catch(() => undefined);
    for (const connection of this.#connections) connection.terminate();
    this.stop();
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }
}

/** Over how long clients are asked to come back after a drain. */
const DRAIN_SPREAD_MS = 2000;
const DRAIN_POLL_MS = 20;
