import { Lexer } from 'marked';
import { withoutHidden } from './invisible.ts';

/** Deeper than anybody writes, and dearer to parse with every level. */
const TOO_DEEP =
  /^(?:[ \t]{60,}\S|[ \t>]{0,200}(?:>[ \t]?){24}|(?:[ \t]{0,3}(?:[-*+]|\d{1,9}[.)])[ \t]+){24})/m;

const LONE_NUMBER = /^ {0,3}\d{1,9}[.)]?\s*$/;

/** What a new piece of text did: blocks that can change no more, and the one that still can (`''`: none). */
export interface Split {
  readonly finished: readonly string[];
  readonly live: string;
}

/**
 * Cuts growing Markdown into blocks, so that each is parsed once when it is finished and only the last one again and
 * again: the cost of a chunk does not grow with the answer. The text may only grow; for another one take a new splitter.
 */
export class BlockSplitter {
  #taken = 0;
  #tail = '';
  #verbatim = false;

  /** `text` is the whole text so far. `done`: nothing will follow. */
  push(text: string, done: boolean): Split {
    // Half a character or half a line end waits for its other half.
    const end = !done && /[\uD800-\uDBFF\r]$/.test(text) ? text.length - 1 : text.length;
    this.#tail += withoutHidden(text.slice(this.#taken, end).replace(/\r\n?/g, '\n'));
    this.#taken = end;

    // Once too deep, the rest is shown as it is; the block's renderer sees to that by its own limits.
    if (this.#verbatim || TOO_DEEP.test(this.#tail)) {
      this.#verbatim = true;
      return this.#takeVerbatim(done);
    }

    const blocks = new Lexer({ gfm: true, breaks: true })
      .blockTokens(this.#tail, [])
      .map((block) => block.raw);
    // Not every token's `raw` is all of its text; then the cut could fall anywhere.
    const exact = blocks.join('') === this.#tail;
    return this.#take(exact ? blocks : [this.#tail], done);
  }

  /** Whether the text from here on is to be shown as it is, not as Markdown. */
  get verbatim(): boolean {
    return this.#verbatim;
  }

  #take(blocks: readonly string[], done: boolean): Split {
    const isWritten = (raw: string) => raw.trim() !== '';
    let last = done ? blocks.length : blocks.findLastIndex(isWritten);
    // The number may become the next item of the list before it.
    if (!done && LONE_NUMBER.test(blocks[last] ?? '')) last = blocks.slice(0, last).findLastIndex(isWritten);
    const from = Math.max(0, last);
    // The live block stays in the tail, with the white space after it.
    this.#tail = blocks.slice(from).join('');
    return {
      finished: blocks.slice(0, from).filter(isWritten),
      live: this.#tail.trim() === '' ? '' : this.#tail,
    };
  }

  /** By lines, in pieces of bounded size. */
  #takeVerbatim(done: boolean): Split {
    const finished: string[] = [];
    while (this.#tail.length > 4_000) {
      const cut = this.#tail.lastIndexOf('\n', 4_000);
      const size = cut > 0 ? cut + 1 : 4_000;
      finished.push(this.#tail.slice(0, size));
      this.#tail = this.#tail.slice(size);
    }
    const live = this.#tail;
    if (!done) return { finished, live };
    this.#tail = '';
    return { finished: live === '' ? finished : [...finished, live], live: '' };
  }
}
