import { type KeyValueStorage, webStorage, type WebStorageLike } from '../../sdk/index.ts';

/** Everything that this page keeps begins with this; signing out removes it all. */
const PREFIX = 'holdfast.';
const KEY = `${PREFIX}key`;
const TAB = `${PREFIX}tab`;
const THREADS = `${PREFIX}threads`;
const FRESH = `${PREFIX}fresh`;

/** How many threads' client ids are remembered. */
const MAX_THREADS = 200;

/** The parts of `Storage` that are used here. */
export interface PageStorage extends WebStorageLike {
  readonly length: number;
  key(index: number): string | null;
}

/**
 * What this tab remembers over a reload, in `sessionStorage`: the key, and under which client id each thread's place and
 * unsent messages are kept. It ends with the tab; nothing is kept for longer or for other tabs.
 */
export class Keep {
  readonly #storage: PageStorage;
  readonly #newId: () => string;

  constructor(storage: PageStorage, newId: () => string) {
    this.#storage = storage;
    this.#newId = newId;
  }

  get apiKey(): string | null {
    return this.#storage.getItem(KEY);
  }

  set apiKey(key: string | null) {
    if (key === null) this.#storage.removeItem(KEY);
    else this.#write(KEY, key);
  }

  /** This tab's own id: a duplicate of a tab gets a copy of its storage, and must take another one (`takeOver`). */
  get tab(): string {
    const known = this.#storage.getItem(TAB);
    if (known !== null) return known;
    const made = this.#newId();
    this.#write(TAB, made);
    return made;
  }

  /** Another tab lives with the same storage: begin as a new one, but signed in. */
  takeOver(): void {
    const key = this.apiKey;
    this.clear();
    this.apiKey = key;
  }

  /** The client id of a thread; of one that has no session yet, `null`. The same again after a reload. */
  clientId(sessionId: string | null): string {
    if (sessionId === null) {
      const kept = this.#storage.getItem(FRESH);
      if (kept !== null) return kept;
      const made = this.#made();
      this.#write(FRESH, made);
      return made;
    }
    const known = this.#threads()[sessionId];
    if (known !== undefined) return known;
    const made = this.#made();
    this.remember(sessionId, made);
    return made;
  }

  /** Whether this tab has talked in the thread before. */
  knows(sessionId: string): boolean {
    return this.#threads()[sessionId] !== undefined;
  }

  /** The session of a client is known, or has become another one. */
  remember(sessionId: string, clientId: string): void {
    // What it has been before is over: its transcript is read, not talked to.
    const others = Object.entries(this.#threads()).filter(
      ([id, client]) => id !== sessionId && client !== clientId,
    );
    const entries = [...others, [sessionId, clientId] as const].slice(-MAX_THREADS);
    this.#write(THREADS, JSON.stringify(Object.fromEntries(entries)));
    if (this.#storage.getItem(FRESH) === clientId) this.#storage.removeItem(FRESH);
  }

  /** Where clients keep their place and their outbox. */
  get clients(): KeyValueStorage {
    return webStorage(this.#storage);
  }

  /** Forgets everything. */
  clear(): void {
    const keys = Array.from({ length: this.#storage.length }, (_, i) => this.#storage.key(i));
    for (const key of keys) if (key?.startsWith(PREFIX)) this.#storage.removeItem(key);
  }

  #made(): string {
    return `${this.tab}-${this.#newId()}`;
  }

  #threads(): Record<string, string> {
    try {
      const value: unknown = JSON.parse(this.#storage.getItem(THREADS) ?? '{}');
      return typeof value === 'object' && value !== null ? (value as Record<string, string>) : {};
    } catch {
      return {};
    }
  }

  #write(key: string, value: string): void {
    try {
      this.#storage.setItem(key, value);
    } catch {
      // Full or forbidden: this page works all the same, a reload begins anew.
    }
  }
}
