import type { ListPage, ListRequest, SessionInfo } from '../store.ts';
import type { Calls } from './calls.ts';
import type { Keys } from './keys.ts';
import { decodeInfo } from './session-record.ts';
import { listSubject } from './subject-list.ts';

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

  list(request: ListRequest): Promise<ListPage> {
    const key = this.#keys.subject(request.subject);
    const command = (name: string, ...args: readonly (string | number)[]) =>
      this.#calls.command(name, key, ...args);
    return listSubject(request, {
      byScore: async (most, offset, count) =>
        (await command(
          'zrange',
          most,
          '-inf',
          'BYSCORE',
          'REV',
          'LIMIT',
          offset,
          count,
          'WITHSCORES',
        )) as string[],
      byRank: async (from, count) =>
        (await command('zrange', from, from + count - 1, 'REV', 'WITHSCORES')) as string[],
      rankOf: async (sessionId) => {
        const [rank, score] = await Promise.all([
          command('zrevrank', sessionId),
          command('zscore', sessionId),
        ]);
        return typeof rank === 'number' && typeof score === 'string'
          ? { rank, score: Number(score) }
          : undefined;
      },
      countOver: async (score) => Number(await command('zcount', `(${score}`, '+inf')),
      info: (sessionId) => this.#info(sessionId),
    });
  }

  async #info(sessionId: string): Promise<undefined | SessionInfo> {
    return decodeInfo(sessionId, await this.#calls.fcall('info', this.#keys.session(sessionId), []));
  }
}
