import type { ChatSocket } from './socket.ts';

/** Why a peer is not read from: it does not take what it was answered, or its subject has used its share of the work. */
export type HoldReason = 'answers' | 'fairness';

const BIT = { answers: 1, fairness: 2 } as const satisfies Record<HoldReason, number>;

/** Whether a socket is read from: as long as no reason speaks against it. Costs a number. */
export class PeerHold {
  readonly #socket: ChatSocket;
  #reasons = 0;

  constructor(socket: ChatSocket) {
    this.#socket = socket;
  }

  holds(reason: HoldReason): boolean {
    return (this.#reasons & BIT[reason]) !== 0;
  }

  hold(reason: HoldReason): void {
    if (this.#reasons === 0) this.#socket.pause();
    this.#reasons |= BIT[reason];
  }

  release(reason: HoldReason): void {
    if (!this.holds(reason)) return;
    this.#reasons &= ~BIT[reason];
    if (this.#reasons === 0) this.#socket.resume();
  }
}
