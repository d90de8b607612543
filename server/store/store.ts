import type { Role } from '../../protocol/chat/message.ts';
import type { Position } from '../../protocol/position.ts';

/**
 * The store port. These comments are its contract; `test-helpers/store-contract` holds every driver to it.
 *
 * - Every operation is atomic: it checks everything before its first write, and is applied wholly or not at all.
 * - Every operation is safe to send again after a lost reply.
 * - What resolved is stored, as durably as the driver is configured to (see docs/design/durability.md).
 * - Time is passed in as `now` (ms since the epoch); a driver never reads a clock to decide anything.
 * - JSON texts (`json`, cells, chunks, annotations) are opaque: they come back byte for byte.
 * - A driver rejects with `StoreUnavailable` when it cannot be reached and with nothing else.
 */
export interface Store {
  readonly driver: 'sqlite' | 'redis';
  /** The random id of this store's content, made when it was first used. A restored backup keeps it, a new store has another. */
  readonly storeId: string;

  /** Resolves when the store answers. */
  ping(): Promise<void>;

  /** Resolves when the store takes writes: one that changes nothing that counts was stored. Rejects while it is full. */
  probe(): Promise<void>;

  /** The value kept under `name`, or `proposed`, which is kept from then on. The first proposal wins, on every node. */
  secret(name: string, proposed: string): Promise<string>;

  /**
   * Makes a session with an empty log and lists it for its subject. When `sessionId` is there already nothing is changed
   * and it answers `exists`. `over_limit` when the subject has `maxSessions` or more (0: no limit).
   * With `attach`, the connection is attached in the same step.
   */
  create(request: CreateRequest): Promise<CreateResult>;

  /**
   * Reads all that a restore needs, and attaches the connection, in one round trip. Nothing is attached unless the answer is `open`.
   */
  open(request: OpenRequest): Promise<OpenResult>;

  /** Appends events by compare-and-set on `seq`. See `AppendRequest` for what else happens in the same step. */
  append(request: AppendRequest): Promise<AppendResult>;

  /**
   * Puts another log, under a new epoch, in the place of one that is not continuous, with its cells, ids and annotations.
   * Chunks and lease go; the rest of the record stays, attachments too, and nodes that are attached are told `gone`.
   * `false`: the session is not there, archived, or has a log of another epoch by now.
   */
  rewrite(request: RewriteRequest): Promise<boolean>;

  /** Appends one chunk of the message in flight, fenced by the run's lease. */
  appendChunk(request: ChunkRequest): Promise<ChunkResult>;

  /** Events with `seq >= fromSeq`, ascending. Empty when there are none, or no session. */
  read(request: ReadRequest): Promise<LogPage>;

  /** Messages (events of the log that carry one), the newest before `beforeSeq` (exclusive), ascending. Works on archived sessions too. */
  history(request: HistoryRequest): Promise<HistoryPage>;

  /** The chunk buffer from `fromIndex` on, or `undefined` when no message is in flight. */
  chunks(sessionId: string, fromIndex: number): Promise<undefined | ChunkBuffer>;

  /** What is known of these client ids: those absent are not in the answer. */
  lookupIds(sessionId: string, ids: readonly string[]): Promise<KnownId[]>;

  /**
   * Says that these connections of this node are alive at `now`. Answers each session's head, in the order given
   * (`undefined`: no such session, or an archived one), so that a missed wake-up is found.
   */
  touch(nodeId: string, entries: readonly TouchEntry[], now: number): Promise<(undefined | Head)[]>;

  /** Marks the connection gone at `now`. Removes only its own attachment; a second call, or a late one, changes nothing. */
  detach(sessionId: string, connectionId: string, now: number): Promise<void>;

  /** Prolongs the lease if it is still held by this owner, run and attempt. `false`: it is not. */
  renewLease(sessionId: string, lease: Lease): Promise<boolean>;

  /**
   * Ends the session: cells, chunks, ids, attachments, lease go; log and history stay, archived, until `archiveUntil`
   * (0: everything goes, only the pointer to the successor stays until the token could no longer name it).
   * Only if it has expired at `now` (see `isExpired`), or `force`. The first `successorId` proposed wins and is answered, with or without a repeat.
   */
  expire(request: ExpireRequest): Promise<ExpireResult>;

  /** Ids of sessions whose `alarmAt <= now`, earliest first, at most `limit`. May name sessions that are gone. */
  due(now: number, limit: number): Promise<string[]>;

  /** Sets the session's alarm (`undefined`: none). */
  setAlarm(sessionId: string, alarmAt: undefined | number): Promise<void>;

  /**
   * A subject's sessions, last used first. `cursor` is the one that the page before answered. A page may hold fewer than `limit`, even
   * none, while `nextCursor` leads on: no page looks at more than some hundred records.
   */
  list(request: ListRequest): Promise<ListPage>;

  /** The session's record, without attaching anything. */
  info(sessionId: string): Promise<undefined | SessionInfo>;

  setTitle(sessionId: string, title: string): Promise<boolean>;

  /** Removes every trace of the session. A repeat changes nothing. */
  erase(sessionId: string): Promise<void>;

  /**
   * Records of other nodes for sessions that this node is attached to, or holds the lease of (`Lease.owner` is a node id). At most once each, possibly late, possibly lost:
   * whoever finds a gap reads the log. `onResync` says that some may have been lost.
   */
  subscribe(nodeId: string, handler: (record: NodeRecord) => void, onResync: () => void): Promise<void>;

  close(): Promise<void>;
}

/** The store cannot be reached. The caller may try again; what it asked may or may not have been applied. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';

  shouldRetry(): boolean {
    return true;
  }
}

export interface Head {
  readonly epoch: string;
  readonly seq: number;
  /** The tag of the event at `seq`; `undefined` at 0. */
  readonly tag: undefined | string;
}

/** How long a session outlives its last connection. Stored with the session at each attach. */
export interface Policy {
  readonly briefMs: number;
  readonly mediumMs: number;
  /** How long its transcript stays readable after it expired; 0: not at all. Kept for whoever expires it. */
  readonly archiveMs: number;
  /** An attachment that gave no sign for longer than this is gone since its last sign. */
  readonly attachTtlMs: number;
}

export interface AttachRequest {
  readonly nodeId: string;
  readonly connectionId: string;
}

export interface CreateRequest {
  readonly sessionId: string;
  readonly epoch: string;
  readonly subject: string;
  readonly domain: string;
  readonly workspace: string;
  readonly title: undefined | string;
  readonly previousId: undefined | string;
  readonly policy: Policy;
  readonly maxSessions: number;
  readonly attach: undefined | AttachRequest;
  /** When somebody must look at it, if nobody attaches. */
  readonly alarmAt: undefined | number;
  readonly now: number;
}

export type CreateResult =
  | { readonly kind: 'created'; readonly info: SessionInfo }
  | { readonly kind: 'exists' }
  | { readonly kind: 'over_limit' };

/** The stored record of a session. Times are ms since the epoch. */
export interface SessionInfo {
  readonly sessionId: string;
  readonly epoch: string;
  readonly seq: number;
  /** The tag of the event at `seq`; `undefined` at 0. */
  readonly tag: undefined | string;
  readonly subject: string;
  readonly domain: string;
  readonly workspace: string;
  readonly title: undefined | string;
  readonly previousId: undefined | string;
  readonly policy: Policy;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** JSON of the newest message as the list shows it, written with `AppendRequest.lastMessage`. */
  readonly lastMessage: undefined | string;
  readonly messageCounts: Readonly<Record<Role, number>>;
  /** Bytes of all event JSON in the log. */
  readonly logBytes: number;
  /** Its connections, in no order: all that are alive, and of those that are gone (`goneAt` of liveness.ts) the newest 16. */
  readonly attachments: readonly AttachmentInfo[];
  /** When it was last known to have a connection, apart from those in `attachments`: creation, or the latest pruned one. */
  readonly lastSeenAt: number;
  /** Before this it does not expire, whatever its attachments say: a run is at work. 0: none. */
  readonly holdUntil: number;
  readonly lease: undefined | Lease;
  readonly alarmAt: undefined | number;
  readonly archived:
    | undefined
    | { readonly at: number; readonly until: number; readonly successorId: string };
}

export interface AttachmentInfo {
  readonly connectionId: string;
  readonly nodeId: string;
  readonly beatAt: number;
  /** `undefined` while it has not been detached. */
  readonly goneAt: undefined | number;
}

export interface OpenRequest {
  readonly sessionId: string;
  /** Only a session of this subject, domain and workspace is opened (`undefined`: not checked, for sweeps and recovery). */
  readonly scope:
    | undefined
    | { readonly subject: string; readonly domain: string; readonly workspace: string };
  /** The client's position; without one the answer is a snapshot. */
  readonly position: undefined | Position;
  readonly maxReplay: number;
  /** How many messages a snapshot holds. */
  readonly historyPage: number;
  /** Bytes of the events that a replay begins with, or of the messages of a snapshot; see `MaxBytes`. */
  readonly maxBytes: MaxBytes;
  readonly partial:
    | undefined
    | { readonly messageId: string; readonly attempt: number; readonly nextIndex: number };
  /** Open it even though its time has run out (never an archived one): for the sweep that ends its run before it expires. */
  readonly ignoreExpiry: boolean;
  /** Attach this connection, and take this policy from now on. */
  readonly attach: undefined | (AttachRequest & { readonly policy: Policy });
  readonly now: number;
}

export type OpenResult =
  | OpenedSession
  /** Not there, or not of that scope. */
  | { readonly kind: 'missing' }
  /** Its time has run out at `now` and nobody has archived it yet (`archived` undefined), or it is archived. */
  | { readonly kind: 'expired'; readonly info: SessionInfo }
  /** The log is not continuous, or its head disagrees with its events. */
  | { readonly kind: 'fault'; readonly info: SessionInfo; readonly detail: string };

export interface OpenedSession {
  readonly kind: 'open';
  /** As it was before this connection attached. */
  readonly info: SessionInfo;
  readonly cells: Readonly<Record<string, string>>;
  /** `none`: no position was given. `reset`: it is not of this log (other epoch, ahead of it, or another tag there). */
  readonly position: 'valid' | 'reset' | 'none';
  /**
   * With a valid position at most `maxReplay` behind: the missed events, from the first on, as many as `maxBytes` allows;
   * those up to the head that are not among them are read. Otherwise the newest messages.
   */
  readonly content:
    | { readonly mode: 'replay'; readonly afterSeq: number; readonly events: readonly string[] }
    | { readonly mode: 'snapshot'; readonly page: HistoryPage };
  readonly chunks: undefined | ChunkBuffer;
}

/** The message in flight. `count` chunks are stored; `chunks` are those from `fromIndex` on. */
export interface ChunkBuffer {
  readonly messageId: string;
  readonly runId: string;
  readonly attempt: number;
  readonly count: number;
  readonly fromIndex: number;
  readonly chunks: readonly string[];
}

export interface AppendEvent {
  /** The whole frame as it goes over the wire, `seq`, `tag` and `ts` included. */
  readonly json: string;
  readonly tag: string;
  /** Set when the event carries a message: it then counts in history under this role. */
  readonly role: undefined | Role;
}

export interface AppendRequest {
  readonly sessionId: string;
  readonly nodeId: string;
  readonly now: number;
  readonly epoch: string;
  /** The head that the events were decided on; the first event gets `expectedSeq + 1`. */
  readonly expectedSeq: number;
  /**
   * The tag of the event at `expectedSeq`: a log that lost its end and was written on has another there.
   * `undefined`: it is not compared (at 0 there is none).
   */
  readonly expectedTag: undefined | string;
  /** At least one. */
  readonly events: readonly AppendEvent[];
  /** Folded state to replace, by name. */
  readonly cells: Readonly<Record<string, string>>;
  /** Ids to remember, each with a digest of what was asked and the `seq` it led to (0: none, see `lookupIds`). None may be known yet. */
  readonly ids: readonly KnownId[];
  /** What history adds to the message at `seq`: a JSON object text. */
  readonly annotations: readonly { readonly seq: number; readonly json: string }[];
  /**
   * Drop the chunk buffer. It must hold exactly this; where there is none, `count` must be 0
   * (`undefined`: nothing is dropped and nothing expected).
   */
  readonly dropChunks:
    | undefined
    | { readonly messageId: string; readonly attempt: number; readonly count: number };
  /** `set`: this lease from now on. `clear`: none. `held`: only if this one is held (run, attempt and owner). */
  readonly lease:
    | undefined
    | { readonly set: Lease }
    | { readonly held: Lease; readonly clear: boolean }
    | { readonly clear: true };
  /** `undefined`: as it was. */
  readonly holdUntil: undefined | number;
  /** `undefined`: as it was. `null`: none. */
  readonly alarmAt: undefined | null | number;
  readonly lastMessage: undefined | string;
  /** Set only if the session has no title yet. */
  readonly titleIfNone: undefined | string;
}

export interface KnownId {
  readonly id: string;
  readonly digest: string;
  readonly seq: number;
}

export interface RewriteRequest
  extends Pick<AppendRequest, 'sessionId' | 'nodeId' | 'events' | 'cells' | 'ids' | 'annotations'> {
  /** The epoch of the log that is replaced. */
  readonly epochBefore: string;
  readonly epoch: string;
  readonly alarmAt: number;
}

export type AppendResult =
  /** Stored, or found stored by an earlier send of this very request (its first event's tag is at its place). */
  | { readonly kind: 'applied' }
  /**
   * The head is another. `events` are those after `expectedSeq` (within `CONFLICT_LIMITS`), and none when they would not follow what
   * the caller knows: the store is behind, the epoch is another, or the event at `expectedSeq` is.
   */
  | { readonly kind: 'conflict'; readonly head: Omit<Head, 'tag'>; readonly events: readonly string[] }
  /** Some of `ids` are known; these are they, as first stored. */
  | { readonly kind: 'known'; readonly ids: readonly KnownId[] }
  /** The chunk buffer is not as `dropChunks` expected; this is what it is. */
  | { readonly kind: 'chunk_conflict'; readonly chunks: undefined | ChunkBuffer }
  /** The lease is not held. */
  | { readonly kind: 'fenced' }
  /** Erased or archived. */
  | { readonly kind: 'gone' };

/** A run's claim: it belongs to `owner` until `until`. `(runId, attempt)` is the fence. */
export interface Lease {
  readonly runId: string;
  readonly attempt: number;
  readonly owner: string;
  readonly until: number;
}

export interface ChunkRequest {
  readonly sessionId: string;
  readonly nodeId: string;
  readonly fence: { readonly runId: string; readonly attempt: number; readonly owner: string };
  readonly messageId: string;
  readonly messageAttempt: number;
  /** Where it goes; 0 begins a buffer. A repeat of a stored index with the same text is `applied`. */
  readonly index: number;
  readonly json: string;
}

export type ChunkResult =
  | { readonly kind: 'applied' }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'gap'; readonly count: number };

/**
 * How many bytes of JSON, as UTF-8, one answer may hold: a whole number. An answer holds at least one event all the same,
 * if there is one, so that a caller who asks again always gets further.
 */
export type MaxBytes = number;

/** How much of the log an append that came too late is answered with. */
export const CONFLICT_LIMITS = { events: 1000, bytes: 1_048_576 } as const;

export interface ReadRequest {
  readonly sessionId: string;
  readonly fromSeq: number;
  readonly limit: number;
  readonly maxBytes: MaxBytes;
}

/** Part of a log. `hasMore`: there are events after these. */
export interface LogPage {
  readonly events: readonly string[];
  readonly hasMore: boolean;
}

export interface HistoryRequest {
  readonly sessionId: string;
  readonly beforeSeq: undefined | number;
  readonly limit: number;
  /** Bytes of the messages' events together with their annotations: older ones that do not fit are left to the next page. */
  readonly maxBytes: MaxBytes;
  /** `undefined`: all. */
  readonly roles: undefined | readonly Role[];
}

/** `event`: the event's JSON as stored; `annotation`: its annotation, if any. `total`: all messages of these roles. */
export interface HistoryPage {
  readonly items: readonly { readonly event: string; readonly annotation: undefined | string }[];
  readonly total: number;
  readonly hasMore: boolean;
}

export interface TouchEntry {
  readonly sessionId: string;
  readonly connectionIds: readonly string[];
}

export interface ExpireRequest {
  readonly sessionId: string;
  readonly successorId: string;
  readonly archiveUntil: number;
  readonly force: boolean;
  readonly now: number;
}

export type ExpireResult =
  | { readonly kind: 'expired'; readonly successorId: string }
  /** It has not expired: somebody came back. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'missing' };

export interface ListRequest {
  readonly subject: string;
  readonly limit: number;
  readonly cursor: undefined | string;
}

export interface ListPage {
  readonly sessions: readonly SessionInfo[];
  readonly nextCursor: undefined | string;
}

/** A record from another node. */
export type NodeRecord =
  | {
      readonly kind: 'events';
      readonly sessionId: string;
      readonly epoch: string;
      readonly fromSeq: number;
      readonly events: readonly string[];
    }
  | {
      readonly kind: 'chunk';
      readonly sessionId: string;
      readonly messageId: string;
      readonly runId: string;
      readonly attempt: number;
      readonly index: number;
      readonly json: string;
    }
  | { readonly kind: 'gone'; readonly sessionId: string };
