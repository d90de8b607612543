import type { ListPage, ListRequest, SessionInfo } from '../store.ts';
import type { Calls } from './calls.ts';
import type { Keys } from './keys.ts';
import { RANK_MS } from './library.ts';
import { decodeInfo } from './session-record.ts';

/** A place between two sessions of the list: after this one. */
interface Place {
  readonly updatedAt: number;
  readonly sessionId: string;
}

/**
 * The index of a subject's sessions, by last use, in another slot of a cluster than they are. A session is entered before it is
 * made and taken out after it is erased, so what a crash leaves is an entry without a session, which is passed over.
 * To be moved at every append would cost as much again as the append: a score is at most `RANK_MS` older than the session's last
 * use, and the list reads that much further to put its page in order.
 */
export class Subjects {
  readonly #calls: Calls;
  readonly #keys: Keys;

  constructor(calls: Calls, keys: Keys) {
    this.#calls = calls;
    this.#keys = keys;
  }

  /** `full`: it is not listed, and the subject has `most` sessions (0: any number). */
  async enlist(
    subject: string,
    sessionId: string,
    now: number,
    most: number,
  ): Promise<'added' | 'listed' | 'full'> {
    const args = [sessionId, `${now}`, `${most}`];
    return (await this.#calls.fcall('enlist', this.#keys.subject(subject), args)) as
      | 'added'
      | 'listed'
      | 'full';
  }

  async rank(subject: string, sessionId: string, now: number): Promise<void> {
    // XX: a session that is erased meanwhile does not come back.
    await this.#calls.command('zadd', this.#keys.subject(subject), 'XX', now, sessionId);
  }

  async remove(subject: string, sessionId: string): Promise<void> {
    await this.#calls.command('zrem', this.#keys.subject(subject), sessionId);
  }

  async list({ subject, limit, cursor }: ListRequest): Promise<ListPage> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const found: SessionInfo[] = [];
    const size = limit + 16;
    let more = true;
    for (let offset = 0; more; offset += size) {
      // A score is never later than the last use, so from the place on nothing that comes after it is missed.
      const entries = (await this.#calls.command(
        'zrevrangebyscore',
        this.#keys.subject(subject),
        after?.updatedAt ?? '+inf',
        '-inf',
        ...(['WITHSCORES', 'LIMIT', offset, size] as const),
      )) as string[];
      const ids = entries.filter((_, i) => i % 2 === 0);
      for (const info of await Promise.all(ids.map((id) => this.#info(id))))
        if (
          info !== undefined &&
          info.archived?.until !== 0 &&
          (after === undefined || order(after, info) < 0)
        )
          found.push(info);
      found.sort(order);
      more = ids.length === size;
      const last = found[limit - 1];
      if (last !== undefined && last.updatedAt > Number(entries.at(-1)) + RANK_MS) break;
    }
    const sessions = found.slice(0, limit);
    const last = sessions.at(-1);
    const nextCursor = last !== undefined && (more || found.length > limit) ? encodeCursor(last) : undefined;
    return { sessions, nextCursor };
  }

  async #info(sessionId: string): Promise<undefined | SessionInfo> {
    return decodeInfo(sessionId, await this.#calls.fcall('info', this.#keys.session(sessionId), []));
  }
}

/** Last used first; within a millisecond by id, so that a cursor names one place. */
function order(a: Place, b: Place): number {
  return b.updatedAt - a.updatedAt || (a.sessionId < b.sessionId ? -1 : a.sessionId > b.sessionId ? 1 : 0);
}

function encodeCursor({ updatedAt, sessionId }: Place): string {
  return `${updatedAt}:${sessionId}`;
}

/** A cursor comes back from outside: one that we did not make begins at the beginning. */
function decodeCursor(cursor: string): undefined | Place {
  const [, updatedAt, sessionId] = /^(\d{1,15}):(.*)$/s.exec(cursor) ?? [];
  return sessionId === undefined ? undefined : { updatedAt: Number(updatedAt), sessionId };
}
