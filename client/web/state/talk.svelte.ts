import type { Json, JsonObject } from '../../../protocol/json.ts';
import type { ClientApi, ClientEvent, ClientState, Conversation, SendOptions } from '../../sdk/index.ts';
import { errorDetails, errorWords } from '../format/error-words.ts';
import type { Cut } from '../transcript/row-types.ts';
import type { Frames } from './frames.ts';

/** Something worth a line for a moment: a fault, or what the server wanted to say. */
export interface Notice {
  readonly id: number;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
  readonly details: string;
}

export type ChangeCause = 'state' | 'conversation' | 'outbox';

const MAX_NOTICES = 3;
const MAX_CUTS = 200;

/** One thread's client, and all that the page shows of it. */
export class Talk {
  readonly client: ClientApi;
  readonly clientId: string;
  state = $state.raw<ClientState>() as ClientState;
  conversation = $state.raw<Conversation>() as Conversation;
  /** When the line was cut, if it is cut now. */
  cutSince = $state.raw<number | null>(null);
  cuts = $state.raw<readonly Cut[]>([]);
  notices = $state.raw<readonly Notice[]>([]);
  /** The last attempt to read older messages failed. */
  historyFailed = $state(false);
  /** Requests that were answered on this page; others were answered elsewhere. */
  answeredHere = $state.raw<ReadonlySet<string>>(new Set());
  /** Where the page stands in the log. */
  position = $state.raw<{ readonly epoch: string; readonly seq: number } | null>(null);

  readonly #frames: Frames;
  readonly #onChange: (cause: ChangeCause) => void;
  readonly #end: () => void;
  #pending: Conversation | undefined;
  #cancelFrame: (() => void) | undefined;
  #scheduled = false;
  #noticeId = 0;

  constructor(client: ClientApi, clientId: string, frames: Frames, onChange: (cause: ChangeCause) => void) {
    this.client = client;
    this.clientId = clientId;
    this.#frames = frames;
    this.#onChange = onChange;
    this.state = client.state;
    this.conversation = client.conversation;
    this.#end = client.subscribe((event) => this.#told(event));
  }

  get sessionId(): string | null {
    return this.conversation.session?.sessionId ?? null;
  }

  /** Messages that are neither stored nor given up. */
  get unsent(): number {
    return this.client.outbox().length;
  }

  /** @throws InvalidRequestError, OverflowError */
  send(content: string, options?: SendOptions): void {
    this.client.send(content, options);
  }

  cancel(runId: string): void {
    this.#try(this.client.cancelRun(runId));
  }

  retry(runId: string): void {
    this.#try(this.client.retryRun(runId));
  }

  /** Answers one question. Resolves when the server has it, or has refused it. */
  async respond(requestId: string, answer: { approved: boolean } | { value: Json }): Promise<void> {
    const before = this.answeredHere;
    this.answeredHere = new Set([...before, requestId]);
    try {
      await this.client.respond([{ request_id: requestId, ...answer }]);
    } catch (error) {
      this.answeredHere = new Set([...this.answeredHere].filter((id) => id !== requestId));
      this.#fault(error);
    }
  }

  /** `true`: the server has it. */
  async updateContext(patch: { memory?: JsonObject; preferences?: JsonObject }): Promise<boolean> {
    try {
      await this.client.updateContext(patch);
      return true;
    } catch (error) {
      this.#fault(error);
      return false;
    }
  }

  loadOlder(): void {
    const { hasMore, loading } = this.conversation.history;
    if (!hasMore || loading || this.state.name !== 'connected') return;
    // The failure is told as an event, and shown where the messages would be.
    this.client.loadOlder().catch(() => {});
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((notice) => notice.id !== id);
  }

  notify(level: Notice['level'], text: string, details = ''): void {
    const same = this.notices.find((notice) => notice.text === text);
    if (same !== undefined) return;
    this.notices = [...this.notices, { id: ++this.#noticeId, level, text, details }].slice(-MAX_NOTICES);
  }

  /** Stops listening and closes the line. What is unsent stays in the client's storage. */
  async close(): Promise<void> {
    this.#end();
    this.#cancelFrame?.();
    await this.client.close();
  }

  #told(event: ClientEvent): void {
    switch (event.type) {
      case 'conversation':
        this.#pending = event.conversation;
        return this.#flushSoon();
      case 'state':
        this.#stateChanged(event);
        return this.#flush('state');
      case 'restored':
        this.position = {
          epoch: event.session.position.epoch,
          seq: event.restored?.mode === 'replay' ? (event.lost?.seq ?? 0) : event.session.position.seq,
        };
        return;
      case 'event':
        if (this.position !== null) this.position = { ...this.position, seq: event.event.seq };
        return;
      case 'outbox':
        return this.#onChange('outbox');
      case 'history':
        if (event.phase !== 'loading') this.historyFailed = event.phase === 'failed';
        return;
      case 'notice':
        return this.notify(event.level, event.message, event.code);
      case 'error':
        // A line that is out of step is told by the state already.
        if (event.error.name !== 'ServerFaultError') this.#fault(event.error);
        return;
      default:
        return;
    }
  }

  #stateChanged({ state, previous, at }: Extract<ClientEvent, { type: 'state' }>): void {
    if (isIn(previous) && !isIn(state)) {
      const streaming = (this.#pending ?? this.conversation).streaming;
      this.cuts = [...this.cuts, { at, messageId: streaming?.messageId ?? null }].slice(-MAX_CUTS);
    }
    if (state.name === 'connected') this.cutSince = null;
    else if (isIn(previous) && !isIn(state) && state.name !== 'closing') this.cutSince = at;
    this.state = state;
  }

  #flushSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const cancel = this.#frames.next(() => this.#flush('conversation'));
    // It may have been drawn on the spot.
    if (this.#scheduled) this.#cancelFrame = cancel;
  }

  #flush(cause: ChangeCause): void {
    this.#cancelFrame?.();
    this.#cancelFrame = undefined;
    this.#scheduled = false;
    if (this.#pending !== undefined) this.conversation = this.#pending;
    this.#pending = undefined;
    this.#onChange(cause);
  }

  #try(operation: Promise<unknown>): void {
    operation.catch((error: unknown) => this.#fault(error));
  }

  #fault(error: unknown): void {
    const { what, hint } = errorWords(error);
    this.notify('error', `${what} ${hint}`.trim(), errorDetails(error));
  }
}

function isIn(state: ClientState): boolean {
  return state.name === 'restoring' || state.name === 'connected';
}
