/** Something that waits for its subject's turn. Told once, synchronously; must not throw. */
export interface Turn {
  onTurn(): void;
}

/** How much of what a subject did not use it may use later, in windows. */
const SAVED_WINDOWS = 4;

/** How fast the mean follows what is measured: after so long it is halfway there and more. */
const MEMORY_MS = 150;

/** One subject's share of the work: what it used, what it may still use, and what of it waits. */
export class SubjectLoad {
  readonly subject: string;
  /** Told when it is charged for the first time since the last window. */
  readonly #onWork: (load: SubjectLoad) => void;
  /** Units used in this window, and what is left of the allowance. */
  #used = 0;
  #allowance = Number.POSITIVE_INFINITY;
  /** A mean, in units per ms. */
  #rate = 0;
  #unitsPerTurn = 0;
  #turnsGiven = 0;
  /** What waits, in order, with the moment since which it does. */
  readonly #waiting = new Map<Turn, number>();
  /** How many connections hold this record. */
  holders = 0;
  idleMs = 0;

  constructor(subject: string, onWork: (load: SubjectLoad) => void) {
    this.subject = subject;
    this.#onWork = onWork;
  }

  /** Notes that so much was done, or is about to be. */
  charge(units: number): void {
    if (this.#used === 0) this.#onWork(this);
    this.#used += units;
    this.#allowance -= units;
  }

  /** Whether the next piece of work has to wait for its turn. */
  get mustWait(): boolean {
    return this.#allowance <= 0 || this.#waiting.size > 0;
  }

  /** Units per ms, in the mean. */
  get rate(): number {
    return this.#rate;
  }

  /** How many pieces of work wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  wait(turn: Turn, now: number): void {
    this.#waiting.set(turn, now);
  }

  /** It waits no more: its connection has gone, or its run was stopped. */
  leave(turn: Turn): void {
    this.#waiting.delete(turn);
  }

  /** Ends a window of so many ms. */
  settle(elapsedMs: number): void {
    const weight = elapsedMs / (elapsedMs + MEMORY_MS);
    this.#rate += (this.#used / elapsedMs - this.#rate) * weight;
    if (this.#turnsGiven > 0) {
      const measured = this.#used / this.#turnsGiven;
      this.#unitsPerTurn = this.#unitsPerTurn > 0 ? (this.#unitsPerTurn + measured) / 2 : measured;
    }
    this.idleMs = this.#used > 0 ? 0 : this.idleMs + elapsedMs;
    this.#used = 0;
    this.#turnsGiven = 0;
  }

  /** May use so much of each window from now on; what it used too much before is taken off. */
  grant(unitsPerWindow: number, windows: number, maxDebtWindows: number): void {
    const before = Number.isFinite(this.#allowance)
      ? Math.max(this.#allowance, -maxDebtWindows * unitsPerWindow)
      : 0;
    this.#allowance = Math.min(before + windows * unitsPerWindow, SAVED_WINDOWS * unitsPerWindow);
  }

  /** There is enough for all: it may use so many units in one window, and what waits goes on. */
  free(allowance: number): void {
    this.#allowance = allowance;
    this.#giveTurns(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
  }

  /** Gives as many turns as the allowance is probably enough for, and one to whatever waits since before `overdue`. */
  giveTurns(overdue: number): void {
    // What a turn costs is not known before the first was given.
    const enoughFor = this.#unitsPerTurn > 0 ? Math.ceil(this.#allowance / this.#unitsPerTurn) : 1;
    this.#giveTurns(enoughFor, overdue);
  }

  #giveTurns(count: number, overdue: number): void {
    let left = count;
    // What waits again at once is at the end of the line, and not counted.
    let inLine = this.#waiting.size;
    for (const [turn, since] of this.#waiting) {
      // A part of what a turn costs is charged while it is given.
      const mayGo = left > 0 && this.#allowance > 0;
      if (inLine === 0 || (!mayGo && since >= overdue)) return;
      inLine--;
      left--;
      this.#waiting.delete(turn);
      this.#turnsGiven++;
      turn.onTurn();
    }
  }
}
