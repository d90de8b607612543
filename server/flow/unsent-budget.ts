/** How much may be given to peers that they have not taken yet, in bytes. `Infinity` turns a limit off. */
export interface UnsentLimits {
  readonly totalBytes: number;
  readonly subjectBytes: number;
}

/** A holder with nothing unsent may always have a piece of this size: acknowledgements and live events of ordinary size never wait. */
export const FREE_BYTES = 65_536;
/** No page is granted less than this, however much is unsent. */
const LEAST_GRANT = 65_536;
/** A page takes at most this part of what its subject may still have unsent, so that the first few do not take it all. */
const GRANT_PART = 8;

const NOTHING = (): void => {};

interface Waiter {
  readonly share: UnsentShare;
  readonly bytes: number;
  readonly go: () => void;
  /** The share was closed first. */
  readonly drop: () => void;
}

/** What all holders of one subject have unsent. */
interface Account {
  readonly subject: string;
  bytes: number;
  holders: number;
  waiting: Waiter[];
}

/**
 * The bytes that this node has given to its peers, or reads in order to give them, and that they have not taken. Each
 * socket has a bound of its own; this one holds for all of a subject's sockets and HTTP answers together, and for all
 * subjects. Who may have no more waits, first come first served within a subject; a subject that has nothing unsent never
 * waits for others.
 */
export class UnsentBudget {
  readonly #limits: UnsentLimits;
  readonly #accounts = new Map<string, Account>();
  /** Accounts of which somebody waits, in the order of their turns. */
  readonly #pressed = new Set<Account>();
  #bytes = 0;
  #serving = false;

  constructor(limits: UnsentLimits) {
    this.#limits = limits;
  }

  /** What all peers have not taken, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A holder's part of it: one socket, or one answer. To be closed. */
  share(subject: string): UnsentShare {
    let account = this.#accounts.get(subject);
    if (account === undefined) {
      account = { subject, bytes: 0, holders: 0, waiting: [] };
      this.#accounts.set(subject, account);
    }
    account.holders++;
    return new UnsentShare(this, account);
  }

  /** How many bytes a page of the subject may hold now: `most`, or less while much is unsent. */
  grant(subject: string, most: number): number {
    const used = this.#accounts.get(subject)?.bytes ?? 0;
    const left = Math.min(this.#limits.subjectBytes - used, this.#limits.totalBytes - this.#bytes);
    if (left === Number.POSITIVE_INFINITY) return most;
    return Math.min(most, Math.max(LEAST_GRANT, Math.floor(left / GRANT_PART)));
  }

  /** @internal for `UnsentShare` */
  admits(account: Account, own: number, bytes: number): boolean {
    if (own + bytes <= FREE_BYTES || account.bytes === 0) return true;
    const { subjectBytes, totalBytes } = this.#limits;
    return account.bytes + bytes <= subjectBytes && this.#bytes + bytes <= totalBytes;
  }

  /** @internal for `UnsentShare` */
  change(account: Account, by: number): void {
    account.bytes += by;
    this.#bytes += by;
    if (by < 0) this.#serve();
  }

  /** @internal for `UnsentShare` */
  wait(account: Account, waiter: Waiter): void {
    account.waiting.push(waiter);
    this.#pressed.add(account);
  }

  /** @internal for `UnsentShare`: nobody waits for it any more. */
  unwait(account: Account, share: UnsentShare): void {
    if (account.waiting.length === 0) return;
    const dropped = account.waiting.filter((waiter) => waiter.share === share);
    account.waiting = account.waiting.filter((waiter) => waiter.share !== share);
    if (account.waiting.length === 0) this.#pressed.delete(account);
    for (const waiter of dropped) waiter.drop();
  }

  /** @internal for `UnsentShare` */
  leave(account: Account): void {
    account.holders--;
    if (account.holders === 0) this.#accounts.delete(account.subject);
  }

  /** Lets those go on for whom there is room by now: one of each subject at a time. */
  #serve(): void {
    // What is let go may give back at once: the loop below sees it.
    if (this.#serving || this.#pressed.size === 0) return;
    this.#serving = true;
    try {
      for (let went = true; went; ) {
        went = false;
        for (const account of [...this.#pressed]) {
          const [first] = account.waiting;
          if (first === undefined || !this.admits(account, first.share.bytes, first.bytes)) continue;
          account.waiting.shift();
          // Behind the others, if there are more of its own: it is their turn first.
          this.#pressed.delete(account);
          if (account.waiting.length > 0) this.#pressed.add(account);
          went = true;
          first.go();
        }
      }
    } finally {
      this.#serving = false;
    }
  }
}

/** What one holder has unsent. */
export class UnsentShare {
  readonly #budget: UnsentBudget;
  readonly #account: Account;
  #bytes = 0;
  #closed = false;

  constructor(budget: UnsentBudget, account: Account) {
    this.#budget = budget;
    this.#account = account;
  }

  /** What this holder has unsent, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether others of the subject wait for what is unsent. */
  get pressed(): boolean {
    return this.#account.waiting.length > 0;
  }

  /** Says how much this holder has unsent now. */
  set(bytes: number): void {
    if (this.#closed || bytes === this.#bytes) return;
    const by = bytes - this.#bytes;
    this.#bytes = bytes;
    this.#budget.change(this.#account, by);
  }

  /** Whether this holder may be given so much more. */
  admits(bytes: number): boolean {
    return this.#budget.admits(this.#account, this.#bytes, bytes);
  }

  /** Calls `go` once, as soon as this holder may be given so much more; `drop` if it is closed before that. */
  whenAdmitted(bytes: number, go: () => void, drop: () => void = NOTHING): void {
    if (this.#closed) drop();
    else this.#budget.wait(this.#account, { share: this, bytes, go, drop });
  }

  /** Takes so much in advance, to be given back by `set` or `close`. Resolves once there is room; `false`: closed before that. */
  async reserve(bytes: number): Promise<boolean> {
    if (this.#closed) return false;
    if (this.admits(bytes)) {
      this.set(this.#bytes + bytes);
      return true;
    }
    return new Promise((resolve) => {
      const go = () => {
        this.set(this.#bytes + bytes);
        resolve(true);
      };
      this.whenAdmitted(bytes, go, () => resolve(false));
    });
  }

  /** Gives everything back, and ends what waits. */
  close(): void {
    if (this.#closed) return;
    this.#budget.unwait(this.#account, this);
    this.set(0);
    this.#closed = true;
    this.#budget.leave(this.#account);
  }
}
