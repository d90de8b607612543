import type { UnsentShare } from './unsent-budget.ts';

/** A page that is being read, put together or sent. */
export interface Page {
  /** How many bytes of messages it may hold. */
  readonly maxBytes: number;
  /** It was read: the subject's next one may be. */
  read(): void;
  /** The peer has it, or is gone, or it is accounted for otherwise. */
  close(): void;
}

/**
 * Pages of history: large answers to small requests. Of one subject one at a time is read and put together, whatever it is
 * asked over, and one is begun only when there is room for it among the bytes that peers have not taken.
 */
export class Pages {
  readonly #pageBytes: number;
  /** The newest page of each subject that has one: resolves when it was read. */
  readonly #last = new Map<string, Promise<void>>();

  constructor(pageBytes: number) {
    this.#pageBytes = pageBytes;
  }

  /** Waits for the subject's turn, and takes the room in `share`. `undefined`: that was closed meanwhile. */
  async begin(subject: string, share: UnsentShare): Promise<undefined | Page> {
    const before = this.#last.get(subject);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(subject, promise);
    const read = () => {
      if (this.#last.get(subject) === promise) this.#last.delete(subject);
      resolve();
    };
    await before;
    const maxBytes = this.#pageBytes;
    if (!(await share.reserve(maxBytes))) {
      read();
      return undefined;
    }
    const close = () => {
      read();
      share.close();
    };
    return { maxBytes, read, close };
  }
}
