/** Elements that a text may become, and nothing else: they are made one by one, so that no text is ever read as HTML. */
export type Tag =
  | 'a'
  | 'blockquote'
  | 'br'
  | 'code'
  | 'del'
  | 'div'
  | 'em'
  | `h${1 | 2 | 3 | 4 | 5 | 6}`
  | 'hr'
  | 'li'
  | 'ol'
  | 'p'
  | 'pre'
  | 'span'
  | 'strong'
  | 'table'
  | 'tbody'
  | 'td'
  | 'th'
  | 'thead'
  | 'tr'
  | 'ul';

/** Deeper than anybody writes. */
const MAX_DEPTH = 64;

/** A text became too many elements, or too deep ones. */
export class TooMuch extends Error {
  override readonly name = 'TooMuch';
}

/** Builds a piece of the page from its beginning to its end. */
export class ElementBuilder {
  readonly fragment: DocumentFragment;
  #count = 0;
  readonly #most: number;
  readonly #path: Node[];
  #text = '';

  /** `most`: so many elements. */
  constructor(document: Document, most: number) {
    this.fragment = document.createDocumentFragment();
    this.#path = [this.fragment];
    this.#most = most;
  }

  get count(): number {
    return this.#count;
  }

  text(text: string): void {
    this.#text += text;
  }

  /** @throws TooMuch */
  open(tag: Tag, className = ''): HTMLElement {
    this.#flush();
    if (++this.#count > this.#most || this.#path.length > MAX_DEPTH) throw new TooMuch();
    const element = this.#document.createElement(tag);
    if (className !== '') element.className = className;
    this.#top.appendChild(element);
    this.#path.push(element);
    return element;
  }

  /** Ends the element that was opened last, and answers it. */
  close(): Node | undefined {
    this.#flush();
    return this.#path.pop();
  }

  /** An element around what `fill` adds. */
  in(tag: Tag, fill: (element: HTMLElement) => void, className = ''): void {
    fill(this.open(tag, className));
    this.close();
  }

  /** Ends the text that was added last. */
  done(): DocumentFragment {
    this.#flush();
    return this.fragment;
  }

  get #document(): Document {
    return this.fragment.ownerDocument;
  }

  get #top(): Node {
    return this.#path.at(-1) ?? this.fragment;
  }

  #flush(): void {
    if (this.#text !== '') this.#top.appendChild(this.#document.createTextNode(this.#text));
    this.#text = '';
  }
}
