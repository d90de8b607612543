import type {
  ClientApi,
  ClientEvent,
  ClientState,
  Conversation,
  OutboxEntry,
  SendOptions,
  Sent,
} from '../../sdk/index.ts';
import { EMPTY_CONVERSATION } from '../../sdk/index.ts';
import { NO_LINE } from '../state/no-line.ts';

/** States by name, for fixtures. */
export const STATES = {
  idle: { name: 'idle', line: NO_LINE },
  connecting: { name: 'connecting', line: NO_LINE, deadlineAt: 0 },
  restoring: { name: 'restoring', line: NO_LINE, deadlineAt: 0, returnAt: undefined },
  connected: { name: 'connected', line: NO_LINE, since: 0, returnAt: undefined },
  closed: { name: 'closed', line: NO_LINE, by: 'client', reason: undefined },
} as const satisfies Record<string, ClientState>;

/** A client without a line: it is told its state and its conversation, and writes down what it is asked to do. */
export class FakeClient implements ClientApi {
  state: ClientState = STATES.idle;
  conversation: Conversation = EMPTY_CONVERSATION;
  /** What was asked of it, in order: `['cancelRun', 'r1']`. */
  readonly calls: (readonly [string, ...unknown[]])[] = [];
  /** What the next operations answer; rejects with it when it is an error. */
  answer: Error | undefined;
  entries: readonly OutboxEntry[] = [];
  /** What happens on `connect`. */
  onConnect: (client: FakeClient) => void = () => {};
  readonly #listeners = new Set<(event: ClientEvent) => void>();

  /** Tells an event as the real client would. */
  tell(event: ClientEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  become(state: ClientState, at = 0): void {
    const previous = this.state;
    this.state = state;
    this.tell({ type: 'state', state, previous, at });
  }

  show(change: Partial<Conversation>): void {
    this.conversation = { ...this.conversation, ...change };
    this.tell({ type: 'conversation', conversation: this.conversation });
  }

  subscribe(listener: (event: ClientEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async *events(): AsyncIterable<ClientEvent> {}

  connect(): void {
    this.calls.push(['connect']);
    this.onConnect(this);
  }

  async close(): Promise<void> {
    this.calls.push(['close']);
    this.become(STATES.closed);
  }

  authenticate(apiKey: string): void {
    this.calls.push(['authenticate', apiKey]);
  }

  retryNow(): void {
    this.calls.push(['retryNow']);
  }

  send(content: string, options?: SendOptions): Sent {
    if (this.answer !== undefined) throw this.answer;
    this.calls.push(['send', content, options]);
    return { id: 'sent', delivered: new Promise(() => {}) };
  }

  outbox(): readonly OutboxEntry[] {
    return this.entries;
  }

  resend(id: string): void {
    this.calls.push(['resend', id]);
  }

  discard(id: string): void {
    this.calls.push(['discard', id]);
  }

  cancelRun = (id: string) => this.#do('cancelRun', id);
  retryRun = (id: string) => this.#do('retryRun', id);
  respond = (responses: Parameters<ClientApi['respond']>[0]) => this.#do('respond', responses);
  updateContext = (patch: Parameters<ClientApi['updateContext']>[0]) => this.#do('updateContext', patch);

  async requestContext(): Promise<never> {
    throw new Error('not offered by the fake');
  }

  async loadHistory(): Promise<never> {
    throw new Error('not offered by the fake');
  }

  async loadOlder(): Promise<void> {
    this.calls.push(['loadOlder']);
  }

  async ping(): Promise<{ readonly roundTripMs: number }> {
    return { roundTripMs: 0 };
  }

  async waitFor(): Promise<void> {}

  async #do(name: string, argument: unknown) {
    this.calls.push([name, argument]);
    if (this.answer !== undefined) throw this.answer;
    return { seq: 1, duplicate: false };
  }
}
