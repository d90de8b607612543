import { type Store, StoreUnavailable } from '../server/store/store.ts';

/**
 * The way of one process to the store. Once it is dead, nothing that it asks reaches the store, and no answer reaches it:
 * what a process is to the others after `kill -9`.
 */
export class Lifeline {
  readonly store: Store;
  /** Store calls under way. */
  inFlight = 0;
  /** Store calls so far. */
  calls = 0;
  /** Told of every call. */
  onCall: (operation: string, args: readonly unknown[]) => void = () => {};
  /** Which calls fail as if the store were away: `before` they reach it, or `after`, so that nobody knows. */
  fault: (call: number) => undefined | 'before' | 'after' = () => undefined;
  #isDead = false;
  readonly #lies = new Map<string | symbol, () => Promise<unknown>>();
  /** Dies around the call of this number: before it reaches the store, or before its answer comes back. */
  #fate: undefined | { readonly call: number; readonly reaches: boolean };

  constructor(store: Store) {
    this.store = new Proxy(store, {
      get: (target, key) => {
        const member = Reflect.get(target, key);
        if (typeof member !== 'function') return member;
        const lie = this.#lies.get(key);
        if (lie !== undefined) return lie;
        return (...args: unknown[]) => {
          this.onCall(String(key), args);
          return this.#call(() => member.apply(target, args));
        };
      },
    });
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  die(): void {
    this.#isDead = true;
  }

  dieAt(call: number, reaches: boolean): void {
    this.#fate = { call, reaches };
  }

  /** From now on this operation never reaches the store and answers this. */
  lie(operation: keyof Store, answer: () => Promise<unknown>): void {
    this.#lies.set(operation, answer);
  }

  async #call(op: () => Promise<unknown>): Promise<unknown> {
    const isLast = this.#fate?.call === ++this.calls;
    if (isLast && this.#fate?.reaches === false) this.#isDead = true;
    if (this.#isDead) return await new Promise(() => {});
    if (isLast) this.#isDead = true;
    const fault = this.fault(this.calls);
    if (fault === 'before') throw new StoreUnavailable('it is away');
    this.inFlight++;
    try {
      const result = await op();
      if (fault === 'after') throw new StoreUnavailable('the answer was lost');
      return result;
    } finally {
      this.inFlight--;
      if (this.#isDead) await new Promise(() => {});
    }
  }
}
