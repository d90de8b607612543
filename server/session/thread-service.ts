import { hash } from 'node:crypto';
import type { z } from 'zod';
import type {
  Thread,
  ThreadList,
  threadCreateSchema,
  threadListQuery,
  threadQuery,
} from '../../protocol/http/threads.ts';
import { mayUse, type Principal } from '../auth/principal.ts';
import type { Clock } from '../clock.ts';
import type { SessionSettings } from '../config.ts';
import type { Random } from '../random.ts';
import type { CreateRequest, SessionInfo, Store } from '../store/store.ts';
import { historyJson } from './history.ts';
import { policyOf } from './policy.ts';
import { isShown, threadOf } from './thread-view.ts';

export type ThreadListQuery = z.output<typeof threadListQuery>;
export type ThreadCreate = z.output<typeof threadCreateSchema>;
export type ThreadQuery = z.output<typeof threadQuery>;

export type CreatedThread =
  | { readonly kind: 'created' | 'exists'; readonly thread: Thread }
  /** The id already names a thread of another domain or workspace. */
  | { readonly kind: 'conflict' }
  /** The key does not reach that workspace. */
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'over_limit' };

/**
 * A person's sessions as threads. Whatever belongs to another subject, or lies in a workspace that the key does not
 * reach, is `undefined` or `false`: as if it were not there.
 */
export interface ThreadService {
  list(principal: Principal, query: ThreadListQuery): Promise<ThreadList>;
  /** Repeatable when the body carries an `id`: the same id gives the same thread. */
  create(principal: Principal, body: ThreadCreate): Promise<CreatedThread>;
  /** The JSON of a `ThreadDetail` with at most `maxBytes` of messages, which are neither parsed nor put together twice. */
  detail(principal: Principal, id: string, query: ThreadQuery, maxBytes: number): Promise<undefined | string>;
  rename(principal: Principal, id: string, title: string): Promise<undefined | Thread>;
  /** Ends and removes the thread. `false`: there was none. */
  erase(principal: Principal, id: string): Promise<boolean>;
}

export interface ThreadServiceDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: SessionSettings;
  /** Called before a session is erased: ends its runs and closes its connections, on every node. */
  readonly onErase: (sessionId: string) => Promise<void>;
  /** Called once it is erased: closes the connections that came to it meanwhile. */
  readonly onErased: (sessionId: string) => void;
}

/** The most sessions that one `list` looks at: a filter that finds nothing must not read all that a subject has. */
const MAX_LOOKED_AT = 400;
/** The most that it asks the store for at once, and how often. */
const MAX_PAGE = 100;
const MAX_PAGES = 20;

/** The session that a subject's own name for a thread stands for: nobody else's name can lead to it. */
export function sessionIdOf(subject: string, id: string): string {
  return `n-${hash('sha256', `${subject}\n${id}`, 'base64url')}`;
}

/** Threads over a store. */
export class StoreThreadService implements ThreadService {
  readonly #deps: ThreadServiceDeps;

  constructor(deps: ThreadServiceDeps) {
    this.#deps = deps;
  }

  async list(principal: Principal, query: ThreadListQuery): Promise<ThreadList> {
    const { store, clock } = this.#deps;
    const now = clock.now();
    const threads: Thread[] = [];
    let cursor = query.cursor;
    let lookedAt = 0;
    for (let page = 0; page < MAX_PAGES && lookedAt < MAX_LOOKED_AT; page++) {
      // Never more than are still wanted: a page of the store can only be taken whole.
      const limit = Math.min(query.limit - threads.length, MAX_PAGE);
      lookedAt += limit;
      const { sessions, nextCursor } = await store.list({ subject: principal.subject, limit, cursor });
      for (const info of sessions)
        if (
          this.#isVisible(principal, info, now) &&
          (query.domain === undefined || info.domain === query.domain) &&
          (query.workspace === undefined || info.workspace === query.workspace)
        )
          threads.push(threadOf(info, now));
      cursor = nextCursor;
      if (cursor === undefined || threads.length >= query.limit) break;
    }
    return { threads, next_cursor: cursor ?? null };
  }

  async create(principal: Principal, body: ThreadCreate): Promise<CreatedThread> {
    const { store, clock, random, settings } = this.#deps;
    if (!mayUse(principal, body.workspace)) return { kind: 'forbidden' };
    const now = clock.now();
    const policy = policyOf(settings, principal.retention);
    const request: CreateRequest = {
      sessionId: body.id === undefined ? random.id() : sessionIdOf(principal.subject, body.id),
      epoch: random.token(9),
      subject: principal.subject,
      domain: body.domain,
      workspace: body.workspace,
      title: body.title,
      previousId: undefined,
      policy,
      maxSessions: settings.maxPerSubject === Infinity ? 0 : settings.maxPerSubject,
      attach: undefined,
      alarmAt: now + policy.mediumMs + 1,
      now,
    };
    const result = await store.create(request);
    if (result.kind === 'over_limit') return result;
    if (result.kind === 'created') return { kind: 'created', thread: threadOf(result.info, now) };
    const info = await store.info(request.sessionId);
    if (info?.domain !== body.domain || info.workspace !== body.workspace) return { kind: 'conflict' };
    return { kind: 'exists', thread: threadOf(info, now) };
  }

  async detail(
    principal: Principal,
    id: string,
    query: ThreadQuery,
    maxBytes: number,
  ): Promise<undefined | string> {
    const { store, clock, settings } = this.#deps;
    const info = await this.#find(principal, id);
    if (info === undefined) return undefined;
    const page = await store.history({
      sessionId: info.sessionId,
      beforeSeq: query.before_seq,
      limit: query.limit ?? settings.historyPage,
      maxBytes,
      roles: query.roles,
    });
    return `${JSON.stringify(threadOf(info, clock.now())).slice(0, -1)},"history":${historyJson(page)}}`;
  }

  async rename(principal: Principal, id: string, title: string): Promise<undefined | Thread> {
    const { store, clock } = this.#deps;
    const info = await this.#find(principal, id);
    if (info === undefined || !(await store.setTitle(info.sessionId, title))) return undefined;
    return threadOf({ ...info, title }, clock.now());
  }

  async erase(principal: Principal, id: string): Promise<boolean> {
    const info = await this.#find(principal, id);
    if (info === undefined) return false;
    await this.#deps.onErase(info.sessionId);
    await this.#deps.store.erase(info.sessionId);
    this.#deps.onErased(info.sessionId);
    return true;
  }

  /** By the session's id, or by the name that the subject gave it when it was created. */
  async #find(principal: Principal, id: string): Promise<undefined | SessionInfo> {
    const { store, clock } = this.#deps;
    for (const sessionId of [id, sessionIdOf(principal.subject, id)]) {
      const info = await store.info(sessionId);
      if (info !== undefined && this.#isVisible(principal, info, clock.now())) return info;
    }
    return undefined;
  }

  #isVisible(principal: Principal, info: SessionInfo, now: number): boolean {
    return info.subject === principal.subject && mayUse(principal, info.workspace) && isShown(info, now);
  }
}
