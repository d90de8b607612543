import type { Calls } from './calls.ts';
import { DUE_BUCKETS, type Keys } from './keys.ts';
import { decodeAlarm } from './session-record.ts';

/**
 * The index of alarms. The truth is the field `alarm` in the session's hash, in another slot of a cluster. So each setting has an
 * entry of its own here (session, time, mark), written no later than the session. One that is not the session's alarm (any more, or
 * a refused append's) means nothing; no order of writes and no crash can lose or delay the one that is.
 */
export class Alarms {
  readonly #calls: Calls;
  readonly #keys: Keys;
  /** A setting may be on its way for this long: an entry that is late by less is left alone. */
  readonly #graceMs: number;

  constructor(calls: Calls, keys: Keys, graceMs: number) {
    this.#calls = calls;
    this.#keys = keys;
    this.#graceMs = graceMs;
  }

  async announce(sessionId: string, alarm: string): Promise<void> {
    await this.#calls.command('zadd', this.#keys.due(sessionId), decodeAlarm(alarm), `${sessionId} ${alarm}`);
  }

  /** Takes an entry away that is not the session's alarm any more, or never was. */
  async forget(sessionId: string, alarm: string): Promise<void> {
    await this.#calls.command('zrem', this.#keys.due(sessionId), `${sessionId} ${alarm}`);
  }

  /** Sessions whose alarm is at or before `now`, earliest first. */
  async due(now: number, limit: number): Promise<string[]> {
    const buckets = Array.from({ length: DUE_BUCKETS }, (_, i) =>
      this.#dueIn(this.#keys.bucket(i), now, limit),
    );
    const all = (await Promise.all(buckets)).flat().sort((a, b) => a.at - b.at);
    return all.slice(0, limit).map(({ sessionId }) => sessionId);
  }

  async #dueIn(bucket: string, now: number, limit: number): Promise<{ sessionId: string; at: number }[]> {
    const found: { sessionId: string; at: number }[] = [];
    const stale: string[] = [];
    const page = Math.max(limit, 64);
    for (let offset = 0; found.length < limit; offset += page) {
      const entries = (await this.#calls.command(
        ...(['zrangebyscore', bucket, '-inf', now, 'LIMIT', offset, page] as const),
      )) as string[];
      const checked = await Promise.all(entries.map((entry) => this.#check(entry)));
      for (const { entry, sessionId, at, holds } of checked) {
        if (holds) found.push({ sessionId, at });
        else if (at < now - this.#graceMs) stale.push(entry);
      }
      if (entries.length < page) break;
    }
    if (stale.length > 0) await this.#calls.command('zrem', bucket, ...stale);
    return found;
  }

  async #check(entry: string): Promise<{ entry: string; sessionId: string; at: number; holds: boolean }> {
    const [, sessionId = '', alarm = ''] = /^(.*) (\S+ \S*)$/s.exec(entry) ?? [];
    const current = await this.#calls.command('hget', this.#keys.session(sessionId), 'alarm');
    return { entry, sessionId, at: decodeAlarm(alarm), holds: current === alarm };
  }
}
