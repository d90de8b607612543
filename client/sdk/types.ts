import type { ContextPatch } from '../../protocol/chat/context.ts';
import type { DownData, LogEvent } from '../../protocol/chat/down.ts';
import type { ConnectionSuccessData } from '../../protocol/chat/handshake.ts';
import type { MessageDeltaData, Role } from '../../protocol/chat/message.ts';
import type { History, SessionRestoredData } from '../../protocol/chat/restore.ts';
import type { InputResponse } from '../../protocol/chat/run.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { ConnectionState } from './connection-types.ts';
import type { AgentStatus, Conversation, Delivery } from './conversation-types.ts';
import type { HoldfastError } from './errors.ts';
import type { ClientClock, ClientRandom, KeyValueStorage, Transport, WakeSignals } from './ports.ts';

export type { ContextPatch, History, InputResponse, Role };

/** How a client is made. Only the first three are needed. */
export interface ClientOptions {
  /** `ws://host:port` or `wss://host:port`. */
  readonly url: string;
  /** A label of this client, 1-64 of `A-Za-z0-9_-`. It also names what is kept in `storage`: one id for each page that lives at the same time. */
  readonly clientId: string;
  readonly apiKey: string;
  /** `personal` by default; together with `workspace` it scopes sessions. */
  readonly domain?: string | undefined;
  readonly workspace?: string | undefined;
  /** Comes into this session (of the same subject). Without it: the one kept in `storage`, otherwise a new one. */
  readonly sessionId?: string | undefined;
  /** Comes into the session that this token names; goes before `sessionId`. */
  readonly sessionToken?: string | undefined;
  /** Uses the `/debug/` endpoint, and tells every frame as an event (credentials blotted out). */
  readonly debug?: boolean | undefined;
  /** Where the session and the outbox outlive a reload. Memory by default; see `webStorage`. */
  readonly storage?: KeyValueStorage | undefined;
  readonly transport?: Transport | undefined;
  readonly clock?: ClientClock | undefined;
  readonly random?: ClientRandom | undefined;
  readonly signals?: WakeSignals | undefined;
  /** Tells the server who calls. */
  readonly client?: { readonly name: string; readonly version: string } | undefined;
  /** How many bytes (UTF-8) of unacknowledged messages are held; 1 MiB by default. */
  readonly outboxMaxBytes?: number | undefined;
  /** How long an operation may take, reconnects included; 15 000 by default. */
  readonly operationTimeoutMs?: number | undefined;
  /** The window for delays until the server has advertised its own; 500-30 000 by default. */
  readonly reconnect?: { readonly minMs: number; readonly maxMs: number } | undefined;
}

export type ClientState = ConnectionState;

/** Everything that happens, in order. `conversation` and `state` of the client are already up to date when it is told. */
export type ClientEvent =
  | {
      readonly type: 'state';
      readonly state: ClientState;
      readonly previous: ClientState;
      readonly at: number;
    }
  /** The server let us in. `restored` is `null` for a fresh session. `lost`: when, and after which event, the line had gone. */
  | {
      readonly type: 'restored';
      readonly at: number;
      readonly session: ConnectionSuccessData;
      readonly restored: SessionRestoredData | null;
      readonly lost: { readonly at: number | null; readonly seq: number; readonly epoch: string } | null;
    }
  /** Every missed event was processed: we are at the head that `restored` named. */
  | { readonly type: 'caught_up'; readonly at: number; readonly restored: SessionRestoredData | null }
  /** One event of the log: each exactly once, in order. */
  | { readonly type: 'event'; readonly event: LogEvent; readonly replayed: boolean }
  | { readonly type: 'message_started'; readonly messageId: string; readonly runId: string }
  /** One chunk of the answer in flight: each exactly once, in order. */
  | { readonly type: 'delta'; readonly delta: MessageDeltaData }
  /** Older messages arrived for `loadOlder`; `null` when the request failed; `loading` when it begins. */
  | {
      readonly type: 'history';
      readonly phase: 'loading' | 'loaded' | 'failed';
      readonly page: History | null;
    }
  | { readonly type: 'context'; readonly context: DownData<'context'> }
  | { readonly type: 'agent_status'; readonly agentId: string; readonly status: AgentStatus }
  | {
      readonly type: 'notice';
      readonly level: 'info' | 'warning' | 'error';
      readonly code: string;
      readonly message: string;
    }
  | { readonly type: 'server_closing'; readonly reconnectInMs: number }
  /** The outbox changed. `discarded` and `sent` entries are not in it any more; `failed` ones neither. */
  | {
      readonly type: 'outbox';
      readonly change: Delivery | 'discarded';
      readonly entry: OutboxEntry;
      readonly seq: number | null;
      readonly error: HoldfastError | null;
    }
  /** The conversation is another object. */
  | { readonly type: 'conversation'; readonly conversation: Conversation }
  /** Something went wrong that neither a state nor a promise tells: a fault of the server, a full storage, a refused renewal. */
  | { readonly type: 'error'; readonly error: HoldfastError }
  /** On the debug endpoint: how the server came to its decision. */
  | { readonly type: 'debug'; readonly data: DownData<'debug'> }
  /** With `debug`: one frame as it went over the wire. */
  | { readonly type: 'frame'; readonly direction: 'up' | 'down'; readonly at: number; readonly text: string }
  /** Only from `events()`: the consumer was too slow, and this many events were left out before the next one. */
  | { readonly type: 'lagged'; readonly dropped: number };

/** One of our own messages that is not acknowledged. */
export interface OutboxEntry {
  readonly id: string;
  readonly content: string;
  readonly onBusy: 'enqueue' | 'reject' | 'interrupt';
  readonly metadata: JsonObject | undefined;
  /** When it was written, by the client's clock. */
  readonly createdAt: number;
  /** `queued`: never given to a socket. `sending`: given, and resent with the same id until acknowledged. */
  readonly state: 'queued' | 'sending' | 'unconfirmed';
}

export interface SendOptions {
  /** What happens when a run is in hand; `enqueue` by default. `reject` and a busy session: `delivered` rejects (`busy`). */
  readonly onBusy?: 'enqueue' | 'reject' | 'interrupt' | undefined;
  readonly metadata?: JsonObject | undefined;
  /** Makes the call repeatable. A new UUIDv7 by default. */
  readonly id?: string | undefined;
}

export interface Sent {
  readonly id: string;
  /**
   * Resolves when the message is durably stored: after a reconnect, or hours later, if need be.
   * Rejects with `OperationRefusedError`, `DiscardedError` or `ClientClosedError`. May be left unhandled.
   */
  readonly delivered: Promise<Acknowledged>;
}

export interface Acknowledged {
  /** The first event that it led to; `null` when it led to none. */
  readonly seq: number | null;
  /** It had been stored before, by an earlier sending of the same id. */
  readonly duplicate: boolean;
}

export interface HistoryQuery {
  /** Exclusive. */
  readonly beforeSeq?: number | undefined;
  readonly limit?: number | undefined;
  readonly roles?: readonly Role[] | undefined;
}

/** What `HoldfastClient` is, for those who want to stand a fake in its place. */
export interface ClientApi {
  /** Tagged by `name`. */
  readonly state: ClientState;
  /** A new object whenever something in it changed. */
  readonly conversation: Conversation;
  /** Tells every event from now on, synchronously and in order. The returned function ends it. */
  subscribe(listener: (event: ClientEvent) => void): () => void;
  /** The same as a stream, buffered up to 1 024 events; says `lagged` when the consumer was too slow. Ends with `signal`. */
  events(signal?: AbortSignal): AsyncIterable<ClientEvent>;
  /** Begins, and keeps at it. Does nothing when it is under way; begins anew after `closed` and `failed`. */
  connect(): void;
  /** Says goodbye. Resolves when the line is closed. The session, and the outbox, stay. */
  close(): Promise<void>;
  /** New credentials: after `refused` it connects with them; while connected they are renewed in place. */
  authenticate(apiKey: string): void;
  /** Skips the rest of a backoff. Does not skip a `retry_after_ms` of the server. */
  retryNow(): void;

  /**
   * Writes a message into the outbox, and sends it as soon as there is a line.
   * @throws InvalidRequestError (empty, too long, bad id, an id in use), OverflowError (the outbox is full)
   */
  send(content: string, options?: SendOptions): Sent;
  /** Messages not acknowledged, in the order in which they will be sent. */
  outbox(): readonly OutboxEntry[];
  /** Sends an `unconfirmed` or `failed` message into the session of now, with the same id. */
  resend(id: string): void;
  /** Forgets a message that is `queued`, `unconfirmed` or `failed`. One that is `sending` may arrive all the same. */
  discard(id: string): void;

  // Each of these rejects with OperationRefusedError, OperationTimeoutError, SessionEndedError, ClientClosedError or OverflowError.
  cancelRun(runId: string): Promise<Acknowledged>;
  retryRun(runId: string): Promise<Acknowledged>;
  respond(responses: readonly InputResponse[]): Promise<Acknowledged>;
  updateContext(patch: ContextPatch): Promise<Acknowledged>;
  /** Reads the context anew; `conversation.context` follows. */
  requestContext(): Promise<DownData<'context'>>;
  /** Reads messages without touching the conversation. */
  loadHistory(query?: HistoryQuery): Promise<History>;
  /** Adds the next page of older messages to the conversation. Calls while one is under way share it. */
  loadOlder(): Promise<void>;
  ping(): Promise<{ readonly roundTripMs: number }>;

  /** Resolves as soon as `predicate` holds, now or after some event; rejects with the signal's reason. */
  waitFor(predicate: (client: ClientApi) => boolean, signal?: AbortSignal): Promise<void>;
}
