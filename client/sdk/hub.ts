import { EMPTY_CONVERSATION, reduce } from './conversation.ts';
import type { Conversation } from './conversation-types.ts';
import type { ClientEvent } from './types.ts';

/** How many events wait for one slow reader of `events()`. */
export const EVENTS_BUFFERED = 1024;

/**
 * The one stream of events, and the conversation that they add up to. Listeners are told one event after the other, also
 * when one of them causes the next; what a listener throws is its own matter.
 */
export class Hub {
  readonly #listeners = new Set<(event: ClientEvent) => void>();
  readonly #queue: ClientEvent[] = [];
  #delivering = false;
  #conversation: Conversation = EMPTY_CONVERSATION;
  #told: Conversation = EMPTY_CONVERSATION;
  #held = false;

  get conversation(): Conversation {
    return this.#conversation;
  }

  emit(event: ClientEvent): void {
    this.#conversation = reduce(this.#conversation, event);
    this.#queue.push(event);
    // A person's own message is shown at once all the same.
    if (!this.#held || event.type === 'outbox') this.#tellConversation();
    this.#deliver();
  }

  /** While a restore is under way its many steps are not told one by one: the page is drawn once, at its end. */
  hold(held: boolean): void {
    this.#held = held;
    if (held) return;
    this.#tellConversation();
    this.#deliver();
  }

  subscribe(listener: (event: ClientEvent) => void): () => void {
    // Wrapped, so that the same function may subscribe twice.
    const own = (event: ClientEvent) => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** The events from this call on, for one reader. When more than the bound wait, the oldest are left out, and it is said how many. */
  events(signal: AbortSignal | undefined): AsyncGenerator<ClientEvent, void, undefined> {
    const reader: Reader = { waiting: [], dropped: 0, wake: () => {} };
    const unsubscribe = this.subscribe((event) => {
      reader.waiting.push(event);
      if (reader.waiting.length > EVENTS_BUFFERED) {
        reader.waiting.shift();
        reader.dropped++;
      }
      reader.wake();
    });
    return read(reader, signal, unsubscribe);
  }

  /** Resolves as soon as `holds` does, now or after an event. */
  waitFor(holds: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (how: () => void) => {
        unsubscribe();
        signal?.removeEventListener('abort', onAbort);
        how();
      };
      const onAbort = () => settle(() => reject(signal?.reason));
      const check = () => {
        try {
          if (holds()) settle(resolve);
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const unsubscribe = this.subscribe(check);
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted === true) onAbort();
      else check();
    });
  }

  #tellConversation(): void {
    if (this.#told === this.#conversation) return;
    this.#told = this.#conversation;
    this.#queue.push({ type: 'conversation', conversation: this.#conversation });
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift())
      for (const listener of [...this.#listeners]) {
        try {
          listener(event);
        } catch (error) {
          // Told as an uncaught error, but not to the line that this event came from.
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    this.#delivering = false;
  }
}

/** What waits for one reader. */
interface Reader {
  readonly waiting: ClientEvent[];
  dropped: number;
  wake: () => void;
}

async function* read(
  reader: Reader,
  signal: AbortSignal | undefined,
  unsubscribe: () => void,
): AsyncGenerator<ClientEvent, void, undefined> {
  const onAbort = () => reader.wake();
  signal?.addEventListener('abort', onAbort);
  try {
    while (signal?.aborted !== true) {
      if (reader.dropped > 0) {
        const { dropped } = reader;
        reader.dropped = 0;
        yield { type: 'lagged', dropped };
        continue;
      }
      const next = reader.waiting.shift();
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          reader.wake = resolve;
        });
    }
  } finally {
    unsubscribe();
    signal?.removeEventListener('abort', onAbort);
  }
}
