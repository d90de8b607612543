import { morphChildren } from './morph.ts';
import { blockToHtml, escapeHtml } from './render.ts';
import { sanitize } from './sanitize.ts';
import { BlockSplitter } from './splitter.ts';

/** The live block may take this share of the time: after a render of 1 ms the next comes at least 10 ms later. */
const REST_FACTOR = 10;

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
  #splitter = new BlockSplitter();
  #shown = '';
  #live: HTMLElement | undefined;
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
    this.#show(text, done);
    const end = this.#time.now();
    this.#restUntil = end + (end - now) * REST_FACTOR;
  }

  /** Ends what is still to come. */
  close(): void {
    this.#cancel?.();
  }

  #show(text: string, done: boolean): void {
    const { finished, live } = this.#splitter.push(text, done);
    for (const block of finished) {
      this.#fill(block);
      this.#live = undefined;
    }
    if (live !== '') this.#fill(live);
    else if (this.#live !== undefined && !done) this.#live.replaceChildren();
  }

  #fill(block: string): void {
    if (this.#live === undefined) {
      this.#live = this.#host.ownerDocument.createElement('div');
      this.#live.className = 'block';
      this.#host.appendChild(this.#live);
    }
    const html = this.#splitter.verbatim
      ? `<p>${escapeHtml(block).replaceAll('\n', '<br>')}</p>`
      : blockToHtml(block);
    morphChildren(this.#live, sanitize(html));
  }

  #reset(): void {
    this.#host.replaceChildren();
    this.#splitter = new BlockSplitter();
    this.#live = undefined;
  }
}
