/** Columns of a tab stop. */
const TAB = 4;

/** A place in one line. Tabs count as columns, and a container may take a part of one. */
export class LineCursor {
  readonly text: string;
  #offset = 0;
  #column = 0;
  /** The container before took only a part of the tab at `#offset`. */
  #splitTab = false;

  constructor(text: string) {
    this.text = text;
  }

  get column(): number {
    return this.#column;
  }

  /** Columns of white space from here to what is written. */
  get indent(): number {
    return this.#written().column - this.#column;
  }

  get blank(): boolean {
    return this.#written().offset >= this.text.length;
  }

  /** What is written from here on, without the white space before it. */
  get written(): string {
    return this.text.slice(this.#written().offset);
  }

  /** Everything from here on; the rest of a tab that was taken in part is spaces. */
  get rest(): string {
    if (!this.#splitTab) return this.text.slice(this.#offset);
    return ' '.repeat(TAB - (this.#column % TAB)) + this.text.slice(this.#offset + 1);
  }

  /** Goes to what is written. */
  skipSpace(): void {
    const { offset, column } = this.#written();
    if (offset === this.#offset) return;
    this.#offset = offset;
    this.#column = column;
    this.#splitTab = false;
  }

  /** Goes on by so many characters that are no tabs. */
  skip(characters: number): void {
    this.#offset += characters;
    this.#column += characters;
    this.#splitTab = false;
  }

  /** Goes on by at most so many columns of white space; answers how many there were. */
  skipColumns(columns: number): number {
    let left = columns;
    for (; left > 0; ) {
      const c = this.text[this.#offset];
      if (c === '\t') {
        const width = TAB - (this.#column % TAB);
        this.#splitTab = width > left;
        const taken = Math.min(width, left);
        this.#column += taken;
        if (!this.#splitTab) this.#offset++;
        left -= taken;
      } else if (c === ' ') {
        this.skip(1);
        left--;
      } else break;
    }
    return columns - left;
  }

  #written(): { offset: number; column: number } {
    let offset = this.#offset;
    let column = this.#column;
    for (; ; offset++) {
      const c = this.text[offset];
      if (c === ' ') column++;
      else if (c === '\t') column += TAB - (column % TAB);
      else return { offset, column };
    }
  }
}
