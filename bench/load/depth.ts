import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../harness/stats.ts';
import { Feeder } from './feeder.ts';
import type { DepthJob, DepthResult } from './job.ts';
import type { Link, Place, Wire } from './link.ts';

const WINDOW = 32;
const WARM_UP = 20;
/** So many are measured however long they take. */
const FEW = 3;
/** For the server to learn that the line was cut. */
const CUT_MS = 10;

/**
 * A session for each depth. A client comes back to the same place of each, again and again, and has missed the newest
 * few events each time. The depths take turns: what else the machine does burdens all of them.
 */
export async function depth(wire: Wire, { depths, missed, restores, maxMs }: DepthJob): Promise<DepthResult> {
  const sessions = depths.map((stored) => new Session(wire, stored, missed));
  for (const session of sessions) await session.fill();
  const began = performance.now();
  for (let n = 0; n < WARM_UP + restores && (n <= FEW || performance.now() - began < maxMs); n++)
    for (const session of sessions) await session.restore();
  for (const session of sessions) session.end();
  return sessions.map(({ times }) => median(times.slice(times.length > 2 * WARM_UP ? WARM_UP : 1)));
}

class Session {
  readonly times: number[] = [];
  readonly #wire: Wire;
  readonly #stored: number;
  readonly #missed: number;
  readonly #feeder = new Feeder();
  #link!: Link;
  #place!: Place;
  /** The last message that the client had seen when it left, and the last that has come. */
  #left = 0;
  #seen = 0;
  #onSeen: () => void = () => {};

  constructor(wire: Wire, stored: number, missed: number) {
    this.#wire = wire;
    this.#stored = stored;
    this.#missed = missed;
  }

  /** Stores as many events as there are to be, the client having left before the newest. */
  async fill(): Promise<void> {
    const feeder = this.#feeder;
    feeder.link = this.#wire.create({ onAck: () => feeder.acked() });
    await feeder.link.ready;
    this.#link = this.#wire.join(feeder.link, this.#handlers);
    await this.#link.ready;
    // A client's place is that of an event, so there is at least one before those that it misses.
    await feeder.say(Math.max(1, this.#stored - this.#missed), WINDOW);
    await this.#until(feeder.said);
    this.#place = this.#link.place();
    this.#left = feeder.said;
    this.#link.cut();
    await feeder.say(this.#missed, WINDOW);
    await sleep(CUT_MS);
  }

  async restore(): Promise<void> {
    this.#seen = this.#left;
    const began = performance.now();
    this.#link = this.#wire.resume(this.#place, this.#handlers);
    await this.#until(this.#feeder.said);
    this.times.push(performance.now() - began);
    this.#link.cut();
    await sleep(CUT_MS);
  }

  end(): void {
    this.#feeder.link.cut();
  }

  readonly #handlers = {
    onRecord: (n: number): void => {
      if (n !== this.#seen + 1) throw new Error(`after message ${this.#seen} came ${n}`);
      this.#seen = n;
      this.#onSeen();
    },
  };

  #until(n: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onSeen = () => {
        if (this.#seen >= n) resolve();
      };
      this.#onSeen();
    });
  }
}
