import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../clock.ts';
import type { SubjectLoad } from './subject-load.ts';
import { MAX_HOLD_MS, SLICE, SMALLEST_SHARE, WINDOW_MS, WorkGovernor } from './work-governor.ts';

/** How many units the scripted loop does in a ms when it does nothing else. */
const SPEED = 100_000;

/** A governor over a loop that is as busy as what it was charged in the window makes it. */
function world(busyPercent = 75) {
  const clock = new ManualClock();
  let charged = 0;
  let heldSubjects = 0;
  let holds = 0;
  const governor = new WorkGovernor({
    clock,
    readLoop: () => {
      // What was begun is done, however long it takes.
      const activeMs = charged / SPEED;
      charged = 0;
      return { activeMs, idleMs: Math.max(0, WINDOW_MS - activeMs) };
    },
    busyPercent,
    metrics: {
      fairHolds: { inc: () => void holds++ },
      fairHeldSubjects: {
        set: (value) => {
          heldSubjects = value;
        },
      },
    },
  });
  governor.start();
  return {
    clock,
    governor,
    charge: (load: SubjectLoad, units: number) => {
      load.charge(units);
      charged += units;
    },
    held: () => ({ subjects: heldSubjects, holds }),
  };
}

type World = ReturnType<typeof world>;

/** A client's connection: works `units` as often as it may, at most `perWindow` times in a window. */
class Peer {
  readonly #world: World;
  readonly #load: SubjectLoad;
  readonly #units: number;
  #isWaiting = false;
  done = 0;
  waits = 0;

  constructor(of: World, load: SubjectLoad, units: number) {
    this.#world = of;
    this.#load = load;
    this.#units = units;
  }

  work(): void {
    if (this.#isWaiting) return;
    this.#world.charge(this.#load, this.#units);
    this.done += this.#units;
    if (!this.#load.mustWait) return;
    this.#isWaiting = true;
    this.waits++;
    this.#world.governor.hold(this.#load, this);
  }

  onTurn(): void {
    this.#isWaiting = false;
  }
}

const peers = (of: World, subject: string, count: number, units: number) => {
  const load = of.governor.join(subject);
  return Array.from({ length: count }, () => new Peer(of, load, units));
};
const doneBy = (all: readonly Peer[]) => all.reduce((sum, { done }) => sum + done, 0);
const waitsOf = (all: readonly Peer[]) => all.reduce((sum, { waits }) => sum + waits, 0);

async function run(of: World, windows: number, all: readonly (readonly Peer[])[]): Promise<void> {
  for (let i = 0; i < windows; i++) {
    for (const some of all) for (const peer of some) peer.work();
    await of.clock.advance(WINDOW_MS);
  }
}

describe('the work governor', () => {
  test('LOA-1 never holds a subject that is alone, however busy it makes the loop', async () => {
    const w = world();
    const alone = peers(w, 'a', 100, SPEED);
    await run(w, 100, [alone]);
    expect(waitsOf(alone)).toBe(0);
    expect(w.held()).toEqual({ subjects: 0, holds: 0 });
  });

  test('LOA-6 a subject that is alone has all of the loop, in slices', async () => {
    const w = world();
    const alone = peers(w, 'a', 1000, SPEED);
    for (const peer of alone) peer.work();
    expect(doneBy(alone)).toBe(1000 * SPEED);
    expect(waitsOf(alone)).toBeGreaterThan(700);
    await run(w, 1, [alone]);
    const before = doneBy(alone);
    await run(w, 20, [alone]);
    expect((doneBy(alone) - before) / (20 * SLICE)).toBeGreaterThan(0.9);
  });

  test('LOA-1 holds nobody while the loop is not busy', async () => {
    const w = world();
    const [a, b] = [peers(w, 'a', 10, 3 * SPEED), peers(w, 'b', 1, SPEED)];
    await run(w, 100, [a, b]);
    expect(waitsOf([...a, ...b])).toBe(0);
  });

  test('LOA-1 holds nobody when it is turned off', async () => {
    const w = world(Number.POSITIVE_INFINITY);
    const [a, b] = [peers(w, 'a', 100, 10 * SPEED), peers(w, 'b', 1, SPEED)];
    await run(w, 20, [a, b]);
    expect(waitsOf([...a, ...b])).toBe(0);
  });

  test('LOA-2 holds who uses more than its share, never who uses less, and keeps the loop busy', async () => {
    const w = world();
    const [many, few] = [peers(w, 'many', 200, SPEED), peers(w, 'few', 2, SPEED)];
    await run(w, 20, [many, few]);
    const before = doneBy(many);
    await run(w, 200, [many, few]);
    expect(waitsOf(few)).toBe(0);
    expect(waitsOf(many)).toBeGreaterThan(100);
    // About 70 % of the loop's time, less what the others need.
    const share = (doneBy(many) - before) / (200 * WINDOW_MS * SPEED);
    expect(share).toBeGreaterThan(0.5);
    expect(share).toBeLessThan(0.8);
    // Each of them has its turn.
    expect(Math.min(...many.map(({ waits }) => waits))).toBeGreaterThan(10);
  });

  test('LOA-2 subjects that each want all of it have equal shares', async () => {
    const w = world();
    const all = ['a', 'b', 'c', 'd'].map((subject, i) => peers(w, subject, 10 * (i + 1), SPEED * (i + 1)));
    const few = peers(w, 'few', 1, SPEED);
    await run(w, 400, [...all, few]);
    const shares = all.map((some) => doneBy(some) / (400 * WINDOW_MS * SPEED));
    for (const share of shares) expect(share).toBeGreaterThan(0.1);
    for (const share of shares) expect(share).toBeLessThan(0.25);
    expect(waitsOf(few)).toBe(0);
  });

  test('LOA-2 a subject that needs little is not held, whatever else keeps the loop busy', async () => {
    const w = world();
    const few = peers(w, 'few', 1, SMALLEST_SHARE * WINDOW_MS - 1);
    const other = peers(w, 'other', 1, 1);
    for (let i = 0; i < 200; i++) {
      for (const peer of [...few, ...other]) peer.work();
      w.governor.tick({ activeMs: WINDOW_MS, idleMs: 0 });
    }
    expect(waitsOf([...few, ...other])).toBe(0);
  });

  test('LOA-2 a flood that begins is held before the window ends', async () => {
    const w = world();
    const [many, few] = [peers(w, 'many', 200, 10 * SPEED), peers(w, 'few', 1, SPEED)];
    await run(w, 60, [few]);
    for (const peer of many) peer.work();
    expect(waitsOf(many)).toBeGreaterThan(150);
  });

  test('LOA-3 lets everything go once there is enough for all', async () => {
    const w = world();
    const [many, few] = [peers(w, 'many', 200, SPEED), peers(w, 'few', 1, SPEED)];
    await run(w, 50, [many, few]);
    expect(w.held().subjects).toBe(1);
    await run(w, 40, [few]);
    expect(w.held().subjects).toBe(0);
    const waits = waitsOf(many);
    // Slow enough now: as many as before in 200 windows.
    await run(w, 20, [many.slice(0, 1), few]);
    expect(waitsOf(many)).toBe(waits);
  });

  test('LOA-3 nothing waits for longer than MAX_HOLD_MS', async () => {
    const w = world();
    const load = w.governor.join('many');
    const few = peers(w, 'few', 1, SPEED);
    const many = Array.from({ length: 20 }, () => new Peer(w, load, 2000 * SPEED));
    await run(w, 60, [many, few]);
    let longest = 0;
    let since = w.clock.now();
    const first = many[0];
    let { done } = first ?? { done: 0 };
    for (let i = 0; i < 400; i++) {
      await run(w, 1, [many, few]);
      if (first?.done === done) longest = Math.max(longest, w.clock.now() - since);
      else since = w.clock.now();
      done = first?.done ?? 0;
    }
    expect(longest).toBeLessThanOrEqual(MAX_HOLD_MS + 2 * WINDOW_MS);
  });

  test('LOA-3 what waits for its turn goes on, or stops when it is aborted', async () => {
    const w = world();
    const [many, few] = [peers(w, 'many', 200, SPEED), peers(w, 'few', 1, SPEED)];
    await run(w, 20, [many, few]);
    const stop = new AbortController();
    const aborted = w.governor.turn('many', stop.signal);
    const going = w.governor.turn('many');
    expect(w.governor.turn('few')).toBeUndefined();
    expect(w.governor.turn('nobody')).toBeUndefined();
    stop.abort(new Error('stopped'));
    await expect(aborted).rejects.toThrow('stopped');
    await run(w, 120, [many, few]);
    await going;
  });

  test('LOA-3 a governor that ends holds nothing', async () => {
    const w = world();
    const [many, few] = [peers(w, 'many', 200, SPEED), peers(w, 'few', 1, SPEED)];
    await run(w, 20, [many, few]);
    const waiting = w.governor.turn('many');
    w.governor.stop();
    await waiting;
    expect(w.governor.turn('many')).toBeUndefined();
  });

  test('forgets subjects that are idle and have no connection', async () => {
    const w = world();
    const load = w.governor.join('here');
    for (let i = 0; i < 100; i++) w.governor.charge(`s${i}`, 1);
    expect(w.governor.size).toBe(101);
    await run(w, 60, []);
    expect(w.governor.size).toBe(1);
    w.governor.part(load);
    expect(w.governor.size).toBe(0);
  });

  test('LOA-2 who uses at most an equal part of the capacity in each window is never held', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ peers: fc.integer({ min: 1, max: 50 }), units: fc.integer({ min: 1, max: 10 }) }),
          {
            minLength: 1,
            maxLength: 5,
          },
        ),
        async (greedy) => {
          const w = world();
          const all = greedy.map(({ peers: count, units }, i) => peers(w, `g${i}`, count, units * SPEED));
          // A tenth less than what is its own of 70 % of each window.
          const part = (0.9 * 0.7 * WINDOW_MS * SPEED) / (greedy.length + 1);
          const small = peers(w, 'small', 1, Math.floor(part));
          await run(w, 100, [...all, small]);
          return waitsOf(small) === 0;
        },
      ),
      { numRuns: 30 },
    );
  });
});
