import type { Pages } from '../flow/pages.ts';
import type { UnsentBudget, UnsentShare } from '../flow/unsent-budget.ts';
import type { WorkGovernor } from '../load/work-governor.ts';

export interface LargeReplyDeps {
  readonly unsent: UnsentBudget;
  readonly pages: Pages;
  readonly load: WorkGovernor;
  readonly settings: { readonly sockets: { readonly pageBytes: number } };
}

const DONE = Promise.resolve();

/**
 * What one connection is answered with that is large: the session that it opens, then pages and contexts, one after
 * another. Each waits for its subject's turn and for room among what the subject's peers have not taken, which is given back
 * once the socket has it.
 */
export class LargeReplies {
  readonly #subject: string;
  readonly #deps: LargeReplyDeps;
  #last: Promise<void> = DONE;
  #reserved: undefined | UnsentShare;
  #isClosed = false;

  constructor(subject: string, deps: LargeReplyDeps) {
    this.#subject = subject;
    this.#deps = deps;
  }

  /**
   * Waits until the subject may be given a session's worth of bytes more: for no longer than other readers of the subject
   * take to read what they have, or to be dropped. Answers how many bytes of history the session may be shown with.
   */
  async roomToOpen(): Promise<number> {
    const { unsent, load, settings } = this.#deps;
    await load.turn(this.#subject);
    const bytes = unsent.grant(this.#subject, settings.sockets.pageBytes);
    if (!this.#isClosed) await this.#reserve().reserve(bytes);
    return bytes;
  }

  /** Performs a request whose reply is large, after those before it and once `room` says that the socket has taken them. */
  push(room: () => Promise<void>, perform: () => Promise<void>): Promise<void> {
    this.#last = this.#last
      .then(room)
      .then(() => this.#deps.load.turn(this.#subject))
      .then(() => this.#perform(perform));
    return this.#last;
  }

  async #perform(perform: () => Promise<void>): Promise<void> {
    if (this.#isClosed) return;
    const page = await this.#deps.pages.begin(this.#subject, this.#reserve());
    try {
      if (page !== undefined) await perform();
    } finally {
      page?.close();
      this.giveBack();
    }
  }

  #reserve(): UnsentShare {
    this.#reserved = this.#deps.unsent.share(this.#subject);
    return this.#reserved;
  }

  /** The socket has what room was reserved for. */
  giveBack(): void {
    this.#reserved?.close();
    this.#reserved = undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.giveBack();
  }
}
