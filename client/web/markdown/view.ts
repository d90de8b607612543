import { morphChildren } from './morph.ts';
import { renderPiece } from './render.ts';
import { type Piece, Splitter } from './splitter.ts';

/** The live block may take this share of the time: after a render of 1 ms the next comes at least 10 ms later. */
const REST_FACTOR = 10;

/** A piece that becomes more elements than any honest text is shown as it is. */
const MAX_PIECE_ELEMENTS = 2_500;
/** So is everything after so many, and one more for so many characters: each element costs a browser far more than a letter. */
const FREE_ELEMENTS = 6_000;
const CHARACTERS_PER_ELEMENT = 12;
/** A long text comes onto the page bit by bit: after so long, or so many elements and lines, the browser draws what is there. */
const TURN_MS = 12;
const TURN_WEIGHT = 600;
const BETWEEN_TURNS_MS = 16;

/** Time as the view needs it; `performance` and `setTimeout` in a page. */
export interface ViewTime {
  now(): number;
  after(ms: number, fn: () => void): () => void;
}

const pageTime: ViewTime = {
  now: () => performance.now(),
  after(ms, fn) {
    const id = setTimeout(fn, ms);
    return () => clearTimeout(id);
  },
};

/** One text in the page, that may be growing. Its `host`'s children belong to it. */
export class MarkdownView {
  readonly #host: HTMLElement;
  readonly #time: ViewTime;
  #splitter = new Splitter();
  #shown = '';
  #live: HTMLElement | undefined;
  #elements = 0;
  #characters = 0;
  #restUntil = 0;
  #cancel: (() => void) | undefined;

  constructor(host: HTMLElement, time: ViewTime = pageTime) {
    this.#host = host;
    this.#time = time;
  }

  /** Shows `text`. `done`: it will not grow. Cheap when it is the text of before with something at its end. */
  update(text: string, done: boolean): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const now = this.#time.now();
    if (!done && now < this.#restUntil) {
      this.#cancel = this.#time.after(this.#restUntil - now, () => this.update(text, done));
      return;
    }
    if (!text.startsWith(this.#shown)) this.#reset();
    this.#shown = text;
    if (!this.#show(text, done, now + TURN_MS)) {
      this.#restUntil = 0;
      this.#cancel = this.#time.after(BETWEEN_TURNS_MS, () => this.update(text, done));
      return;
    }
    const end = this.#time.now();
    this.#restUntil = end + (end - now) * REST_FACTOR;
  }

  /** Ends what is still to come. */
  close(): void {
    this.#cancel?.();
  }

  /** `false`: there was no time for all of it. */
  #show(text: string, done: boolean, until: number): boolean {
    this.#splitter.add(text, done);
    let weight = 0;
    for (let piece = this.#splitter.next(); piece !== undefined; piece = this.#splitter.next()) {
      const elements = this.#fill(piece);
      weight += elements + linesIn(piece.raw);
      this.#elements += elements;
      this.#characters += piece.raw.length;
      this.#live = undefined;
      if (this.#elements > FREE_ELEMENTS + this.#characters / CHARACTERS_PER_ELEMENT)
        this.#splitter.plainFromHere();
      if (weight > TURN_WEIGHT || this.#time.now() > until) return false;
    }
    if (!done) this.#fill(this.#splitter.live());
    return true;
  }

  /** Shows a piece as the last block, and answers how many elements it has. */
  #fill(piece: Piece): number {
    const { ownerDocument } = this.#host;
    const rendered = piece.plain ? null : renderPiece(ownerDocument, piece, MAX_PIECE_ELEMENTS);
    const fragment = rendered?.fragment ?? asItIs(ownerDocument, piece.raw);
    if (!fragment.hasChildNodes()) {
      this.#live?.remove();
      this.#live = undefined;
      return 0;
    }
    if (this.#live === undefined) {
      this.#live = ownerDocument.createElement('div');
      this.#host.appendChild(this.#live);
    }
    this.#live.className = piece.more !== null ? 'block more' : 'block';
    morphChildren(this.#live, fragment);
    return (rendered?.elements ?? 1) + 1;
  }

  #reset(): void {
    this.#host.replaceChildren();
    this.#splitter = new Splitter();
    this.#live = undefined;
    this.#elements = 0;
    this.#characters = 0;
  }
}

function linesIn(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}

function asItIs(document: Document, raw: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  const text = raw.replace(/^\n+/, '').trimEnd();
  if (text === '') return fragment;
  const paragraph = document.createElement('p');
  paragraph.className = 'plain';
  paragraph.textContent = text;
  fragment.appendChild(paragraph);
  return fragment;
}
