/** Who waits for a place: a session with a run that nobody has claimed, and whose it is. */
export interface Waiting {
  readonly subject: string;
  readonly sessionId: string;
}

export interface PlaceLimits {
  /** How many runs this node executes at once; `Infinity`: no limit. */
  readonly places: number;
  /** How many of them one subject may have; `Infinity`: no limit. */
  readonly perSubject: number;
  /** How many sessions may wait for a free place. */
  readonly waiting: number;
}

/**
 * The last one in so many places is kept for subjects that have few: one of these is taken only by a subject that holds
 * fewer places than are free. So each subject that takes all it can leaves half of the rest to those who come later.
 */
const KEPT_ONE_IN = 8;

/**
 * The places for runs, and the line for them. One subject never fills the places or the line, and places that become
 * free go round robin over the subjects that wait.
 */
export class Places {
  readonly #limits: PlaceLimits;
  readonly #held = new Map<string, number>();
  /** The sessions of each subject in order; the first subject is the next one to be asked. */
  readonly #lines = new Map<string, Set<string>>();
  #taken = 0;
  #waiting = 0;

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** How many places are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** How many sessions wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether the subject may take one more place. */
  mayTake(subject: string): boolean {
    const held = this.#held.get(subject) ?? 0;
    const free = this.#limits.places - this.#taken;
    if (free <= 0 || held >= this.#limits.perSubject) return false;
    return free > Math.floor(this.#limits.places / KEPT_ONE_IN) || held < free;
  }

  /** Takes a place. The caller has asked whether it may. */
  take(subject: string): void {
    this.#taken++;
    this.#held.set(subject, (this.#held.get(subject) ?? 0) + 1);
  }

  /** Gives a place back. */
  release(subject: string): void {
    this.#taken--;
    const held = (this.#held.get(subject) ?? 1) - 1;
    if (held === 0) this.#held.delete(subject);
    else this.#held.set(subject, held);
  }

  /** Puts a session at the end of its subject's line. `false`: the line is as long as it may be. */
  wait({ subject, sessionId }: Waiting): boolean {
    const line = this.#lines.get(subject);
    if (line?.has(sessionId) === true) return true;
    // As many as there is room for others: a subject alone has half of the room.
    if ((line?.size ?? 0) >= this.#limits.waiting - this.#waiting) return false;
    this.#waiting++;
    if (line === undefined) this.#lines.set(subject, new Set([sessionId]));
    else line.add(sessionId);
    return true;
  }

  /** Takes a session out of the line. */
  leave({ subject, sessionId }: Waiting): void {
    const line = this.#lines.get(subject);
    if (line?.delete(sessionId) !== true) return;
    this.#waiting--;
    if (line.size === 0) this.#lines.delete(subject);
  }

  /** Takes the next session out of the line that may have a place, if there is one. Its subject goes to the end. */
  next(): undefined | Waiting {
    for (const [subject, line] of this.#lines) {
      const [sessionId] = line;
      if (sessionId === undefined || !this.mayTake(subject)) continue;
      this.leave({ subject, sessionId });
      if (this.#lines.delete(subject)) this.#lines.set(subject, line);
      return { subject, sessionId };
    }
    return undefined;
  }

  /** Nobody waits any more. */
  clear(): void {
    this.#lines.clear();
    this.#waiting = 0;
  }
}
