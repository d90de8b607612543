import { randomBytes } from 'node:crypto';
import type { Role } from '../../protocol/chat/message.ts';
import type { Position } from '../../protocol/position.ts';
import type {
  AppendEvent,
  AppendRequest,
  AppendResult,
  AttachRequest,
  ChunkRequest,
  CreateRequest,
  HistoryPage,
  HistoryRequest,
  Lease,
  OpenedSession,
  OpenRequest,
  OpenResult,
  Policy,
  SessionInfo,
  Store,
} from '../../server/store/store.ts';
import { NODE } from './harness.ts';

/** The moment at which every test begins. Time is passed in, so any will do. */
export const T0 = 1_800_000_000_000;

export const POLICY: Policy = {
  briefMs: 30_000,
  mediumMs: 300_000,
  archiveMs: 86_400_000,
  attachTtlMs: 60_000,
};

/** A name that no other test, and no earlier run over the same data, has used. */
export function unique(prefix: string): string {
  return `${prefix}-${randomBytes(9).toString('base64url')}`;
}

/** As many bytes as there are. */
export const NO_LIMIT: number = Number.MAX_SAFE_INTEGER;

/** Events from `fromSeq` on, at most `limit`, however large they are. */
export async function readLog(
  store: Pick<Store, 'read'>,
  sessionId: string,
  fromSeq: number,
  limit: number,
): Promise<readonly string[]> {
  return (await store.read({ sessionId, fromSeq, limit, maxBytes: NO_LIMIT })).events;
}

export function connection(nodeId: string = NODE): AttachRequest {
  return { nodeId, connectionId: unique('con') };
}

export function createRequest(over: Partial<CreateRequest> = {}): CreateRequest {
  return {
    sessionId: unique('ses'),
    epoch: unique('ep'),
    subject: unique('sub'),
    domain: 'personal',
    workspace: 'personal',
    title: undefined,
    previousId: undefined,
    policy: POLICY,
    maxSessions: 0,
    attach: undefined,
    alarmAt: undefined,
    now: T0,
    ...over,
  };
}

/** An event as the server would write it: one JSON text with `seq` and `tag` in it. */
export function event(seq: number, role: undefined | Role = undefined, data: unknown = {}): AppendEvent {
  const tag = randomBytes(6).toString('base64url');
  const type = role === undefined ? 'context_updated' : 'message_created';
  const json = JSON.stringify({ type, data, seq, tag, ts: new Date(T0).toISOString() });
  return { json, tag, role };
}

/** An event whose JSON has exactly so many bytes. */
export function sized(seq: number, role: undefined | Role, bytes: number): AppendEvent {
  const bare = event(seq, role, '');
  return event(seq, role, '.'.repeat(bytes - Buffer.byteLength(bare.json)));
}

export const texts = (events: readonly AppendEvent[]): string[] => events.map((e) => e.json);

export const lease = (over: Partial<Lease> = {}): Lease => ({
  runId: 'run-1',
  attempt: 1,
  owner: NODE,
  until: T0 + 10_000,
  ...over,
});

/** A session of the store under test: remembers what was appended, so that tests need not count. */
export class TestSession {
  readonly store: Store;
  readonly id: string;
  readonly epoch: string;
  readonly subject: string;
  /** All events that were applied through this object. */
  readonly events: AppendEvent[] = [];

  constructor(store: Store, request: CreateRequest) {
    this.store = store;
    this.id = request.sessionId;
    this.epoch = request.epoch;
    this.subject = request.subject;
  }

  get seq(): number {
    return this.events.length;
  }

  /** The next events of this log: one per role given (`undefined`: one that carries no message). */
  next(...roles: (undefined | Role)[]): AppendEvent[] {
    return roles.map((role, i) => event(this.seq + i + 1, role));
  }

  request(over: Partial<AppendRequest> = {}): AppendRequest {
    return {
      sessionId: this.id,
      nodeId: NODE,
      now: T0,
      epoch: this.epoch,
      expectedSeq: this.seq,
      expectedTag: this.events[(over.expectedSeq ?? this.seq) - 1]?.tag,
      events: over.events ?? this.next(undefined),
      cells: {},
      ids: [],
      annotations: [],
      dropChunks: undefined,
      lease: undefined,
      holdUntil: undefined,
      alarmAt: undefined,
      lastMessage: undefined,
      titleIfNone: undefined,
      ...over,
    };
  }

  async append(over: Partial<AppendRequest> = {}): Promise<AppendResult> {
    const request = this.request(over);
    const result = await this.store.append(request);
    if (result.kind === 'applied') this.events.push(...request.events);
    return result;
  }

  /** Appends that many events which carry no message. */
  async grow(count: number): Promise<void> {
    const result = await this.append({ events: this.next(...Array<undefined>(count).fill(undefined)) });
    if (result.kind !== 'applied') throw new Error(`append answered ${result.kind}`);
  }

  open(over: Partial<OpenRequest> = {}): Promise<OpenResult> {
    return this.store.open({
      sessionId: this.id,
      scope: undefined,
      position: undefined,
      maxReplay: 1000,
      historyPage: 50,
      maxBytes: NO_LIMIT,
      partial: undefined,
      ignoreExpiry: false,
      attach: undefined,
      now: T0,
      ...over,
    });
  }

  /** Opens what must be open. */
  async opened(over: Partial<OpenRequest> = {}): Promise<OpenedSession> {
    const result = await this.open(over);
    if (result.kind !== 'open') throw new Error(`open answered ${result.kind}`);
    return result;
  }

  /** Opens it for this connection. */
  attach(attach: AttachRequest, now: number, policy: Policy = POLICY): Promise<OpenResult> {
    return this.open({ attach: { ...attach, policy }, now });
  }

  chunk(index: number, over: Partial<ChunkRequest> = {}): ChunkRequest {
    return {
      sessionId: this.id,
      nodeId: NODE,
      fence: { runId: 'run-1', attempt: 1, owner: NODE },
      messageId: 'answer-1',
      messageAttempt: 1,
      index,
      json: JSON.stringify({ index, part: 0, kind: 'text', delta: `${index} ` }),
      ...over,
    };
  }

  /** Claims run 1 and stores that many chunks of its answer. */
  async stream(count: number): Promise<string[]> {
    await this.append({ lease: { set: lease() } });
    const chunks = Array.from({ length: count }, (_, i) => this.chunk(i));
    for (const chunk of chunks) {
      const result = await this.store.appendChunk(chunk);
      if (result.kind !== 'applied') throw new Error(`appendChunk answered ${result.kind}`);
    }
    return chunks.map((c) => c.json);
  }

  history(over: Partial<HistoryRequest> = {}): Promise<HistoryPage> {
    return this.store.history({
      sessionId: this.id,
      beforeSeq: undefined,
      limit: 100,
      maxBytes: NO_LIMIT,
      roles: undefined,
      ...over,
    });
  }

  /** The record of a session that must be there, its attachments in a fixed order. */
  async info(): Promise<SessionInfo> {
    const info = await this.store.info(this.id);
    if (info === undefined) throw new Error('no such session');
    return { ...info, attachments: sorted(info.attachments) };
  }

  position(seq: number): Position {
    const tag = this.events[seq - 1]?.tag;
    return tag === undefined ? { epoch: this.epoch, seq } : { epoch: this.epoch, seq, tag };
  }
}

/** Attachments have no order of their own. */
export function sorted(attachments: SessionInfo['attachments']): SessionInfo['attachments'] {
  return [...attachments].sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1));
}

/** Creates a session that must not be there yet. */
export async function newSession(store: Store, over: Partial<CreateRequest> = {}): Promise<TestSession> {
  const request = createRequest(over);
  const result = await store.create(request);
  if (result.kind !== 'created') throw new Error(`create answered ${result.kind}`);
  return new TestSession(store, request);
}

/**
 * Everything that can be read of a session, to prove that a refusal changed nothing or that a restart lost nothing.
 */
export async function everything(session: TestSession, ids: readonly string[] = []): Promise<unknown> {
  const opened = await session.open({ ignoreExpiry: true });
  return {
    info: await session.info(),
    cells: opened.kind === 'open' ? opened.cells : opened.kind,
    log: await readLog(session.store, session.id, 1, 10_000),
    history: await session.history(),
    chunks: await session.store.chunks(session.id, 0),
    ids: await session.store.lookupIds(session.id, ids),
  };
}
