import { type Continuation, continuationOf } from './continuation.ts';
import { withoutHidden } from './invisible.ts';
import { type Indents, parseBlocks } from './parser.ts';

/** A longer block comes in pieces; only the last of them is drawn again when the text grows. */
const MAX_PIECE_CHARACTERS = 8_000;

/** Text that is shown as it is comes in pieces of at most this. */
const MAX_PLAIN_CHARACTERS = 4_000;

/** A part of the text: a block, or a part of a long one. */
export interface Piece {
  readonly raw: string;
  /** It is shown as it is. */
  readonly plain: boolean;
  /** How it goes on with the block that the piece before was cut from; `null`: it is no such piece. */
  readonly more: Continuation | null;
}

/**
 * Cuts growing Markdown into pieces of bounded size, so that a text costs its length, and a chunk of it never what came
 * before. Where it is cut depends on the text alone, not on the chunks that it came in.
 */
export class Splitter {
  #taken = 0;
  #done = false;
  /** What came after the last finished piece. */
  #tail = '';
  /** Up to here there is no block in the tail but its first. */
  #looked = 0;
  /** How the tail goes on with what was cut off before it. */
  #more: Continuation | null = null;
  #plain = false;
  #ready: Piece[] = [];

  /** `text` is the whole text so far, and may only grow. `done`: nothing will follow. Then take each `next`. */
  add(text: string, done: boolean): void {
    // Half a character or half a line end waits for its other half.
    const end = !done && /[\uD800-\uDBFF\r]$/.test(text.slice(-1)) ? text.length - 1 : text.length;
    this.#tail += withoutHidden(text.slice(this.#taken, end).replace(/\r\n?/g, '\n'));
    this.#taken = end;
    this.#done = done;
  }

  /** The next piece that can change no more, if there is one. */
  next(): Piece | undefined {
    if (this.#plain) return this.#nextPlain();
    while (this.#ready.length === 0 && this.#look());
    return this.#ready.shift();
  }

  /** What can still change, after the last piece that is `next`. */
  live(): Piece {
    return { raw: this.#tail, plain: this.#plain, more: this.#more };
  }

  /** Everything after the last piece is to be shown as it is. */
  plainFromHere(): void {
    this.#tail = this.#ready.map(({ raw }) => raw).join('') + this.#tail;
    this.#ready = [];
    this.#plain = true;
  }

  /** Looks for blocks that are finished. `false`: there is nothing to look at until more comes. */
  #look(): boolean {
    if (this.#more === null) this.#skipBlankLines();
    const tooLong = this.#tail.length > MAX_PIECE_CHARACTERS;
    const whole = this.#done && !tooLong;
    const lines = this.#tail.lastIndexOf('\n', MAX_PIECE_CHARACTERS - 1) + 1;
    const end = whole
      ? this.#tail.length
      : lines === 0 && tooLong
        ? cutOf(this.#tail, MAX_PIECE_CHARACTERS)
        : lines;
    if (end === 0 || (!tooLong && !whole && end <= this.#looked)) return false;
    const text = this.#tail.slice(0, end);
    const env: Indents = { indents: [] };
    const head = this.#more === null ? '' : this.#more.head + this.#more.mid;
    const tokens = parseBlocks(head + text, env);
    const begins = tokens
      .filter(({ level, map }) => level === 0 && map !== null)
      .map(({ map }) => (map?.[0] ?? 0) - (this.#more?.lines ?? 0));
    const starts = offsetsOf(text, begins);
    let from = 0;
    for (const start of starts) {
      this.#finish(start - from);
      from = start;
    }
    if (whole) this.#finish(this.#tail.length);
    else if (tooLong && starts.length === 0) {
      const more = continuationOf(tokens, env, !text.endsWith('\n'));
      this.#finish(end);
      this.#more = more;
    }
    this.#looked = whole || tooLong ? 0 : end - from;
    return this.#ready.length > 0 || this.#tail.length > MAX_PIECE_CHARACTERS;
  }

  /** The next so many characters are a piece that can change no more. */
  #finish(length: number): void {
    const raw = this.#tail.slice(0, length);
    if (raw.trim() !== '') this.#ready.push({ raw, plain: false, more: this.#more });
    this.#tail = this.#tail.slice(length);
    this.#more = null;
    this.#looked = 0;
  }

  #skipBlankLines(): void {
    const blank = /^(?:[ \t]*\n)+/.exec(this.#tail)?.[0].length ?? 0;
    this.#tail = this.#tail.slice(blank);
    this.#looked = Math.max(0, this.#looked - blank);
  }

  #nextPlain(): Piece | undefined {
    const whole = this.#tail.length > MAX_PLAIN_CHARACTERS;
    if (this.#tail === '' || !(whole || this.#done)) return undefined;
    const newline = this.#tail.lastIndexOf('\n', MAX_PLAIN_CHARACTERS - 1);
    const to = !whole
      ? this.#tail.length
      : newline > 0
        ? newline + 1
        : cutOf(this.#tail, MAX_PLAIN_CHARACTERS);
    const raw = this.#tail.slice(0, to);
    this.#tail = this.#tail.slice(to);
    return { raw, plain: true, more: null };
  }
}

/** Where lines of a text begin, but for its first. */
function offsetsOf(text: string, lines: readonly number[]): readonly number[] {
  const offsets: number[] = [];
  let line = 0;
  let at = 0;
  for (const wanted of lines) {
    if (wanted <= line) continue;
    for (; line < wanted; line++) at = text.indexOf('\n', at) + 1;
    offsets.push(at);
  }
  return offsets;
}

/** Where to cut a text that is longer than `most`: before a space, or at least not in the middle of a character. */
function cutOf(text: string, most: number): number {
  const space = text.lastIndexOf(' ', most);
  if (space > 0) return space;
  return /[\uD800-\uDBFF]/.test(text[most - 1] ?? '') ? most - 1 : most;
}
