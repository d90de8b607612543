import type { Socket } from 'node:net';
import type { SocketSettings } from '../config.ts';
import type { Outbound } from './outbound.ts';
import type { PeerHold } from './peer-hold.ts';
import type { ChatSocket } from './socket.ts';

export interface PeerWatchOptions {
  readonly socket: ChatSocket;
  readonly tcp: Socket;
  readonly outbound: Pick<Outbound, 'peerHeld' | 'pressed'>;
  readonly peer: Pick<PeerHold, 'holds'>;
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
  /** Since when the peer has taken nothing of what was sent to it, and what was on its way then. */
  #stuckSince: undefined | number;
  #stuckAt = '';

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
    const { heartbeatIntervalMs, silenceTimeoutMs, slowReaderMs, pressedReaderMs } = settings;
    // One that is not read from cannot be heard: how long it may stay so is the slow reader's limit.
    if (outbound.peerHeld || peer.holds('fairness')) this.#heardAt = now;
    if (silenceTimeoutMs > 0 && now - this.#heardAt > silenceTimeoutMs) return socket.terminate();
    if (heartbeatIntervalMs > 0 && now >= this.#pingAt) {
      this.#pingAt = now + heartbeatIntervalMs;
      if (socket.readyState === socket.OPEN) socket.ping();
    }
    const patienceMs = outbound.pressed ? least(slowReaderMs, pressedReaderMs) : slowReaderMs;
    this.#watchReader(now, patienceMs);
  }

  /** While bytes are unsent, each look must find that some of them went since the look before. 0: for no time is too long. */
  #watchReader(now: number, limitMs: number): void {
    const { socket, tcp } = this.#options;
    const unsent = socket.bufferedAmount;
    const at = unsent > 0 ? progressOf(tcp) : '';
    if (unsent === 0 || this.#stuckSince === undefined || at !== this.#stuckAt) {
      this.#stuckSince = unsent > 0 ? now : undefined;
      this.#stuckAt = at;
      return;
    }
    if (limitMs === 0 || now - this.#stuckSince <= limitMs) return;
    this.#options.onSlowReader();
    socket.terminate();
  }
}

/** The shorter of two times of which 0 means none. */
function least(a: number, b: number): number {
  return a === 0 || b === 0 ? a + b : Math.min(a, b);
}

/**
 * A text that changes whenever the kernel took something. One large write counts as a whole for the socket, which says
 * nothing until it is through; how much of it is left only the handle knows. Node's own socket timeout looks there, too.
 */
function progressOf(tcp: Socket): string {
  const { _handle: handle } = tcp as Socket & {
    readonly _handle?: null | { readonly writeQueueSize?: number };
  };
  return `${tcp.bytesWritten - tcp.writableLength}/${handle?.writeQueueSize ?? 0}`;
}
