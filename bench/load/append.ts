import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../harness/stats.ts';
import type { AppendJob, AppendResult } from './job.ts';
import type { Link, Wire } from './link.ts';

let loops: Loop[] = [];

/**
 * A closed loop: each connection, in a session of its own, sends its next message when the one before was acknowledged
 * and its record has come. Both are waited for: what is acknowledged and not yet told is not done.
 */
export async function append(wire: Wire, job: AppendJob): Promise<undefined | AppendResult> {
  switch (job.step) {
    case 'begin':
      loops = Array.from({ length: job.connections }, () => new Loop(wire));
      await Promise.all(loops.map((loop) => loop.link.ready));
      for (const loop of loops) loop.say();
      await sleep(job.warmUpMs);
      return undefined;
    case 'measure':
      return measure(job.measureMs);
    case 'end':
      await Promise.all(loops.splice(0).map((loop) => loop.end()));
      return undefined;
  }
}

async function measure(ms: number): Promise<AppendResult> {
  for (const loop of loops) loop.times = [];
  const began = performance.now();
  await sleep(ms);
  const times = loops.flatMap((loop) => loop.times);
  return {
    acknowledged: times.length,
    tookMs: performance.now() - began,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
  };
}

class Loop {
  readonly link: Link;
  /** How long each acknowledgement took. */
  times: number[] = [];
  #n = 0;
  #sentAt = 0;
  #acked = true;
  #recorded = true;
  #ended: undefined | (() => void);

  constructor(wire: Wire) {
    this.link = wire.create({
      onRecord: (n) => {
        if (n !== this.#n || this.#recorded) throw new Error(`message ${this.#n} was sent and ${n} came`);
        this.#recorded = true;
        if (this.#acked) this.#next();
      },
      onAck: () => {
        this.#acked = true;
        this.times.push(performance.now() - this.#sentAt);
        if (this.#recorded) this.#next();
      },
    });
  }

  say(): void {
    this.#acked = false;
    this.#recorded = false;
    this.#sentAt = performance.now();
    this.link.say(++this.#n);
  }

  /** Stops after the message in hand, and lets go of the connection. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  #next(): void {
    if (this.#ended === undefined) return this.say();
    this.link.cut();
    this.#ended();
  }
}
