import { disconnectedSince, isExpired } from '../../server/store/liveness.ts';
import { CONFLICT_LIMITS } from '../../server/store/store.ts';
import type * as S from '../../server/store/store.ts';

interface Session {
  info: S.SessionInfo;
  log: S.AppendEvent[];
  cells: Record<string, string>;
  ids: Map<string, S.KnownId>;
  annotations: Map<number, string>;
  chunks: undefined | { messageId: string; runId: string; attempt: number; chunks: string[] };
}

const sameFence = (a: undefined | S.Lease, b: Omit<S.Lease, 'until'>): boolean =>
  a !== undefined && a.runId === b.runId && a.attempt === b.attempt && a.owner === b.owner;

/** The first of `list` whose texts together have at most `maxBytes`, but one in any case. */
function fitting<T>(list: readonly T[], maxBytes: number, text = (one: T) => String(one)): T[] {
  const bytes = (count: number) => Buffer.byteLength(list.slice(0, count).map(text).join(''));
  return list.filter((_, i) => i === 0 || bytes(i + 1) <= maxBytes);
}

/**
 * The port in plain data, as simple as it can be: what every driver must answer. It forgets nothing that is gone (the drivers
 * keep the newest 16 attachments), has one node, and pages lists by offset.
 */
export class ModelStore {
  readonly sessions = new Map<string, Session>();

  create(r: S.CreateRequest): S.CreateResult {
    if (this.sessions.has(r.sessionId)) return { kind: 'exists' };
    if (r.maxSessions > 0 && this.#listed(r.subject).length >= r.maxSessions) return { kind: 'over_limit' };
    const { maxSessions: _, now, attach, ...given } = r;
    const info: S.SessionInfo = {
      ...given,
      seq: 0,
      tag: undefined,
      createdAt: now,
      updatedAt: now,
      lastMessage: undefined,
      messageCounts: { user: 0, assistant: 0, system: 0 },
      logBytes: 0,
      attachments: attach === undefined ? [] : [{ ...attach, beatAt: now, goneAt: undefined }],
      lastSeenAt: now,
      holdUntil: 0,
      lease: undefined,
      archived: undefined,
    };
    this.sessions.set(r.sessionId, {
      info,
      log: [],
      cells: {},
      ids: new Map(),
      annotations: new Map(),
      chunks: undefined,
    });
    return { kind: 'created', info };
  }

  open(r: S.OpenRequest): S.OpenResult {
    const session = this.sessions.get(r.sessionId);
    if (session === undefined) return { kind: 'missing' };
    const { info } = session;
    const { scope, position: at } = r;
    if (
      scope !== undefined &&
      (info.subject !== scope.subject || info.domain !== scope.domain || info.workspace !== scope.workspace)
    )
      return { kind: 'missing' };
    if (info.archived !== undefined || (!r.ignoreExpiry && isExpired(info, r.now)))
      return { kind: 'expired', info };
    const valid =
      at !== undefined &&
      at.epoch === info.epoch &&
      at.seq <= info.seq &&
      (at.seq === 0 || at.tag === undefined || session.log[at.seq - 1]?.tag === at.tag);
    const partial = r.partial;
    const same =
      partial?.messageId === session.chunks?.messageId && partial?.attempt === session.chunks?.attempt;
    const from = same ? (partial?.nextIndex ?? 0) : 0;
    const result: S.OpenedSession = {
      kind: 'open',
      info,
      cells: { ...session.cells },
      position: at === undefined ? 'none' : valid ? 'valid' : 'reset',
      content:
        valid && info.seq - at.seq <= r.maxReplay
          ? {
              mode: 'replay',
              afterSeq: at.seq,
              events: fitting(
                session.log.slice(at.seq).map((e) => e.json),
                r.maxBytes,
              ),
            }
          : {
              mode: 'snapshot',
              page: this.history({
                sessionId: r.sessionId,
                limit: r.historyPage,
                maxBytes: r.maxBytes,
                beforeSeq: undefined,
                roles: undefined,
              }),
            },
      chunks: this.chunks(r.sessionId, from <= (session.chunks?.chunks.length ?? 0) ? from : 0),
    };
    if (r.attach !== undefined) {
      const { policy, ...attach } = r.attach;
      const others = info.attachments.filter((a) => a.connectionId !== attach.connectionId);
      session.info = {
        ...info,
        policy,
        attachments: [...others, { ...attach, beatAt: r.now, goneAt: undefined }],
      };
    }
    return result;
  }

  append(r: S.AppendRequest): S.AppendResult {
    const session = this.sessions.get(r.sessionId);
    if (session === undefined || session.info.archived !== undefined) return { kind: 'gone' };
    const { info, chunks } = session;
    const [first] = r.events;
    if (r.epoch === info.epoch && session.log[r.expectedSeq]?.tag === first?.tag) return { kind: 'applied' };
    const isOther = r.expectedTag !== undefined && session.log[r.expectedSeq - 1]?.tag !== r.expectedTag;
    if (r.epoch !== info.epoch || r.expectedSeq !== info.seq || isOther) {
      const follows = r.epoch === info.epoch && !isOther;
      const missed = follows ? session.log.slice(r.expectedSeq, r.expectedSeq + CONFLICT_LIMITS.events) : [];
      const head = { epoch: info.epoch, seq: info.seq };
      const events = fitting(
        missed.map((e) => e.json),
        CONFLICT_LIMITS.bytes,
      );
      return { kind: 'conflict', head, events };
    }
    const known = r.ids.flatMap(({ id }) => session.ids.get(id) ?? []);
    if (known.length > 0) return { kind: 'known', ids: known };
    const drop = r.dropChunks;
    if (drop !== undefined) {
      const fits =
        chunks === undefined
          ? drop.count === 0
          : chunks.messageId === drop.messageId &&
            chunks.attempt === drop.attempt &&
            chunks.chunks.length === drop.count;
      if (!fits) return { kind: 'chunk_conflict', chunks: this.chunks(r.sessionId, 0) };
    }
    let lease = info.lease;
    if (r.lease !== undefined) {
      if ('held' in r.lease && !sameFence(lease, r.lease.held)) return { kind: 'fenced' };
      if ('set' in r.lease) lease = r.lease.set;
      else if (r.lease.clear) lease = undefined;
    }
    session.log.push(...r.events);
    Object.assign(session.cells, r.cells);
    for (const id of r.ids) session.ids.set(id.id, id);
    for (const { seq, json } of r.annotations) session.annotations.set(seq, json);
    if (drop !== undefined) session.chunks = undefined;
    const messageCounts = { ...info.messageCounts };
    for (const { role } of r.events) if (role !== undefined) messageCounts[role]++;
    session.info = {
      ...info,
      lease,
      messageCounts,
      seq: session.log.length,
      tag: session.log.at(-1)?.tag,
      updatedAt: r.now,
      logBytes: info.logBytes + r.events.reduce((sum, e) => sum + Buffer.byteLength(e.json), 0),
      holdUntil: r.holdUntil ?? info.holdUntil,
      alarmAt: r.alarmAt === undefined ? info.alarmAt : (r.alarmAt ?? undefined),
      lastMessage: r.lastMessage ?? info.lastMessage,
      title: info.title ?? r.titleIfNone,
    };
    return { kind: 'applied' };
  }

  appendChunk(r: S.ChunkRequest): S.ChunkResult {
    const session = this.sessions.get(r.sessionId);
    if (session === undefined || !sameFence(session.info.lease, r.fence)) return { kind: 'fenced' };
    const held = session.chunks;
    if (held?.messageId === r.messageId && held.attempt === r.messageAttempt) {
      if (r.index < held.chunks.length && held.chunks[r.index] === r.json) return { kind: 'applied' };
      if (r.index !== held.chunks.length) return { kind: 'gap', count: held.chunks.length };
      held.chunks.push(r.json);
    } else {
      if (r.index !== 0) return { kind: 'gap', count: 0 };
      const { messageId, messageAttempt: attempt, json } = r;
      session.chunks = { messageId, runId: r.fence.runId, attempt, chunks: [json] };
    }
    return { kind: 'applied' };
  }

  read({ sessionId, fromSeq, limit, maxBytes }: S.ReadRequest): S.LogPage {
    const after = (this.sessions.get(sessionId)?.log ?? []).slice(fromSeq - 1).map((e) => e.json);
    const events = fitting(after.slice(0, limit), maxBytes);
    return { events, hasMore: after.length > events.length };
  }

  history(r: S.HistoryRequest): S.HistoryPage {
    const session = this.sessions.get(r.sessionId);
    const all = (session?.log ?? [])
      .map((e, i) => ({ ...e, seq: i + 1 }))
      .filter((e) => e.role !== undefined && (r.roles?.includes(e.role) ?? true));
    const before = all.filter((e) => e.seq < (r.beforeSeq ?? Number.POSITIVE_INFINITY));
    const newestFirst = before
      .slice(Math.max(0, before.length - r.limit))
      .map((e) => ({ event: e.json, annotation: session?.annotations.get(e.seq) }))
      .reverse();
    const items = fitting(newestFirst, r.maxBytes, (item) => `${item.event}${item.annotation ?? ''}`);
    return { items: items.reverse(), total: all.length, hasMore: before.length > items.length };
  }

  chunks(sessionId: string, fromIndex: number): undefined | S.ChunkBuffer {
    const held = this.sessions.get(sessionId)?.chunks;
    if (held === undefined) return undefined;
    const { chunks, ...rest } = held;
    return { ...rest, count: chunks.length, fromIndex, chunks: chunks.slice(fromIndex) };
  }

  lookupIds(sessionId: string, ids: readonly string[]): S.KnownId[] {
    return ids.flatMap((id) => this.sessions.get(sessionId)?.ids.get(id) ?? []);
  }

  touch(nodeId: string, entries: readonly S.TouchEntry[], now: number): (undefined | S.Head)[] {
    return entries.map(({ sessionId, connectionIds }) => {
      const session = this.sessions.get(sessionId);
      if (session === undefined || session.info.archived !== undefined) return undefined;
      const attachments = session.info.attachments.map((a) =>
        a.nodeId === nodeId && a.goneAt === undefined && connectionIds.includes(a.connectionId)
          ? { ...a, beatAt: Math.max(a.beatAt, now) }
          : a,
      );
      session.info = { ...session.info, attachments };
      const { epoch, seq, tag } = session.info;
      return { epoch, seq, tag };
    });
  }

  detach(sessionId: string, connectionId: string, now: number): void {
    const session = this.sessions.get(sessionId);
    if (session === undefined) return;
    const attachments = session.info.attachments.map((a) =>
      a.connectionId === connectionId ? { ...a, goneAt: a.goneAt ?? now } : a,
    );
    session.info = { ...session.info, attachments };
  }

  renewLease(sessionId: string, lease: S.Lease): boolean {
    const session = this.sessions.get(sessionId);
    if (session === undefined || !sameFence(session.info.lease, lease)) return false;
    session.info = { ...session.info, lease };
    return true;
  }

  expire(r: S.ExpireRequest): S.ExpireResult {
    const session = this.sessions.get(r.sessionId);
    if (session === undefined) return { kind: 'missing' };
    const { info } = session;
    if (info.archived !== undefined) return { kind: 'expired', successorId: info.archived.successorId };
    if (!r.force && !isExpired(info, r.now)) return { kind: 'alive' };
    const archived = { at: r.now, until: r.archiveUntil, successorId: r.successorId };
    const lastSeenAt = disconnectedSince(info, r.now) ?? r.now;
    session.info = { ...info, archived, lastSeenAt, attachments: [], lease: undefined };
    Object.assign(session, { cells: {}, ids: new Map(), chunks: undefined });
    if (r.archiveUntil === 0) Object.assign(session, { log: [], annotations: new Map() });
    return { kind: 'expired', successorId: r.successorId };
  }

  due(now: number, limit: number): string[] {
    return [...this.sessions.values()]
      .filter(({ info }) => info.alarmAt !== undefined && info.alarmAt <= now)
      .sort((a, b) => (a.info.alarmAt ?? 0) - (b.info.alarmAt ?? 0))
      .map(({ info }) => info.sessionId)
      .slice(0, limit);
  }

  setAlarm(sessionId: string, alarmAt: undefined | number): void {
    const session = this.sessions.get(sessionId);
    if (session !== undefined) session.info = { ...session.info, alarmAt };
  }

  setTitle(sessionId: string, title: string): boolean {
    const session = this.sessions.get(sessionId);
    if (session !== undefined) session.info = { ...session.info, title };
    return session !== undefined;
  }

  /** All pages at once. Sessions used in the same millisecond have no order of their own. */
  list(subject: string): S.SessionInfo[] {
    return this.#listed(subject).sort((a, b) => b.updatedAt - a.updatedAt);
  }

  info(sessionId: string): undefined | S.SessionInfo {
    return this.sessions.get(sessionId)?.info;
  }

  erase(sessionId: string): void {
    this.sessions.delete(sessionId);
  }

  #listed(subject: string): S.SessionInfo[] {
    return [...this.sessions.values()]
      .map(({ info }) => info)
      .filter((info) => info.subject === subject && info.archived?.until !== 0);
  }
}
