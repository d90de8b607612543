import type { Redis } from 'ioredis';
import type { Clock } from '../../clock.ts';
import type { Random } from '../../random.ts';
import type * as S from '../store.ts';
import type { Alarms } from './alarms.ts';
import type { Calls } from './calls.ts';
import {
  alarmOf,
  appendArgs,
  chunkArgs,
  decodeAppend,
  decodeChunks,
  decodeKnown,
  rewriteArgs,
} from './append-codec.ts';
import type { Keys } from './keys.ts';
import { decodeLogPage, decodePage, encodeRoles } from './log-codec.ts';
import { NodeChannel } from './node-channel.ts';
import { decodeOpen, openArgs } from './open-codec.ts';
import {
  decodeArchived,
  decodeInfo,
  encodeAlarm,
  encodeArchived,
  encodeBorn,
  encodeFence,
  encodePolicy,
  encodeScope,
  subjectOfScope,
} from './session-record.ts';
import type { StoreIdentity } from './store-identity.ts';
import type { Subjects } from './subjects.ts';

/** What a `RedisStore` works with. */
export interface RedisStoreParts {
  readonly calls: Calls;
  readonly keys: Keys;
  readonly identity: StoreIdentity;
  readonly alarms: Alarms;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly random: Random;
  readonly connectSubscriber: (turn: number) => Redis;
  readonly disconnect: () => void;
  readonly warn: (error: unknown, message: string) => void;
}

/** The store port on Redis: each operation is one call of the function library, and what its indexes need besides. */
export class RedisStore implements S.Store {
  readonly driver = 'redis';
  readonly #p: RedisStoreParts;
  readonly #later = new Set<Promise<void>>();
  #channel: undefined | NodeChannel;
  #nodeId = '';

  constructor(parts: RedisStoreParts) {
    this.#p = parts;
  }

  get storeId(): string {
    return this.#p.identity.storeId;
  }

  ping(): Promise<void> {
    return this.#p.identity.refresh();
  }

  probe(): Promise<void> {
    return this.#p.identity.probe();
  }

  secret(name: string, proposed: string): Promise<string> {
    return this.#p.identity.secret(name, proposed);
  }

  async create(request: S.CreateRequest): Promise<S.CreateResult> {
    const { calls, keys, subjects, alarms, random } = this.#p;
    const { sessionId, subject, now, attach } = request;
    const nonce = random.token(9);
    const alarm = request.alarmAt === undefined ? undefined : encodeAlarm(request.alarmAt, nonce);
    const listed = await subjects.enlist(subject, sessionId, now, request.maxSessions);
    if (listed === 'full')
      return (await this.info(sessionId)) === undefined ? { kind: 'over_limit' } : { kind: 'exists' };
    const args = [
      ...[nonce, `${now}`, attach?.connectionId ?? '', attach?.nodeId ?? '', encodePolicy(request.policy)],
      ...['epoch', request.epoch, 'scope', encodeScope(request)],
      ...['born', encodeBorn(now, request.previousId)],
      ...(request.title === undefined ? [] : ['title', request.title]),
      ...(alarm === undefined ? [] : ['alarm', alarm]),
    ];
    const [reply] = await Promise.all([
      calls.fcall('create', keys.session(sessionId), args),
      alarm !== undefined && alarms.announce(sessionId, alarm),
    ]);
    const [kind, ...rest] = reply as ['created' | 'exists', ...(null | string)[]];
    if (kind === 'created') {
      const info = decodeInfo(sessionId, rest[0] ?? null);
      if (info !== undefined) return { kind, info };
    }
    // It is another's, or ended without a trace: then it must not be listed here.
    const [scope, archived] = rest;
    const listable =
      scope && subjectOfScope(scope) === subject && !(archived && decodeArchived(archived).until === 0);
    if (listed === 'added' && !listable) await subjects.remove(subject, sessionId);
    if (alarm !== undefined) this.#inBackground(alarms.forget(sessionId, alarm));
    return { kind: 'exists' };
  }

  async open(request: S.OpenRequest): Promise<S.OpenResult> {
    const key = this.#p.keys.session(request.sessionId);
    const result = decodeOpen(request, await this.#p.calls.fcall('open', key, openArgs(request)));
    // Gone, or the store has lost everything: the caller compares the store's id next, so it must be the current one.
    if (result.kind === 'missing') await this.#p.identity.refresh();
    return result;
  }

  async append(request: S.AppendRequest): Promise<S.AppendResult> {
    const { calls, keys, alarms, subjects } = this.#p;
    const { sessionId } = request;
    const alarm = alarmOf(request);
    const announced = alarm === undefined ? undefined : alarms.announce(sessionId, alarm);
    const sent = calls.fcall('append', keys.session(sessionId), appendArgs(request));
    const reply = announced === undefined ? await sent : (await Promise.all([sent, announced]))[0];
    const { result, alarmBefore, scope } = decodeAppend(reply);
    if (result.kind !== 'applied') {
      if (alarm !== undefined) this.#inBackground(alarms.forget(sessionId, alarm));
      return result;
    }
    if (alarmBefore !== undefined && request.alarmAt !== undefined && alarmBefore !== alarm)
      this.#inBackground(alarms.forget(sessionId, alarmBefore));
    if (scope !== undefined) this.#inBackground(subjects.rank(subjectOfScope(scope), sessionId, request.now));
    return result;
  }

  async rewrite(request: S.RewriteRequest): Promise<boolean> {
    const { calls, keys, alarms, random } = this.#p;
    const { sessionId, alarmAt } = request;
    const alarm = encodeAlarm(alarmAt, random.token(9));
    const [reply] = await Promise.all([
      calls.fcall('rewrite', keys.session(sessionId), rewriteArgs(request, alarm)),
      alarms.announce(sessionId, alarm),
    ]);
    const [done, before] = reply as [number, undefined | null | string];
    if (typeof before === 'string') this.#inBackground(alarms.forget(sessionId, before));
    return done === 1;
  }

  async appendChunk(request: S.ChunkRequest): Promise<S.ChunkResult> {
    const key = this.#p.keys.session(request.sessionId);
    const reply = await this.#p.calls.fcall('chunk', key, chunkArgs(request));
    if (reply === 'applied') return { kind: 'applied' };
    const [kind, count] = reply as ['fenced' | 'gap', number];
    return kind === 'gap' ? { kind, count } : { kind };
  }

  async read({ sessionId, fromSeq, limit, maxBytes }: S.ReadRequest): Promise<S.LogPage> {
    const args = [`${fromSeq}`, `${limit}`, `${maxBytes}`];
    return decodeLogPage(await this.#p.calls.fcall('read', this.#p.keys.session(sessionId), args));
  }

  async history(request: S.HistoryRequest): Promise<S.HistoryPage> {
    const key = this.#p.keys.session(request.sessionId);
    const args = [
      `${request.beforeSeq ?? ''}`,
      `${request.limit}`,
      encodeRoles(request.roles),
      `${request.maxBytes}`,
    ];
    return decodePage(await this.#p.calls.fcall('history', key, args));
  }

  async chunks(sessionId: string, fromIndex: number): Promise<undefined | S.ChunkBuffer> {
    return decodeChunks(
      await this.#p.calls.fcall('chunks', this.#p.keys.session(sessionId), [`${fromIndex}`]),
    );
  }

  async lookupIds(sessionId: string, ids: readonly string[]): Promise<S.KnownId[]> {
    if (ids.length === 0) return [];
    const fields = ids.map((id) => `i:${id}`);
    const values = (await this.#p.calls.command('hmget', this.#p.keys.session(sessionId), ...fields)) as (
      | null
      | string
    )[];
    return ids.flatMap((id, i) => {
      const value = values[i];
      return typeof value === 'string' ? [decodeKnown(id, value)] : [];
    });
  }

  async touch(
    nodeId: string,
    entries: readonly S.TouchEntry[],
    now: number,
  ): Promise<(undefined | S.Head)[]> {
    if (entries.length === 0) await this.#p.identity.refresh();
    const replies = entries.map(({ sessionId, connectionIds }) =>
      this.#p.calls.fcall('touch', this.#p.keys.session(sessionId), [nodeId, `${now}`, ...connectionIds]),
    );
    return (await Promise.all(replies)).map((reply) => {
      if (!Array.isArray(reply)) return undefined;
      const [epoch, seq, tag] = reply as [string, string, null | string];
      return { epoch, seq: Number(seq), tag: tag ?? undefined };
    });
  }

  async detach(sessionId: string, connectionId: string, now: number): Promise<void> {
    await this.#p.calls.fcall('detach', this.#p.keys.session(sessionId), [connectionId, `${now}`]);
  }

  async renewLease(sessionId: string, lease: S.Lease): Promise<boolean> {
    const args = [encodeFence(lease), `${lease.until}`];
    return (await this.#p.calls.fcall('renew', this.#p.keys.session(sessionId), args)) === 1;
  }

  async expire(request: S.ExpireRequest): Promise<S.ExpireResult> {
    const { calls, keys, subjects } = this.#p;
    const { sessionId, now, archiveUntil } = request;
    const archived = encodeArchived(now, archiveUntil, request.successorId);
    const keptMs = archiveUntil === 0 ? 0 : Math.max(1, archiveUntil - now);
    const args = [`${now}`, request.force ? '1' : '', archived, `${keptMs}`, this.#nodeId];
    const reply = (await calls.fcall('expire', keys.session(sessionId), args)) as string[];
    const [kind, stored, scope] = reply as ['expired' | 'alive' | 'missing', string, string];
    if (kind !== 'expired') return { kind };
    const { successorId, until } = decodeArchived(stored);
    if (until === 0) await subjects.remove(subjectOfScope(scope), sessionId);
    return { kind, successorId };
  }

  async due(now: number, limit: number): Promise<string[]> {
    await this.#settled();
    return this.#p.alarms.due(now, limit);
  }

  async setAlarm(sessionId: string, alarmAt: undefined | number): Promise<void> {
    const { calls, keys, alarms, random } = this.#p;
    const alarm = alarmAt === undefined ? undefined : encodeAlarm(alarmAt, random.token(9));
    const [reply] = await Promise.all([
      calls.fcall('alarm', keys.session(sessionId), [alarm ?? '']),
      alarm !== undefined && alarms.announce(sessionId, alarm),
    ]);
    const [there, before] = reply as [number, null | string];
    if (there === 0 && alarm !== undefined) this.#inBackground(alarms.forget(sessionId, alarm));
    if (typeof before === 'string' && before !== alarm) this.#inBackground(alarms.forget(sessionId, before));
  }

  async list(request: S.ListRequest): Promise<S.ListPage> {
    await this.#settled();
    return this.#p.subjects.list(request);
  }

  async info(sessionId: string): Promise<undefined | S.SessionInfo> {
    return decodeInfo(sessionId, await this.#p.calls.fcall('info', this.#p.keys.session(sessionId), []));
  }

  async setTitle(sessionId: string, title: string): Promise<boolean> {
    return (await this.#p.calls.fcall('title', this.#p.keys.session(sessionId), [title])) === 1;
  }

  async erase(sessionId: string): Promise<void> {
    const { calls, keys, alarms, subjects } = this.#p;
    const key = keys.session(sessionId);
    // Read first: after a lost reply there would be nothing left that names its entries in the indexes.
    const [scope, alarm] = (await calls.command('hmget', key, 'scope', 'alarm')) as (null | string)[];
    await calls.fcall('erase', key, [this.#nodeId]);
    await Promise.all([
      scope && subjects.remove(subjectOfScope(scope), sessionId),
      alarm && alarms.forget(sessionId, alarm),
      this.#settled(),
    ]);
  }

  async subscribe(
    nodeId: string,
    handler: (record: S.NodeRecord) => void,
    onResync: () => void,
  ): Promise<void> {
    const channel = new NodeChannel(
      { channel: this.#p.keys.node(nodeId), onRecord: handler, onResync },
      { clock: this.#p.clock, connect: this.#p.connectSubscriber, warn: this.#p.warn },
    );
    await channel.start();
    this.#channel?.close();
    this.#channel = channel;
    this.#nodeId = nodeId;
  }

  async close(): Promise<void> {
    this.#channel?.close();
    this.#p.disconnect();
    await this.#settled();
  }

  /** Tidying of an index, which nobody has to wait for. What is not done leaves an entry that means nothing. */
  #inBackground(work: Promise<void>): void {
    const done = work.catch(() => {}).finally(() => this.#later.delete(done));
    this.#later.add(done);
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#later);
  }
}
