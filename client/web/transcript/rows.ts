import type { Conversation, ConversationMessage } from '../../sdk/index.ts';
import { dayKey } from '../format/moment.ts';
import { answerRow, runById, silentRuns } from './answer-row.ts';
import { outgoingRow, pastRows, personRow, systemRow } from './plain-rows.ts';
import type { Cut, Row, SeamRow } from './row-types.ts';
import { type PlacedSeam, type SeamPlaces, seamPlaces } from './seam-places.ts';
import { type Asked, noteQuestions, type Turn, turnsOf } from './turns.ts';

export interface RowsInput {
  readonly conversation: Conversation;
  readonly cuts: readonly Cut[];
  /** When the line was cut, if it is cut now. */
  readonly cutSince: number | null;
  /** The calendar day of now (`dayKey`): it needs no name. */
  readonly today: string;
}

/** The rows around the answer in hand, which is made anew with every chunk. */
interface Settled {
  readonly before: readonly Row[];
  readonly after: readonly Row[];
  /** Runs that have a row in `before`. */
  readonly used: ReadonlySet<string>;
  /** The keys of all these rows. */
  readonly keys: ReadonlySet<string>;
  /** Cuts that fell into the answer in hand. */
  readonly seams: readonly Row[];
}

/**
 * Turns a conversation into the rows of its transcript, in order. Holds the rows of what is settled, so that a growing
 * answer costs the same after 10 messages and after 10 000.
 */
export function rowBuilder(): (input: RowsInput) => readonly Row[] {
  const asked = new Map<string, string>();
  let seen: readonly unknown[] = [];
  let settled: Settled = { before: [], after: [], used: new Set(), keys: new Set(), seams: [] };
  return (input) => {
    const { conversation: c, cuts, today } = input;
    // Everything but the growing text.
    const { outgoing: _, streaming, context, contextSeq, agents, ...rest } = c;
    const parts = [...Object.values(rest), streaming?.messageId, streaming?.runId, cuts, today];
    if (parts.length !== seen.length || parts.some((part, i) => part !== seen[i])) {
      seen = parts;
      noteQuestions(c, asked);
      settled = settle(input, asked);
    }
    const { before, after, keys } = settled;
    const live = distinct(liveRows(input, settled), keys);
    const outgoing = distinct(c.outgoing.map(outgoingRow), keys);
    return [...before, ...live, ...after, ...outgoing];
  };
}

function settle({ conversation: c, cuts, today }: RowsInput, asked: Asked): Settled {
  const places = seamPlaces(c, cuts);
  const build = new Builder(c, places, today, endedRows(c, asked));
  for (const turn of turnsOf(c, asked)) build.turn(turn);
  const inHand = places.byMessage.get(c.streaming?.messageId ?? '') ?? [];
  return { ...build.end(), seams: inHand.map((placed) => seamRow(placed, true)) };
}

/** Adds rows one turn after the other. */
class Builder {
  readonly #c: Conversation;
  readonly #seams: SeamPlaces;
  readonly #silent: ReturnType<typeof silentRuns>;
  readonly #used = new Set<string>();
  readonly #before: Row[] = [];
  readonly #after: Row[] = [];
  #rows = this.#before;
  #next = 0;
  #day: string;

  constructor(c: Conversation, seams: SeamPlaces, today: string, ended: readonly Row[]) {
    this.#c = c;
    this.#seams = seams;
    this.#silent = silentRuns(c);
    this.#day = today;
    if (c.history.hasMore) this.#rows.push({ kind: 'older', key: 'older', loading: c.history.loading });
    this.#rows.push(...ended);
  }

  turn({ question, answers, live, place }: Turn): void {
    const c = this.#c;
    if (question !== null) {
      this.#upTo(question);
      const run = c.queuedRuns[place - 1];
      const queued = run === undefined ? null : { place, runId: run.runId };
      this.#rows.push({ ...personRow(question), queued });
    }
    for (const message of answers) {
      this.#upTo(message);
      this.#rows.push(
        message.role === 'assistant'
          ? answerRow(c, { message, run: runById(c, message.runId), used: this.#used })
          : systemRow(message, false),
      );
      for (const seam of this.#seams.byMessage.get(message.id) ?? []) this.#rows.push(seamRow(seam, true));
    }
    for (const run of this.#silent.get(question?.id ?? '') ?? [])
      this.#rows.push(answerRow(c, { run, used: this.#used }));
    if (live) {
      // Seams that belong to nothing later stand above the answer in hand.
      this.#seamsBefore(Number.POSITIVE_INFINITY);
      this.#rows = this.#after;
    }
  }

  end(): Omit<Settled, 'seams'> {
    this.#seamsBefore(Number.POSITIVE_INFINITY);
    const keys = new Set<string>();
    const noted = (rows: readonly Row[]) => {
      const own = distinct(joinSeams(rows), keys);
      for (const row of own) keys.add(row.key);
      return own;
    };
    return { before: noted(this.#before), after: noted(this.#after), used: this.#used, keys };
  }

  /** What comes before a message: seams, and the name of another day. */
  #upTo(message: ConversationMessage): void {
    this.#seamsBefore(message.seq);
    const day = dayKey(message.ts);
    if (day === this.#day) return;
    this.#day = day;
    this.#rows.push({ kind: 'day', key: `d:${message.id}`, at: message.ts });
  }

  #seamsBefore(seq: number): void {
    const { bySeq } = this.#seams;
    for (let at = bySeq[this.#next]; at !== undefined && at.seam.afterSeq < seq; at = bySeq[this.#next]) {
      this.#rows.push(seamRow(at, false));
      this.#next++;
    }
  }
}

/** The answer in flight, or the run in hand that has not said anything yet, and the cut that fell into it. */
function liveRows({ conversation: c, cutSince }: RowsInput, { used, seams }: Settled): readonly Row[] {
  const { run, streaming } = c;
  const cut: readonly Row[] =
    cutSince === null || c.session === null
      ? []
      : [{ kind: 'cut', key: `s:${cutSince}`, since: cutSince, during: streaming !== null }];
  // A run whose message is complete has its row already.
  const shown = run !== null && used.has(run.runId);
  if (streaming === null && (run === null || shown)) return cut;
  const row = answerRow(c, { run, streaming, used: new Set(used) });
  return [...joinSeams([row, ...seams]), ...cut];
}

function endedRows(c: Conversation, asked: Asked): readonly Row[] {
  const { previous } = c;
  const sessionId = previous?.sessionId ?? c.session?.previousSessionId ?? null;
  if (sessionId === null) return [];
  return [
    ...pastRows(previous?.messages ?? [], asked),
    {
      kind: 'ended',
      key: `e:${sessionId}`,
      sessionId,
      endedAt: previous?.endedAt ?? null,
      awayMs: c.seams.findLast((s) => s.outcome === 'expired')?.awayMs ?? null,
      shown: previous !== null,
    },
  ];
}

/**
 * Two rows with one key would end the page, and what the keys are made of comes from outside: of two the later one gets
 * another key.
 */
function distinct(rows: readonly Row[], taken: ReadonlySet<string>): readonly Row[] {
  const own = new Set<string>();
  return rows.map((row) => {
    let key = row.key;
    while (taken.has(key) || own.has(key)) key += "'";
    own.add(key);
    return key === row.key ? row : ({ ...row, key } as Row);
  });
}

function seamRow({ seam, key }: PlacedSeam, during: boolean): SeamRow {
  return { kind: 'seam', key, seams: [seam], during };
}

/** Cuts with nothing in between are one seam. */
function joinSeams(rows: readonly Row[]): readonly Row[] {
  const joined: Row[] = [];
  for (const row of rows) {
    const last = joined.at(-1);
    if (row.kind === 'seam' && last?.kind === 'seam')
      joined[joined.length - 1] = { ...last, key: row.key, seams: [...last.seams, ...row.seams] };
    else joined.push(row);
  }
  return joined;
}
