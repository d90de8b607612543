/** How much of the newest log a live session keeps in memory for connections that are a little behind. */
export interface RingLimits {
  readonly events: number;
  readonly bytes: number;
}

/**
 * Room for what one append may bring, twice over. More would not help a connection that is far behind, and each event
 * would live just long enough to be copied by every young collection: at 512 that was an eighth of the processor time.
 */
export const RING_LIMITS: RingLimits = { events: 128, bytes: 262_144 };

/** The newest events of one log, as frames. Bounded; what it no longer holds is read from the store. */
export class EventRing {
  #frames: string[] = [];
  #firstSeq = 1;
  #bytes = 0;
  readonly #limits: RingLimits;

  constructor(limits: RingLimits = RING_LIMITS) {
    this.#limits = limits;
  }

  /** Adds the event at `seq`; a gap empties the ring first. */
  push(seq: number, frame: string): void {
    if (seq !== this.#firstSeq + this.#frames.length) {
      this.#frames = [];
      this.#firstSeq = seq;
      this.#bytes = 0;
    }
    this.#frames.push(frame);
    this.#bytes += frame.length;
    while (
      this.#frames.length > this.#limits.events ||
      (this.#bytes > this.#limits.bytes && this.#frames.length > 1)
    ) {
      this.#bytes -= this.#frames.shift()?.length ?? 0;
      this.#firstSeq++;
    }
  }

  /** The event at `seq`, or `undefined` when the ring does not hold it. */
  at(seq: number): undefined | string {
    return this.#frames[seq - this.#firstSeq];
  }

  /** The events after `seq` up to the newest, or `undefined` when some of them are no longer here. */
  after(seq: number): undefined | readonly string[] {
    if (seq + 1 < this.#firstSeq) return undefined;
    return this.#frames.slice(seq + 1 - this.#firstSeq);
  }
}
