/** The one source of time. Everything else takes a `Clock`, so that tests and `POST /debug/clock` can move it. */
export interface Clock {
  /** Wall-clock milliseconds since the epoch. */
  now(): number;
  /** Runs `fn` once after `ms`; the returned function calls it off. The timer does not keep the process alive. */
  after(ms: number, fn: () => void): () => void;
  /** Runs `fn` every `ms` until called off. */
  every(ms: number, fn: () => void): () => void;
  /** Resolves after `ms`, rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Real time. `advance` moves `now()` forward without moving timers: absences can be tested without waiting. */
export class SystemClock implements Clock {
  #offsetMs = 0;

  now(): number {
    return Date.now() + this.#offsetMs;
  }

  /** Moves the wall clock forward by `ms`; running timers keep their real delays. */
  advance(ms: number): void {
    this.#offsetMs += ms;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return () => clearTimeout(timer);
  }

  every(ms: number, fn: () => void): () => void {
    const timer = setInterval(fn, ms);
    timer.unref();
    return () => clearInterval(timer);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }
}

interface ManualTimer {
  readonly at: number;
  readonly order: number;
  readonly everyMs: number | undefined;
  readonly fn: () => void;
}

/** Time that stands still until it is moved. For tests, and for replaying a schedule. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #timers = new Set<ManualTimer>();

  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): () => void {
    return this.#add(ms, undefined, fn);
  }

  every(ms: number, fn: () => void): () => void {
    return this.#add(ms, ms, fn);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** Moves time forward, running due timers in order of their time; promises get a turn after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined || next.at > end) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      if (next.everyMs !== undefined)
        this.#timers.add({ ...next, at: this.#now + next.everyMs, order: this.#order++ });
      next.fn();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#now = end;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #add(ms: number, everyMs: number | undefined, fn: () => void): () => void {
    const order = this.#order++;
    const timer = { at: this.#now + Math.max(0, ms), order, everyMs, fn };
    this.#timers.add(timer);
    // An interval replaces its own entry at each turn, so it is found again by its function.
    return () => {
      for (const t of this.#timers)
        if (t === timer || (everyMs !== undefined && t.fn === fn)) this.#timers.delete(t);
    };
  }
}

function sleepOn(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
