/** Markdown as a tree of blocks. What is inside a paragraph, a heading or a cell is still text. */
export type Block = Quote | List | Paragraph | Heading | Rule | Code | Table;

/** `more`: goes on with what a long text before it began, and was cut off from. */
export interface Quote {
  readonly kind: 'quote';
  readonly children: Block[];
}

export interface List {
  readonly kind: 'list';
  /** The character after the number, or that of the bullet. */
  readonly delimiter: string;
  /** The first number; `null`: bullets. */
  readonly start: number | null;
  /** Its items stand apart. */
  loose: boolean;
  readonly items: Item[];
}

export interface Item {
  readonly kind: 'item';
  /** The columns that its text begins after. */
  readonly indent: number;
  readonly children: Block[];
  readonly more: boolean;
}

export interface Paragraph {
  readonly kind: 'paragraph';
  readonly lines: string[];
}

export interface Heading {
  readonly kind: 'heading';
  readonly level: number;
  text: string;
}

export interface Rule {
  readonly kind: 'rule';
}

export interface Code {
  readonly kind: 'code';
  /** What opened it, such as three backticks, and the columns before it; `null`: its lines are indented. */
  readonly fence: { readonly mark: string; readonly indent: number } | null;
  text: string;
  readonly more: boolean;
}

export type Align = 'start' | 'center' | 'end';

export interface Table {
  readonly kind: 'table';
  readonly align: readonly Align[];
  /** `null`: it stands in the piece before. */
  readonly header: readonly string[] | null;
  readonly rows: string[];
}

/** What holds blocks, and the blocks themselves, as the parser walks along them. */
export type Root = { readonly kind: 'root'; readonly children: Block[] };
export type Open = Root | Item | Block;
