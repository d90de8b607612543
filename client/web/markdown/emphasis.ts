export type EmphasisTag = 'em' | 'strong' | 'del';

/** A row of one mark (`*`, `_`, `~`) in a text, as far as it is known what it means. */
export interface Run {
  readonly kind: 'run';
  readonly mark: string;
  /** How many marks there were. */
  readonly size: number;
  readonly canOpen: boolean;
  readonly canClose: boolean;
  /** Its place among the runs of its text. */
  readonly place: number;
  /** Marks that are still text. */
  left: number;
  /** Innermost first. */
  readonly opens: EmphasisTag[];
  readonly closes: EmphasisTag[];
  previous: Run | null;
  next: Run | null;
}

const SPACE = /\s/;
const PUNCTUATION = /[\p{P}\p{S}]/u;

function characterBefore(text: string, at: number): string {
  const code = text.charCodeAt(at - 1);
  const isLow = code >= 0xdc00 && code <= 0xdfff;
  return at === 0 ? ' ' : text.slice(isLow ? at - 2 : at - 1, at);
}

function characterAt(text: string, at: number): string {
  return at >= text.length ? ' ' : String.fromCodePoint(text.codePointAt(at) ?? 32);
}

/** The run that begins at `from`. */
export function readRun(text: string, from: number, last: Run | null): Run {
  const mark = text[from] ?? '';
  let to = from;
  while (text[to] === mark) to++;
  const before = characterBefore(text, from);
  const after = characterAt(text, to);
  const spaceBefore = SPACE.test(before);
  const spaceAfter = SPACE.test(after);
  const punctuationBefore = PUNCTUATION.test(before);
  const punctuationAfter = PUNCTUATION.test(after);
  const left = !spaceAfter && (!punctuationAfter || spaceBefore || punctuationBefore);
  const right = !spaceBefore && (!punctuationBefore || spaceAfter || punctuationAfter);
  const size = to - from;
  const none = mark === '~' && size > 2;
  return {
    kind: 'run',
    mark,
    size,
    canOpen: !none && left && (mark !== '_' || !right || punctuationBefore),
    canClose: !none && right && (mark !== '_' || !left || punctuationAfter),
    place: last === null ? 0 : last.place + 1,
    left: size,
    opens: [],
    closes: [],
    previous: last,
    next: null,
  };
}

function fits(opener: Run, closer: Run): boolean {
  if (opener.mark !== closer.mark || !opener.canOpen) return false;
  if (closer.mark === '~') return opener.left === closer.left;
  if (!closer.canOpen && !opener.canClose) return true;
  return closer.size % 3 === 0 || (opener.size + closer.size) % 3 !== 0;
}

function remove(run: Run): void {
  if (run.previous !== null) run.previous.next = run.next;
  if (run.next !== null) run.next.previous = run.previous;
}

/**
 * Matches the runs behind `bottom` (`null`: all) up to `last`, as CommonMark does. Where a closer found no opener, the
 * next one of its kind does not look again: each run is passed a bounded number of times.
 */
export function matchRuns(last: Run | null, bottom: Run | null): void {
  if (last === bottom) return;
  let closer = last;
  while (closer !== null && closer.previous !== bottom) closer = closer.previous;
  const searched = new Map<string, number>();
  while (closer !== null) {
    if (!closer.canClose) {
      closer = closer.next;
      continue;
    }
    const kind = `${closer.mark}${closer.canOpen}${closer.mark === '~' ? closer.left : closer.size % 3}`;
    const until = searched.get(kind) ?? -1;
    let opener = closer.previous;
    while (opener !== bottom && opener !== null && opener.place > until && !fits(opener, closer))
      opener = opener.previous;
    if (opener === null || opener === bottom || opener.place <= until) {
      searched.set(kind, closer.place - 1);
      const next: Run | null = closer.next;
      if (!closer.canOpen) remove(closer);
      closer = next;
      continue;
    }
    pair(opener, closer);
    // What stands between the two belongs to nothing any more.
    opener.next = closer;
    closer.previous = opener;
    if (opener.left === 0) remove(opener);
    if (closer.left > 0) continue;
    remove(closer);
    closer = closer.next;
  }
}

function pair(opener: Run, closer: Run): void {
  const size = opener.left >= 2 && closer.left >= 2 ? 2 : 1;
  const tag = closer.mark === '~' ? 'del' : size === 2 ? 'strong' : 'em';
  opener.left -= size;
  closer.left -= size;
  opener.opens.push(tag);
  closer.closes.push(tag);
}
