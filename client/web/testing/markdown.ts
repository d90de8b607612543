import { expect } from 'vitest';
import { MarkdownView, type ViewTime } from '../markdown/view.ts';

/** Shows a text as an answer, whole and letter by letter: a half-finished attack must be as harmless as a finished one. */
export function shown(text: string): HTMLElement[] {
  const whole = document.createElement('div');
  new MarkdownView(whole, still).update(text, true);
  const growing = document.createElement('div');
  const view = new MarkdownView(growing, still);
  for (let i = 1; i <= Math.min(text.length, 600); i++) view.update(text.slice(0, i), false);
  const halfway = growing.cloneNode(true) as HTMLElement;
  view.update(text, true);
  return [whole, growing, halfway];
}

/** Time that stands still: what would come later comes at once. */
export const still: ViewTime = {
  now: () => 0,
  after(_, fn) {
    fn();
    return () => {};
  },
};

const TAGS = new Set(
  'A BLOCKQUOTE BR CODE DEL DIV EM H1 H2 H3 H4 H5 H6 HR LI OL P PRE SPAN STRONG TABLE TBODY TD TH THEAD TR UL'.split(
    ' ',
  ),
);
const ATTRIBUTES = new Set(['class', 'href', 'rel', 'target', 'title', 'start', 'tabindex']);

/** Everything that the page allows, and nothing else, whatever the text was. */
export function expectHarmless(host: HTMLElement): void {
  for (const element of host.querySelectorAll('*')) {
    expect(TAGS).toContain(element.tagName);
    for (const { name } of element.attributes) expect(ATTRIBUTES).toContain(name);
    const href = element.getAttribute('href');
    if (element.tagName !== 'A' || href === null) continue;
    expect(href).toMatch(/^(https?:\/\/|mailto:)/);
    expect(element.getAttribute('rel')).toBe('noreferrer noopener');
    expect(element.getAttribute('target')).toBe('_blank');
  }
}
