import { BlockParser } from './block-parser.ts';
import type { Block } from './blocks.ts';
import { withoutHidden } from './invisible.ts';

/** A longer line comes in pieces, cut after a space if there is one. */
const MAX_LINE_CHARACTERS = 2_000;
/** A longer block comes in pieces; only the last of them is drawn again when the text grows. */
const MAX_PIECE_CHARACTERS = 8_000;

/** Text that is shown as it is comes in pieces of at most this. */
const MAX_PLAIN_CHARACTERS = 4_000;

/** A part of the text. */
export interface Piece {
  /** What it is made of; `null`: it is shown as it is. */
  readonly blocks: readonly Block[] | null;
  readonly raw: string;
  /** It goes on with the block that the piece before was cut from. */
  readonly more: boolean;
}

/** Where a piece was cut off. */
interface Cut {
  readonly parser: BlockParser;
  readonly midLine: boolean;
}

/**
 * Cuts growing Markdown into pieces of bounded size, each parsed once, so that a text costs its length, and a chunk of
 * it never what came before. Where it is cut depends on the text alone, not on the chunks that it came in.
 */
export class Splitter {
  #taken = 0;
  #done = false;
  /** What came after the lines that the parser has. */
  #tail = '';
  /** The parser has the beginning of the line that `#tail` goes on with. */
  #midLine = false;
  #parser = new BlockParser();
  /** Where the current piece begins; `null`: at a block of its own. */
  #cut: Cut | null = null;
  /** The current piece, as far as the parser has it. */
  #raw = '';
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
    while (this.#ready.length === 0 && this.#takeLine());
    if (this.#ready.length === 0 && this.#done) this.#finish(this.#parser.root.children.splice(0));
    return this.#ready.shift();
  }

  /** What can still change, after the last piece that is `next`. */
  live(): Piece {
    const raw = this.#raw + this.#tail;
    if (this.#plain) return { blocks: null, raw, more: false };
    const parser = this.#cut === null ? new BlockParser() : this.#cut.parser.reopened(this.#cut.midLine);
    const lines = raw.split('\n');
    if (lines.at(-1) === '') lines.pop();
    for (const [i, line] of lines.entries())
      if (i === 0 && this.#cut?.midLine === true) parser.more(line);
      else parser.line(line);
    return { blocks: parser.root.children, raw, more: this.#cut !== null };
  }

  /** Everything after the last piece is to be shown as it is. */
  plainFromHere(): void {
    this.#tail = this.#ready.map(({ raw }) => raw).join('') + this.#raw + this.#tail;
    this.#raw = '';
    this.#ready = [];
    this.#plain = true;
  }

  /** Gives the parser the next line, or a part of a long one. `false`: it is not whole yet. */
  #takeLine(): boolean {
    const end = this.#tail.slice(0, MAX_LINE_CHARACTERS + 1).indexOf('\n');
    const whole = end >= 0 || (this.#done && this.#tail.length <= MAX_LINE_CHARACTERS);
    if (!whole && this.#tail.length <= MAX_LINE_CHARACTERS) return false;
    if (this.#tail === '') return false;
    const to = end >= 0 ? end : whole ? this.#tail.length : cutOf(this.#tail, MAX_LINE_CHARACTERS);
    const line = this.#tail.slice(0, to);
    const taken = this.#tail.slice(0, end >= 0 ? end + 1 : to);
    this.#tail = this.#tail.slice(taken.length);
    if (this.#midLine) this.#parser.more(line);
    else this.#parser.line(line);
    this.#midLine = !whole;
    this.#sort(taken);
    return true;
  }

  /** Puts a line that the parser has to its piece, and ends the pieces that are finished by it. */
  #sort(taken: string): void {
    const { children } = this.#parser.root;
    if (children.length > 1) {
      const finished = children.splice(0, children.length - 1);
      // A table began in the line before.
      const [block] = children;
      const from =
        block?.kind === 'table' ? this.#raw.lastIndexOf('\n', this.#raw.length - 2) + 1 : this.#raw.length;
      const header = this.#raw.slice(from);
      this.#raw = this.#raw.slice(0, from);
      this.#finish(finished);
      this.#raw = header;
    }
    this.#raw += taken;
    if (children.length === 0) this.#raw = '';
    if (this.#raw.length < MAX_PIECE_CHARACTERS) return;
    const cut: Cut = { parser: this.#parser, midLine: this.#midLine };
    this.#parser = cut.parser.reopened(cut.midLine);
    this.#finish(children);
    this.#cut = cut;
  }

  #finish(blocks: readonly Block[]): void {
    if (this.#raw.trim() !== '') this.#ready.push({ blocks, raw: this.#raw, more: this.#cut !== null });
    this.#raw = '';
    this.#cut = null;
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
    return { blocks: null, raw, more: false };
  }
}

/** Where to cut a text that is longer than `most`: before a space, or at least not in the middle of a character. */
function cutOf(text: string, most: number): number {
  const space = text.lastIndexOf(' ', most);
  if (space > 0) return space;
  return /[\uD800-\uDBFF]/.test(text[most - 1] ?? '') ? most - 1 : most;
}
