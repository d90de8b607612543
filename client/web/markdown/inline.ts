import { type BareLink, bareLinks } from './autolink.ts';
import { matchRuns, readRun, type Run } from './emphasis.ts';
import { entityAt, PUNCTUATION } from './entities.ts';
import { readTarget } from './link-syntax.ts';

/** A paragraph's text in the order in which it is read; what a link or a run holds stands between its ends. */
export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'break' }
  | { readonly kind: 'auto-link'; readonly href: string; readonly text: string }
  | { readonly kind: 'image'; readonly href: string; readonly text: string }
  | { readonly kind: 'link'; readonly href: string }
  | { readonly kind: 'link-end' }
  | Run;

/** Brackets that wait for their end; beyond these the oldest are text. */
const MAX_BRACKETS = 32;

const SPECIAL = new Set('\\`*_~[]!<&\n');
const ADDRESS = /<([a-z][a-z\d+.-]{1,31}:[^\s<>]*)>/iy;
const MAIL = /<([\w.!#$%&'*+/=?^`{|}~-]+@[a-z\d-]{1,63}(?:\.[a-z\d-]{1,63})+)>/iy;
/** Raw HTML is text, with nothing in it read as Markdown. */
const TAG = /<[/!?]?[a-z][^<>\n]*>/iy;

interface Bracket {
  /** Its place in the items. */
  readonly at: number;
  readonly image: boolean;
  /** The last run before it. */
  readonly run: Run | null;
}

/** Reads one text. Its cost grows with the text's length, whatever stands in it. */
export function parseInline(text: string): readonly Inline[] {
  return new InlineParser(text).parse();
}

class InlineParser {
  readonly #text: string;
  readonly #items: Inline[] = [];
  readonly #brackets: Bracket[] = [];
  /** Brackets below this place may not become links, because a link stands behind them. */
  #linked = 0;
  #lastRun: Run | null = null;
  #bare: readonly BareLink[] = [];
  #nextBare = 0;
  #backticks: Map<number, number[]> | undefined;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): readonly Inline[] {
    this.#bare = bareLinks(this.#text);
    while (this.#at < this.#text.length) this.#step();
    matchRuns(this.#lastRun, null);
    return this.#items;
  }

  #step(): void {
    if (this.#takeBareLink()) return;
    switch (this.#text[this.#at]) {
      case '\\':
        return this.#escape();
      case '\n':
        return this.#lineEnd();
      case '`':
        return this.#code();
      case '*':
      case '_':
      case '~':
        return this.#run();
      case '[':
        return this.#open(false);
      case '!':
        return this.#text[this.#at + 1] === '[' ? this.#open(true) : this.#plain(1);
      case ']':
        return this.#close();
      case '<':
        return this.#angle();
      case '&':
        return this.#entity();
      default:
        return this.#words();
    }
  }

  #plain(length: number): void {
    this.#items.push({ kind: 'text', text: this.#text.slice(this.#at, this.#at + length) });
    this.#at += length;
  }

  #words(): void {
    const end = this.#bare[this.#nextBare]?.from ?? this.#text.length;
    let to = this.#at + 1;
    while (to < end && !SPECIAL.has(this.#text[to] ?? '')) to++;
    this.#plain(to - this.#at);
  }

  #takeBareLink(): boolean {
    let bare = this.#bare[this.#nextBare];
    // What stands in code or in a tag is passed over.
    while (bare !== undefined && bare.from < this.#at) bare = this.#bare[++this.#nextBare];
    if (bare?.from !== this.#at) return false;
    this.#items.push({ kind: 'auto-link', href: bare.href, text: this.#text.slice(bare.from, bare.to) });
    this.#at = bare.to;
    return true;
  }

  #escape(): void {
    const next = this.#text[this.#at + 1] ?? '';
    if (next === '\n') this.#at++;
    else if (!PUNCTUATION.test(next)) return this.#plain(1);
    else {
      this.#items.push({ kind: 'text', text: next });
      this.#at += 2;
    }
  }

  /** Each line end is kept, as in a chat. */
  #lineEnd(): void {
    const last = this.#items.at(-1);
    if (last?.kind === 'text')
      this.#items[this.#items.length - 1] = { kind: 'text', text: last.text.trimEnd() };
    this.#items.push({ kind: 'break' });
    this.#at++;
  }

  #code(): void {
    const from = this.#at;
    let open = from;
    while (this.#text[open] === '`') open++;
    const size = open - from;
    this.#backticks ??= backtickRuns(this.#text);
    const ends = this.#backticks.get(size) ?? [];
    // Those that were passed are never needed again.
    while ((ends.at(-1) ?? from + 1) <= from) ends.pop();
    const end = ends.at(-1);
    if (end === undefined) return this.#plain(size);
    const text = this.#text.slice(open, end).replaceAll('\n', ' ');
    const padded = text.startsWith(' ') && text.endsWith(' ') && text.trim() !== '';
    this.#items.push({ kind: 'code', text: padded ? text.slice(1, -1) : text });
    this.#at = end + size;
  }

  #run(): void {
    const run = readRun(this.#text, this.#at, this.#lastRun);
    if (this.#lastRun !== null) this.#lastRun.next = run;
    this.#lastRun = run;
    this.#items.push(run);
    this.#at += run.size;
  }

  #open(image: boolean): void {
    this.#brackets.push({ at: this.#items.length, image, run: this.#lastRun });
    if (this.#brackets.length > MAX_BRACKETS) {
      this.#brackets.shift();
      this.#linked = Math.max(0, this.#linked - 1);
    }
    this.#plain(image ? 2 : 1);
  }

  #close(): void {
    const bracket = this.#brackets.pop();
    const barred = bracket !== undefined && !bracket.image && this.#brackets.length < this.#linked;
    this.#linked = Math.min(this.#linked, this.#brackets.length);
    const target = bracket === undefined || barred ? null : readTarget(this.#text, this.#at + 1);
    if (bracket === undefined || target === null) return this.#plain(1);
    matchRuns(this.#lastRun, bracket.run);
    // Its marks are matched among themselves: nothing before or behind it reaches into it.
    this.#lastRun = bracket.run;
    if (bracket.run !== null) bracket.run.next = null;
    const { href } = target;
    this.#at = target.end;
    if (bracket.image) {
      const inside = this.#items.splice(bracket.at).slice(1);
      this.#items.push({ kind: 'image', href, text: inside.map(plainText).join('') });
      return;
    }
    this.#items[bracket.at] = { kind: 'link', href };
    for (let i = bracket.at + 1; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (item?.kind === 'auto-link') this.#items[i] = { kind: 'text', text: item.text };
    }
    this.#items.push({ kind: 'link-end' });
    this.#linked = this.#brackets.length;
  }

  #angle(): void {
    const address = this.#match(ADDRESS)?.[1];
    const mail = address === undefined ? this.#match(MAIL)?.[1] : undefined;
    const text = address ?? mail;
    if (text === undefined) return this.#plain(this.#match(TAG)?.[0].length ?? 1);
    this.#items.push({ kind: 'auto-link', href: mail === undefined ? text : `mailto:${text}`, text });
    this.#at += text.length + 2;
  }

  #entity(): void {
    const entity = entityAt(this.#text, this.#at);
    if (entity === null) return this.#plain(1);
    this.#items.push({ kind: 'text', text: entity.text });
    this.#at = entity.end;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text);
  }
}

/** The places of backtick runs by their size, the first ones last. */
function backtickRuns(text: string): Map<number, number[]> {
  const runs = new Map<number, number[]>();
  for (let i = text.lastIndexOf('`'); i >= 0; i = text.lastIndexOf('`', i - 1)) {
    let from = i;
    while (text[from - 1] === '`') from--;
    const size = i - from + 1;
    const places = runs.get(size);
    if (places === undefined) runs.set(size, [from]);
    else places.push(from);
    if (from === 0) break;
    i = from;
  }
  return runs;
}

function plainText(item: Inline): string {
  switch (item.kind) {
    case 'text':
    case 'code':
    case 'auto-link':
    case 'image':
      return item.text;
    case 'break':
      return ' ';
    case 'run':
      return item.mark.repeat(item.left);
    case 'link':
    case 'link-end':
      return '';
  }
}
