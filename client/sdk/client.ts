import type { ContextPatch } from '../../protocol/chat/context.ts';
import type { DownData } from '../../protocol/chat/down.ts';
import { ChatPlane } from './chat-plane.ts';
import { systemClock } from './clock.ts';
import { Connection } from './connection.ts';
import type { Conversation } from './conversation-types.ts';
import { InvalidRequestError, OperationRefusedError, RefusedError, SessionEndedError } from './errors.ts';
import { dataOf, type Frame } from './frames.ts';
import { Hub } from './hub.ts';
import { outboxScope } from './identity.ts';
import { Operations } from './operations.ts';
import { Outbox } from './outbox.ts';
import { OutboxSender } from './outbox-sender.ts';
import type { ClientClock, ClientRandom } from './ports.ts';
import { systemRandom } from './random.ts';
import { checkClientId, checkMessage } from './requests.ts';
import { Session } from './session.ts';
import { browserSignals } from './signals.ts';
import { Documents, memoryStorage } from './storage.ts';
import { webSocketTransport } from './transport.ts';
import type {
  Acknowledged,
  ClientApi,
  ClientEvent,
  ClientOptions,
  ClientState,
  History,
  HistoryQuery,
  InputResponse,
  OutboxEntry,
  SendOptions,
  Sent,
} from './types.ts';
import { uuidV7 } from './uuid.ts';

/** The window for delays before the server has advertised its own. */
export const DEFAULT_RECONNECT = { minMs: 500, maxMs: 30_000 } as const;
export const DEFAULT_OUTBOX_MAX_BYTES = 1_048_576;
export const DEFAULT_OPERATION_TIMEOUT_MS = 15_000;

/**
 * A conversation that survives its line. It only puts the parts together: `connection.ts` keeps the line, `session.ts` the
 * place in the log, `outbox.ts` what waits to be sent, `operations.ts` what waits to be answered, `conversation.ts` adds
 * everything up for a page.
 */
export class HoldfastClient implements ClientApi {
  readonly #hub = new Hub();
  readonly #clock: ClientClock;
  readonly #random: ClientRandom;
  readonly #connection: Connection;
  readonly #plane: ChatPlane;
  readonly #outbox: Outbox;
  readonly #sender: OutboxSender;
  readonly #operations: Operations;
  #older: undefined | Promise<void>;

  /** @throws InvalidRequestError when `clientId` is none */
  constructor(options: ClientOptions) {
    checkClientId(options.clientId);
    const hub = this.#hub;
    const clock = options.clock ?? systemClock;
    const random = options.random ?? systemRandom;
    this.#clock = clock;
    this.#random = random;
    const { clientId, domain = 'personal', workspace = 'personal' } = options;
    const documents = new Documents(
      options.storage ?? memoryStorage(),
      `holdfast.${clientId}.${domain}.${workspace}.`,
      (error) => hub.emit({ type: 'error', error }),
    );
    const session = new Session(options, {
      hub,
      documents,
      clock,
      onEnded: (sessionId) => this.#sessionEnded(sessionId),
      onForgotten: () => this.#sender.sessionEnded(true),
      onEntered: (sessionId) => this.#showOutbox(this.#outbox.moveTo(sessionId)),
      onSeen: (id, seq) => void this.#sender.acknowledged(id, { seq, duplicate: false }),
    });
    const shared = {
      clock,
      random,
      send: (text: string) => this.#plane.send(text),
      window: () => this.#connection.state.line.window,
      timeoutMs: options.operationTimeoutMs ?? DEFAULT_OPERATION_TIMEOUT_MS,
    };
    this.#outbox = new Outbox(
      documents,
      options.outboxMaxBytes ?? DEFAULT_OUTBOX_MAX_BYTES,
      outboxScope(session.identity),
    );
    this.#sender = new OutboxSender(this.#outbox, { ...shared, emit: (event) => hub.emit(event) });
    this.#operations = new Operations({ ...shared, newId: () => this.#newId() });
    this.#plane = new ChatPlane({
      options,
      hub,
      session,
      sender: this.#sender,
      operations: this.#operations,
      clock,
      connection: () => this.#connection,
    });
    const { transport = webSocketTransport, signals = browserSignals } = options;
    this.#connection = new Connection(
      { transport, clock, random, signals },
      { ...(options.reconnect ?? DEFAULT_RECONNECT), jitter: 'full' },
      this.#plane,
    );
    this.#showOutbox(this.#outbox.entries);
  }

  get state(): ClientState {
    return this.#connection.state;
  }

  get conversation(): Conversation {
    return this.#hub.conversation;
  }

  subscribe(listener: (event: ClientEvent) => void): () => void {
    return this.#hub.subscribe(listener);
  }

  events(signal?: AbortSignal): AsyncIterable<ClientEvent> {
    return this.#hub.events(signal);
  }

  waitFor(predicate: (client: ClientApi) => boolean, signal?: AbortSignal): Promise<void> {
    return this.#hub.waitFor(() => predicate(this), signal);
  }

  connect(): void {
    this.#connection.connect();
  }

  async close(): Promise<void> {
    this.#connection.close();
    await this.waitFor(({ state }) => state.name !== 'closing');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  retryNow(): void {
    this.#connection.retryNow();
  }

  authenticate(apiKey: string): void {
    const before = this.#plane.apiKey;
    this.#plane.apiKey = apiKey;
    const { state } = this;
    if (state.name === 'refused') {
      if (state.error instanceof RefusedError) this.#plane.forgetRefused(state.error.errorType);
      this.#connection.credentials();
    } else if (state.name === 'connected') void this.#renew(apiKey, before);
  }

  send(content: string, options: SendOptions = {}): Sent {
    checkMessage(content, options);
    const id = options.id ?? this.#newId();
    const waiting = this.#outbox.find(id);
    if (waiting === undefined) {
      const { onBusy = 'enqueue', metadata } = options;
      const createdAt = this.#clock.now();
      this.#enqueue({ id, content, onBusy, metadata, createdAt, state: 'queued' });
    } else if (waiting.content !== content) {
      throw new InvalidRequestError(`The id ${id} is another message's`);
    }
    const delivered = this.#sender.delivered(id);
    this.#sender.pump();
    return { id, delivered };
  }

  outbox(): readonly OutboxEntry[] {
    return this.#outbox.entries;
  }

  resend(id: string): void {
    const entry = this.#outbox.find(id);
    if (entry !== undefined && entry.state !== 'unconfirmed') return;
    const again = entry === undefined ? this.#outbox.findFailed(id) : this.#outbox.remove(id);
    if (again === undefined) throw new InvalidRequestError(`There is no message ${id} to send again`);
    this.#enqueue({ ...again, state: 'queued' });
    this.#sender.pump();
  }

  discard(id: string): void {
    this.#sender.discard(id);
  }

  async cancelRun(runId: string): Promise<Acknowledged> {
    return acknowledged(await this.#operations.request('run_cancel', { run_id: runId }));
  }

  async retryRun(runId: string): Promise<Acknowledged> {
    return acknowledged(await this.#operations.request('run_retry', { run_id: runId }));
  }

  async respond(responses: readonly InputResponse[]): Promise<Acknowledged> {
    return acknowledged(await this.#operations.request('input_respond', { responses: [...responses] }));
  }

  async updateContext(patch: ContextPatch): Promise<Acknowledged> {
    return acknowledged(await this.#operations.request('context_update', patch));
  }

  async requestContext(): Promise<DownData<'context'>> {
    return answer(await this.#operations.request('context_request', {}), 'context');
  }

  async loadHistory(query: HistoryQuery = {}): Promise<History> {
    const { beforeSeq, limit, roles } = query;
    const data = { before_seq: beforeSeq, limit, roles: roles && [...roles] };
    return answer(await this.#operations.request('history_request', data), 'history');
  }

  loadOlder(): Promise<void> {
    this.#older ??= this.#loadOlder().finally(() => {
      this.#older = undefined;
    });
    return this.#older;
  }

  async ping(): Promise<{ readonly roundTripMs: number }> {
    const before = this.#clock.now();
    await this.#operations.request('ping', {});
    return { roundTripMs: this.#clock.now() - before };
  }

  async #loadOlder(): Promise<void> {
    const { messages, history } = this.conversation;
    const first = messages[0];
    if (first === undefined || !history.hasMore) return;
    this.#hub.emit({ type: 'history', phase: 'loading', page: null });
    try {
      const page = await this.loadHistory({ beforeSeq: first.seq });
      // A snapshot may have replaced the messages meanwhile: the page would leave a hole before them.
      const fits = this.conversation.messages[0]?.id === first.id;
      this.#hub.emit({ type: 'history', phase: fits ? 'loaded' : 'failed', page: fits ? page : null });
    } catch (error) {
      this.#hub.emit({ type: 'history', phase: 'failed', page: null });
      throw error;
    }
  }

  /** Renews the credentials of a line that holds. Those that are refused are not kept. */
  async #renew(apiKey: string, before: string): Promise<void> {
    try {
      await this.#operations.request('auth_refresh', { api_key: apiKey });
    } catch (error) {
      if (!(error instanceof OperationRefusedError)) return;
      if (this.#plane.apiKey === apiKey) this.#plane.apiKey = before;
      this.#hub.emit({ type: 'error', error });
    }
  }

  #sessionEnded(sessionId: string | undefined): void {
    const lasting = new Set(['ping', 'context_request', 'auth_refresh']);
    this.#operations.rejectAll(new SessionEndedError(sessionId), (type) => !lasting.has(type));
    this.#sender.sessionEnded();
  }

  #enqueue(entry: OutboxEntry): void {
    this.#outbox.add(entry);
    this.#hub.emit({ type: 'outbox', change: 'queued', entry, seq: null, error: null });
  }

  /** Shows what the storage had. */
  #showOutbox(entries: readonly OutboxEntry[]): void {
    for (const entry of entries)
      this.#hub.emit({ type: 'outbox', change: entry.state, entry, seq: null, error: null });
  }

  #newId(): string {
    return uuidV7(this.#clock, this.#random);
  }
}

function acknowledged(frame: Frame): Acknowledged {
  const data = answer(frame, 'message_delivered');
  return { seq: data.seq ?? null, duplicate: data.status === 'duplicate' };
}

function answer<T extends 'context' | 'history' | 'message_delivered'>(frame: Frame, type: T): DownData<T> {
  const data = dataOf(frame, type);
  if (data === undefined) throw new InvalidRequestError(`The server answered with ${frame.type}`);
  return data;
}
