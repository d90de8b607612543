import type { ListPage, ListRequest, SessionInfo } from '../store.ts';
import { RANK_MS } from './library.ts';

/** A place between two sessions in the order of their last use: after this one. */
interface Place {
  readonly updatedAt: number;
  readonly sessionId: string;
}

/** A place between two entries of the index: after this one. */
interface IndexPlace {
  readonly score: number;
  readonly sessionId: string;
}

/** Where a page begins. */
interface Start {
  /** What comes before it in the order of last use was shown. */
  readonly after: undefined | Place;
  /** So was what comes before it in the index; `undefined`: the index was not yet followed instead of the order. */
  readonly behind: undefined | IndexPlace;
}

/** One entry of the index, and its session unless that is not there, or was shown. */
interface Entry extends IndexPlace {
  readonly info: undefined | SessionInfo;
}

/** What a list is read from. */
export interface SubjectIndex {
  /** Entries from the newest on, those with a score over `most` left out: `[id, score, id, score, ...]`. */
  byScore(most: number | '+inf', offset: number, count: number): Promise<string[]>;
  byRank(from: number, count: number): Promise<string[]>;
  /** At which rank the entry is, with its score; `undefined`: it is none. */
  rankOf(sessionId: string): Promise<undefined | { readonly rank: number; readonly score: number }>;
  /** How many entries have a score over this. */
  countOver(score: number): Promise<number>;
  info(sessionId: string): Promise<undefined | SessionInfo>;
}

/** How many entries one page looks at. Beyond, it answers what it has: so many were used at once, or have no session any more. */
const MAX_LOOKED_AT = 400;

/**
 * A page of a subject's sessions, last used first. A score of the index is up to `RANK_MS` older than the last use, so the index is
 * read that much further than the page. Where that would take too many entries, the list follows the index from there on: each
 * session is still shown once, in an order that may be wrong by `RANK_MS`, and a page may be short.
 */
export async function listSubject(
  { limit, cursor }: Pick<ListRequest, 'limit' | 'cursor'>,
  index: SubjectIndex,
): Promise<ListPage> {
  const start = decodeCursor(cursor);
  const { after, behind } = start;
  const from = behind === undefined ? 0 : await rankAfter(behind, index);
  const size = limit + 16;
  const entries: Entry[] = [];
  for (let more = true; ; ) {
    const page =
      behind === undefined
        ? await index.byScore(after?.updatedAt ?? '+inf', entries.length, size)
        : await index.byRank(from + entries.length, size);
    more = page.length === 2 * size;
    entries.push(...(await entriesOf(page, after, index)));
    const found = entries.flatMap(({ info }) => (info === undefined ? [] : [info]));
    if (behind === undefined) {
      found.sort(order);
      const last = found[limit - 1];
      const read = entries.at(-1)?.score ?? 0;
      // A score is never later than the last use, so nothing that was not read comes before the page's last.
      if (!more || (last !== undefined && last.updatedAt > read + RANK_MS))
        return inOrder(found, limit, more);
    } else if (!more || found.length >= limit) return alongIndex(entries, limit, more, after);
    if (entries.length >= MAX_LOOKED_AT) return alongIndex(entries, limit, more, after);
  }
}

function inOrder(found: readonly SessionInfo[], limit: number, more: boolean): ListPage {
  const sessions = found.slice(0, limit);
  const last = sessions.at(-1);
  const goesOn = last !== undefined && (more || found.length > limit);
  return { sessions, nextCursor: goesOn ? encodeCursor({ after: last, behind: undefined }) : undefined };
}

function alongIndex(
  entries: readonly Entry[],
  limit: number,
  more: boolean,
  after: undefined | Place,
): ListPage {
  const shown: SessionInfo[] = [];
  let used = 0;
  for (const { info } of entries) {
    if (shown.length === limit) break;
    used++;
    if (info !== undefined) shown.push(info);
  }
  const behind = entries[used - 1];
  const goesOn = behind !== undefined && (more || used < entries.length);
  return { sessions: shown.sort(order), nextCursor: goesOn ? encodeCursor({ after, behind }) : undefined };
}

async function entriesOf(
  page: readonly string[],
  after: undefined | Place,
  index: SubjectIndex,
): Promise<Entry[]> {
  const ids = page.filter((_, i) => i % 2 === 0);
  const infos = await Promise.all(ids.map((id) => index.info(id)));
  return ids.map((sessionId, i) => {
    const info = infos[i];
    const isShown =
      info !== undefined && info.archived?.until !== 0 && (after === undefined || order(after, info) < 0);
    return { sessionId, score: Number(page[2 * i + 1]), info: isShown ? info : undefined };
  });
}

/** The rank of the first entry after the place: by the entry there, or where it moved away meanwhile, by its score. */
async function rankAfter({ score, sessionId }: IndexPlace, index: SubjectIndex): Promise<number> {
  const there = await index.rankOf(sessionId);
  return there?.score === score ? there.rank + 1 : await index.countOver(score);
}

/** Last used first; within a millisecond by id, so that a cursor names one place. */
function order(a: Place, b: Place): number {
  return b.updatedAt - a.updatedAt || (a.sessionId < b.sessionId ? -1 : a.sessionId > b.sessionId ? 1 : 0);
}

function encodeCursor({ after, behind }: Start): string {
  const place = [after?.updatedAt ?? null, after?.sessionId ?? null];
  return Buffer.from(
    JSON.stringify(behind === undefined ? place : [...place, behind.score, behind.sessionId]),
  ).toString('base64url');
}

/** A cursor comes back from outside: one that is none of ours begins at the newest. */
function decodeCursor(cursor: undefined | string): Start {
  const newest: Start = { after: undefined, behind: undefined };
  if (cursor === undefined) return newest;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return newest;
  }
  if (!Array.isArray(value)) return newest;
  const [updatedAt, sessionId, score, indexId]: unknown[] = value;
  return {
    after: isTime(updatedAt) && typeof sessionId === 'string' ? { updatedAt, sessionId } : undefined,
    behind: isTime(score) && typeof indexId === 'string' ? { score, sessionId: indexId } : undefined,
  };
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
