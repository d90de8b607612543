import type { Link } from './link.ts';

/** Sends messages over one connection, some at a time, and waits for the acknowledgement of all. */
export class Feeder {
  link!: Link;
  #said = 0;
  #acked = 0;
  #check: () => void = () => {};

  /** The number of the newest message. */
  get said(): number {
    return this.#said;
  }

  acked(): void {
    this.#acked++;
    this.#check();
  }

  /** Resolves once `count` more messages are acknowledged; at most `window` are on their way. */
  say(count: number, window: number): Promise<void> {
    const target = this.#said + count;
    return new Promise((resolve) => {
      this.#check = () => {
        while (this.#said < target && this.#said - this.#acked < window) this.link.say(++this.#said);
        if (this.#acked === target) resolve();
      };
      this.#check();
    });
  }
}
