import type { Thread } from '../../../protocol/http/threads.ts';
import { ApiError } from '../http/call.ts';
import type { ThreadsApi } from '../http/threads-api.ts';
import { apiWords } from '../http/words.ts';

/** The list of threads, as far as it was loaded. */
export class Threads {
  list = $state.raw<readonly Thread[]>([]);
  /** `first`: nothing was ever loaded. */
  phase = $state<'first' | 'loading' | 'ready' | 'failed'>('first');
  error = $state<string | null>(null);
  hasMore = $state(false);
  /** The server offers no list. */
  #api: ThreadsApi;
  #cursor: string | undefined;
  #running: AbortController | undefined;
  /** Over by word of the line, which a list that was on its way then does not know. */
  readonly #ended = new Set<string>();

  constructor(api: ThreadsApi) {
    this.#api = api;
  }

  /** Reads the beginning anew; older entries that were loaded stay. */
  async refresh(): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    if (this.phase !== 'ready') this.phase = this.phase === 'first' ? 'first' : 'loading';
    try {
      const { threads, next_cursor } = await this.#api.list({ signal: running.signal });
      const fresh = new Set(threads.map((t) => t.session_id));
      const oldest = threads.at(-1)?.updated_at ?? '';
      const older =
        next_cursor === null
          ? []
          : this.list.filter((t) => !fresh.has(t.session_id) && t.updated_at <= oldest);
      if (older.length === 0) this.#setCursor(next_cursor);
      this.list = [...threads, ...older].map((t) => this.#asKnown(t));
      this.phase = 'ready';
      this.error = null;
    } catch (error) {
      if (!running.signal.aborted) this.#fail(error);
    }
  }

  async loadMore(): Promise<void> {
    if (this.#cursor === undefined) return;
    try {
      const { threads, next_cursor } = await this.#api.list({ cursor: this.#cursor });
      const known = new Set(this.list.map((t) => t.session_id));
      this.#setCursor(next_cursor);
      this.list = [...this.list, ...threads.filter((t) => !known.has(t.session_id))];
      this.error = null;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** `null` when it worked, otherwise what to say. */
  async rename(id: string, title: string): Promise<string | null> {
    try {
      await this.#api.rename(id, title);
      this.list = this.list.map((t) => (t.session_id === id ? { ...t, title } : t));
      return null;
    } catch (error) {
      return apiWords(error);
    }
  }

  /** `null` when it worked, otherwise what to say. */
  async erase(id: string): Promise<string | null> {
    try {
      await this.#api.erase(id);
    } catch (error) {
      if (!(error instanceof ApiError && error.kind === 'not_found')) return apiWords(error);
    }
    this.forget(id);
    return null;
  }

  /** It was erased, here or elsewhere. */
  forget(id: string): void {
    this.list = this.list.filter((t) => t.session_id !== id);
  }

  /** It has expired: from now on it is read. */
  ended(id: string): void {
    this.#ended.add(id);
    this.list = this.list.map((t) => this.#asKnown(t));
  }

  #asKnown(thread: Thread): Thread {
    return this.#ended.has(thread.session_id) ? { ...thread, archived: true } : thread;
  }

  find(id: string | null): Thread | undefined {
    return id === null ? undefined : this.list.find((t) => t.session_id === id);
  }

  close(): void {
    this.#running?.abort();
  }

  #setCursor(next: string | null): void {
    this.#cursor = next ?? undefined;
    this.hasMore = next !== null;
  }

  #fail(error: unknown): void {
    this.phase = 'failed';
    this.error = apiWords(error);
  }
}
