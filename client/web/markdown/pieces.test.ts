import { expect, test } from 'vitest';
import { still } from '../testing/markdown.ts';
import { MarkdownView } from './view.ts';

const numbers = Array.from({ length: 1_500 }, (_, i) => i);
const words = (i: number) => `word${i} in a **line**`;

/** Blocks that are longer than a piece, and what stands behind them. */
const LONG: readonly (readonly [name: string, text: string])[] = [
  ['code', `\`\`\`\n${numbers.map((i) => `word${i} = ${i}`).join('\n')}\n\`\`\``],
  ['code in an item', `- a\n\n  \`\`\`\n${numbers.map((i) => `  word${i}`).join('\n')}\n  \`\`\``],
  ['a list', numbers.map((i) => `- ${words(i)}`).join('\n')],
  ['a numbered list', numbers.map((i) => `${i + 1}. ${words(i)}`).join('\n')],
  ['a list in a list', `- a\n${numbers.map((i) => `  - ${words(i)}`).join('\n')}`],
  ['a quote', numbers.map((i) => `> ${words(i)}`).join('\n')],
  ['a table', `| a | b |\n|---|---|\n${numbers.map((i) => `| word${i}. | ${i} |`).join('\n')}`],
  ['a paragraph of one line', numbers.map(words).join(' ')],
  ['code of one line', `\`\`\`\n${numbers.map((i) => `word${i} = ${i}`).join(';')}\n\`\`\``],
];

const bodyOf = (host: HTMLElement) => host.textContent ?? '';

test.each(LONG)(
  'WEB-28 %s that is longer than a piece goes on as what it was, and nothing is lost',
  (_, text) => {
    const host = document.createElement('div');
    new MarkdownView(host, still).update(`before\n\n${text}\n\nbehind **it**`, true);
    expect(host.childElementCount).toBeGreaterThan(3);
    const shown = new Set(bodyOf(host).match(/word\d+/g));
    const missing = numbers.filter((i) => !shown.has(`word${i}`));
    expect(missing).toEqual([]);
    expect(bodyOf(host)).not.toMatch(/\*\*|```/);
    const kinds = [...host.querySelectorAll(':scope > .more > *')].map(({ tagName }) => tagName);
    expect(new Set(kinds).size).toBe(1);
    expect(host.lastElementChild?.querySelector('p > strong')?.textContent).toBe('it');
  },
);

test.each(LONG)('WEB-25 WEB-28 %s in pieces of any size looks like one that came whole', (_, text) => {
  const whole = document.createElement('div');
  new MarkdownView(whole, still).update(text, true);
  for (const size of [701, 5_003]) {
    const host = document.createElement('div');
    const view = new MarkdownView(host, still);
    for (let end = size; end < text.length; end += size) view.update(text.slice(0, end), false);
    view.update(text, true);
    expect(host.innerHTML).toBe(whole.innerHTML);
  }
});

test('WEB-28 the numbers of a long list go on', () => {
  const host = document.createElement('div');
  new MarkdownView(host, still).update(numbers.map((i) => `${i + 1}. ${words(i)}`).join('\n'), true);
  for (const list of host.querySelectorAll('ol')) {
    const shown = [...list.querySelectorAll(':scope > li:not(.more)')];
    const [first] = shown;
    const start = Number(list.getAttribute('start') ?? 1) + [...list.children].indexOf(first as Element);
    expect(first?.textContent).toContain(`word${start - 1} `);
  }
});
