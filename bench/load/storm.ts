import { setTimeout as sleep } from 'node:timers/promises';
import { percentile, sum } from '../harness/stats.ts';
import { Feeder } from './feeder.ts';
import type { StormCycle, StormJob } from './job.ts';
import type { Link, Place, Wire } from './link.ts';

/** For what might still come twice. */
const SETTLE_MS = 100;
const CYCLE_TIMEOUT_MS = 60_000;

/**
 * Sessions of two connections, one of which is cut; what the other says meanwhile it has missed when all come back at
 * the same moment. The first cycle warms up and is not counted.
 */
export async function storm(wire: Wire, job: StormJob): Promise<readonly StormCycle[]> {
  const pairs = Array.from({ length: job.sessions }, () => new Pair(wire));
  // Some at a time: this is not the storm.
  for (let i = 0; i < pairs.length; i += 32) await Promise.all(pairs.slice(i, i + 32).map((p) => p.open()));
  const cycles: StormCycle[] = [];
  const began = performance.now();
  for (let i = 0; i <= job.cycles && (i < 2 || performance.now() - began < job.maxMs); i++) {
    const cycle = await oneCycle(pairs, job.missed);
    if (i > 0) cycles.push(cycle);
  }
  for (const pair of pairs) pair.end();
  return cycles;
}

async function oneCycle(pairs: readonly Pair[], missed: number): Promise<StormCycle> {
  for (const pair of pairs) pair.drop();
  // A server learns of a cut line when it reads from it next.
  await sleep(SETTLE_MS);
  await Promise.all(pairs.map((pair) => pair.miss(missed)));
  const began = performance.now();
  const timeout = AbortSignal.timeout(CYCLE_TIMEOUT_MS);
  const times = await Promise.all(pairs.map((pair) => pair.comeBack(timeout)));
  const tookMs = performance.now() - began;
  await sleep(SETTLE_MS);
  return {
    tookMs,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    lost: sum(pairs.map((pair) => pair.lost())),
    doubled: sum(pairs.map((pair) => pair.doubled)),
  };
}

class Pair {
  readonly #wire: Wire;
  readonly #stays = new Feeder();
  #comes!: Link;
  #place!: Place;
  /** The numbers that the second connection has seen, and what came when it was not its turn. */
  #seen = 0;
  #skipped = 0;
  doubled = 0;
  #onSeen: () => void = () => {};

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  async open(): Promise<void> {
    this.#stays.link = this.#wire.create({ onAck: () => this.#stays.acked() });
    await this.#stays.link.ready;
    this.#comes = this.#wire.join(this.#stays.link, { onRecord: (n) => this.#take(n) });
    await this.#comes.ready;
    const seen = this.#until(1);
    await Promise.all([this.#stays.say(1, 1), seen]);
  }

  drop(): void {
    this.#place = this.#comes.place();
    this.#comes.cut();
  }

  miss(count: number): Promise<void> {
    return this.#stays.say(count, 1);
  }

  /** Resolves with how long it took until the last missed message was there. */
  async comeBack(timeout: AbortSignal): Promise<number> {
    const began = performance.now();
    const seen = this.#until(this.#stays.said, timeout);
    this.#comes = this.#wire.resume(this.#place, { onRecord: (n) => this.#take(n) });
    await seen;
    return performance.now() - began;
  }

  lost(): number {
    return this.#skipped + this.#stays.said - this.#seen;
  }

  end(): void {
    this.#stays.link.cut();
    this.#comes.cut();
  }

  #take(n: number): void {
    if (n <= this.#seen) this.doubled++;
    else {
      this.#skipped += n - this.#seen - 1;
      this.#seen = n;
    }
    this.#onSeen();
  }

  /** Resolves when message `n` was seen, or when time is up: then what is missing counts as lost. */
  #until(n: number, timeout?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      timeout?.addEventListener('abort', () => resolve(), { once: true });
      this.#onSeen = () => {
        if (this.#seen >= n) resolve();
      };
      this.#onSeen();
    });
  }
}
