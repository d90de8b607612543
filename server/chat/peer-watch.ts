import type { Socket } from 'node:net';
import type { SocketSettings } from '../config.ts';
import type { Outbound } from './outbound.ts';
import type { PeerHold } from './peer-hold.ts';
import type { ChatSocket } from './socket.ts';

export interface PeerWatchOptions {
  readonly socket: ChatSocket;
  readonly tcp: Socket;
  readonly outbound: Outbound;
  readonly peer: PeerHold;
  readonly settings: SocketSettings;
  /** Told before a reader that takes nothing is dropped. */
  onSlowReader(): void;
}

/** Looks after the peer of one socket: pings it, and drops it when it is silent or reads nothing. No close frame then. */
export class PeerWatch {
  readonly #options: PeerWatchOptions;
  /** When the peer was last heard, and when a ping is due. */
  #heardAt: number;
  #pingAt: number;
  #stuckSince: undefined | number;
  #stuckAtBytes = 0;

  constructor(options: PeerWatchOptions, now: number) {
    this.#options = options;
    this.#heardAt = now;
    this.#pingAt = now + options.settings.heartbeatIntervalMs;
  }

  heard(now: number): void {
    this.#heardAt = now;
  }

  /** The clock was moved by hand: nobody was silent for that. */
  clockMoved(ms: number): void {
    this.#heardAt += ms;
    this.#pingAt += ms;
    if (this.#stuckSince !== undefined) this.#stuckSince += ms;
  }

  /** To be called about once a second. */
  tick(now: number): void {
    const { socket, outbound, peer, settings } = this.#options;
    const { heartbeatIntervalMs, silenceTimeoutMs, slowReaderMs } = settings;
    // One that is not read from cannot be heard: how long it may stay so is the slow reader's limit.
    if (outbound.peerHeld || peer.holds('fairness')) this.#heardAt = now;
    if (silenceTimeoutMs > 0 && now - this.#heardAt > silenceTimeoutMs) return socket.terminate();
    if (heartbeatIntervalMs > 0 && now >= this.#pingAt) {
      this.#pingAt = now + heartbeatIntervalMs;
      if (socket.readyState === socket.OPEN) socket.ping();
    }
    if (slowReaderMs > 0) this.#watchReader(now, slowReaderMs);
  }

  #watchReader(now: number, limitMs: number): void {
    const { socket, tcp, outbound, settings } = this.#options;
    const stuck = outbound.blocked || outbound.peerHeld || socket.bufferedAmount > settings.sendQueueBytes;
    const sent = tcp.bytesWritten - socket.bufferedAmount;
    if (!stuck || sent !== this.#stuckAtBytes) {
      this.#stuckSince = stuck ? now : undefined;
      this.#stuckAtBytes = sent;
    } else if (this.#stuckSince !== undefined && now - this.#stuckSince > limitMs) {
      this.#options.onSlowReader();
      socket.terminate();
    }
  }
}
