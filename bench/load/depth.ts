import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../harness/stats.ts';
import { Feeder } from './feeder.ts';
import type { DepthJob, DepthResult } from './job.ts';
import type { Link, Wire } from './link.ts';

const WINDOW = 32;
const WARM_UP = 20;
/** For the server to learn that the line was cut. */
const CUT_MS = 15;

/**
 * One session that grows. At each depth a client comes back to the same place, again and again: it has missed the
 * newest few events each time.
 */
export async function depth(wire: Wire, { depths, missed, restores }: DepthJob): Promise<DepthResult> {
  const feeder = new Feeder();
  feeder.link = wire.create({ onAck: () => feeder.acked() });
  await feeder.link.ready;
  const watch = new Watch();
  watch.link = wire.join(feeder.link, watch);
  await watch.link.ready;
  const medians: number[] = [];
  for (const stored of depths) {
    // A client's place is that of an event, so there is one before those that it misses.
    await feeder.say(Math.max(1, stored - missed - feeder.said), WINDOW);
    await watch.until(feeder.said);
    const [place, seen] = [watch.link.place(), feeder.said];
    watch.link.cut();
    await feeder.say(missed, WINDOW);
    const times: number[] = [];
    for (let n = 0; n < restores + WARM_UP; n++) {
      await sleep(CUT_MS);
      watch.rewind(seen);
      const began = performance.now();
      watch.link = wire.resume(place, watch);
      await watch.until(feeder.said);
      if (n >= WARM_UP) times.push(performance.now() - began);
      if (n < restores + WARM_UP - 1) watch.link.cut();
    }
    medians.push(median(times));
  }
  feeder.link.cut();
  watch.link.cut();
  return medians;
}

class Watch {
  link!: Link;
  #seen = 0;
  #onSeen: () => void = () => {};

  readonly onRecord = (n: number): void => {
    if (n !== this.#seen + 1) throw new Error(`after message ${this.#seen} came ${n}`);
    this.#seen = n;
    this.#onSeen();
  };

  rewind(seen: number): void {
    this.#seen = seen;
  }

  until(n: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onSeen = () => {
        if (this.#seen >= n) resolve();
      };
      this.#onSeen();
    });
  }
}
