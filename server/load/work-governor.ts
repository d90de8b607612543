import type { Clock } from '../clock.ts';
import type { Count } from '../metrics.ts';
import { fairLevel } from './fair-level.ts';
import type { LoopReading } from './loop-meter.ts';
import { SubjectLoad, type Turn } from './subject-load.ts';

export interface GovernorDeps {
  readonly clock: Clock;
  /** How busy the event loop was since it was last asked. */
  readonly readLoop: () => LoopReading;
  /** From which share of the time on the loop counts as busy, in percent; `Infinity`: never. */
  readonly busyPercent: number;
  readonly metrics: { readonly fairHolds: Count; readonly fairHeldSubjects: { set(value: number): void } };
}

/** How often the work is looked at. */
export const WINDOW_MS = 50;
/** How busy the loop is made, below where it counts as busy. */
const HEADROOM = 0.05;
/** After how long without work a subject is not counted among those who share. */
const IDLE_MS = 1000;
/** How long a piece of work waits at most, whatever the share. */
export const MAX_HOLD_MS = 5000;
/**
 * Units per ms that no share falls below: about a fiftieth of the loop. Whatever else keeps the loop busy, a customer
 * who needs no more than this is never held.
 */
export const SMALLEST_SHARE = 2000;
/**
 * Units that a subject may use in one window before anybody has looked, unless it is alone: about what a busy loop does in
 * 50 ms. A flood that begins would otherwise have all that came with it in one turn of the loop.
 */
export const OVERDRAFT = 5_000_000;
/**
 * What a subject may use in one window that is alone. It loses no time by that, since the next window begins as soon as
 * the loop has turned; but somebody who is only coming in is looked at between.
 */
export const SLICE = 20_000_000;
const MEMORY_MS = 150;

/**
 * Shares the event loop among subjects when there is not enough of it. All work is charged to its subject. While the
 * loop is busy and at least two subjects work, each may use so much of a window that what all of them use keeps the
 * loop just below busy (`fairLevel`). Who is over its share has to wait for its turns: its sockets are not read from,
 * its connects, pages and chunks wait in line. Nothing is refused. A subject alone has all of the loop, in
 * slices.
 */
export class WorkGovernor {
  readonly #deps: GovernorDeps;
  readonly #subjects = new Map<string, SubjectLoad>();
  /** Those that worked or waited lately. */
  readonly #active = new Set<SubjectLoad>();
  /** Whether shares are in force. */
  #isSharing = false;
  #busy = 0;
  #isOn = false;
  #stop: () => void = () => {};

  constructor(deps: GovernorDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { clock, readLoop, busyPercent } = this.#deps;
    if (busyPercent === Number.POSITIVE_INFINITY) return;
    readLoop();
    this.#isOn = true;
    this.#stop = clock.every(WINDOW_MS, () => this.tick(readLoop()));
  }

  /** Lets everything go that waits, and holds nothing any more. */
  stop(): void {
    this.#stop();
    this.#isOn = false;
    for (const load of this.#active) load.free(Number.POSITIVE_INFINITY);
  }

  /** How many subjects are known. */
  get size(): number {
    return this.#subjects.size;
  }

  /** The record of a subject for as long as a connection holds it; give it back with `part`. */
  join(subject: string): SubjectLoad {
    const load = this.#of(subject);
    load.holders++;
    return load;
  }

  part(load: SubjectLoad): void {
    load.holders--;
    if (!this.#active.has(load)) this.#forget(load);
  }

  /** Notes work that no connection's record is at hand for. */
  charge(subject: string, units: number): void {
    this.#of(subject).charge(units);
  }

  /** Puts something into the subject's line. */
  hold(load: SubjectLoad, turn: Turn): void {
    this.#deps.metrics.fairHolds.inc();
    load.wait(turn, this.#deps.clock.now());
  }

  /** Waits until the subject may go on. `undefined`: at once. Rejects with the signal's reason when it is aborted first. */
  turn(subject: string, signal?: AbortSignal): undefined | Promise<void> {
    const load = this.#subjects.get(subject);
    if (load === undefined || !load.mustWait) return undefined;
    return new Promise((resolve, reject) => {
      const turn = {
        onTurn: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        load.leave(turn);
        reject(signal?.reason);
      };
      if (signal?.aborted === true) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.hold(load, turn);
    });
  }

  /** Ends a window, and says what each subject may use of the next. */
  tick({ activeMs, idleMs }: LoopReading): void {
    const elapsedMs = activeMs + idleMs;
    if (elapsedMs <= 0) return;
    this.#busy += (activeMs / elapsedMs - this.#busy) * (elapsedMs / (elapsedMs + MEMORY_MS));
    for (const load of this.#active) {
      load.settle(elapsedMs);
      if (load.idleMs > IDLE_MS && load.waiting === 0) this.#retire(load);
    }
    const busyAt = this.#deps.busyPercent / 100;
    if (this.#active.size < 2 || (!this.#isSharing && this.#busy <= busyAt)) return this.#free();
    this.#share(busyAt - HEADROOM, elapsedMs);
  }

  #share(target: number, elapsedMs: number): void {
    this.#isSharing = true;
    let total = 0;
    for (const load of this.#active) total += load.rate;
    const capacity = total * (target / Math.max(this.#busy, 0.05));
    const level = Math.max(SMALLEST_SHARE, fairLevel(this.#demands(), capacity));
    if (level === Number.POSITIVE_INFINITY) return this.#free();
    const windows = Math.min(2, elapsedMs / WINDOW_MS);
    const overdue = this.#deps.clock.now() - MAX_HOLD_MS;
    let held = 0;
    for (const load of this.#active) {
      load.grant(level * WINDOW_MS, windows, MAX_HOLD_MS / WINDOW_MS);
      load.giveTurns(overdue);
      if (load.mustWait) held++;
    }
    this.#deps.metrics.fairHeldSubjects.set(held);
  }

  /** What each would use: of one that waits nobody knows. */
  *#demands(): Iterable<number> {
    for (const load of this.#active) yield load.waiting > 0 ? Number.POSITIVE_INFINITY : load.rate;
  }

  #free(): void {
    const allowance = this.#active.size > 1 ? OVERDRAFT : SLICE;
    for (const load of this.#active) load.free(allowance);
    if (this.#isSharing) this.#deps.metrics.fairHeldSubjects.set(0);
    this.#isSharing = false;
  }

  #of(subject: string): SubjectLoad {
    const known = this.#subjects.get(subject);
    if (known !== undefined) return known;
    const load = new SubjectLoad(subject, (one) => this.#wake(one));
    this.#subjects.set(subject, load);
    // Until it is seen to be idle: nobody may ever hold it.
    this.#wake(load);
    return load;
  }

  #wake(load: SubjectLoad): void {
    if (this.#active.has(load)) return;
    this.#active.add(load);
    if (this.#isOn) load.free(this.#active.size > 1 ? OVERDRAFT : SLICE);
  }

  #retire(load: SubjectLoad): void {
    this.#active.delete(load);
    this.#forget(load);
  }

  #forget(load: SubjectLoad): void {
    if (load.holders === 0) this.#subjects.delete(load.subject);
  }
}
