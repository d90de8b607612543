import { expect, test } from 'vitest';
import { still } from '../testing/markdown.ts';
import { MarkdownView } from './view.ts';

const ANSWER = `# Plan

A first **paragraph** with \`code\`,
on two lines.

- one
- two
  - nested

1. first

2. second after a gap

> quoted

| a | b |
|---|--:|
| 1 | 2 |

\`\`\`js
const x = 1;

const y = "\`\`";
\`\`\`

Setext
======

Last words with a [link](https://example.org).`;

function whole(text: string): string {
  const host = document.createElement('div');
  new MarkdownView(host, still).update(text, true);
  return host.innerHTML;
}

test('WEB-25 a text that came in pieces looks like one that came whole', () => {
  for (const size of [1, 2, 3, 7, 50, 1_000]) {
    const host = document.createElement('div');
    const view = new MarkdownView(host, still);
    for (let end = size; end < ANSWER.length; end += size) view.update(ANSWER.slice(0, end), false);
    view.update(ANSWER, true);
    expect(host.innerHTML, `in pieces of ${size}`).toBe(whole(ANSWER));
  }
});

test('WEB-25 line ends of any kind and half characters are the same', () => {
  const host = document.createElement('div');
  const view = new MarkdownView(host, still);
  const text = ANSWER.replaceAll('\n', '\r\n').replace('first', 'fir😀st');
  for (let end = 1; end < text.length; end++) view.update(text.slice(0, end), false);
  view.update(text, true);
  expect(host.innerHTML).toBe(whole(ANSWER.replace('first', 'fir😀st')));
});

test('WEB-25 finished blocks are left alone, however long the answer grows', async () => {
  const host = document.createElement('div');
  const view = new MarkdownView(host, still);
  let text = '';
  const touched = new Set<Node>();
  const observer = new MutationObserver((records) => {
    for (const { target } of records) touched.add(target);
  });
  for (let i = 0; i < 2_000; i++) {
    text += i % 20 === 19 ? `word ${i}.\n\n` : `word ${i} `;
    view.update(text, false);
  }
  const blocks = [...host.children];
  expect(blocks.length).toBeGreaterThan(90);
  observer.observe(host, { subtree: true, childList: true, characterData: true });
  text += 'one more';
  view.update(text, false);
  observer.takeRecords().forEach(({ target }) => {
    touched.add(target);
  });
  observer.disconnect();
  const finished = blocks.slice(0, -1);
  expect([...touched].some((node) => finished.some((block) => block.contains(node)))).toBe(false);
  expect([...host.children].slice(0, blocks.length)).toEqual(blocks);
});

test('WEB-25 growing text keeps its elements, so that a selection survives', () => {
  const host = document.createElement('div');
  const view = new MarkdownView(host, still);
  view.update('Some **bold', false);
  view.update('Some **bold** words', false);
  const strong = host.querySelector('strong');
  const text = strong?.firstChild;
  view.update('Some **bold** words and more', false);
  view.update('Some **bold** words and more.', true);
  expect(host.querySelector('strong')).toBe(strong);
  expect(host.querySelector('strong')?.firstChild).toBe(text);
});

test('WEB-25 another text replaces the one before', () => {
  const host = document.createElement('div');
  const view = new MarkdownView(host, still);
  view.update('first attempt\n\nwith two', false);
  view.update('second', true);
  expect(host.textContent).toBe('second');
});

test('WEB-25 a costly block is drawn less often, and completely in the end', () => {
  let now = 0;
  const timers: (() => void)[] = [];
  const host = document.createElement('div');
  const view = new MarkdownView(host, {
    // Each look at the clock is 5 ms later: a render "takes" 5 ms.
    now: () => (now += 5),
    after: (_, fn) => {
      timers.push(fn);
      return () => timers.splice(timers.indexOf(fn), 1);
    },
  });
  view.update('one', false);
  view.update('one two', false);
  expect(host.textContent).toBe('one');
  now += 1_000;
  for (const fire of timers.splice(0)) fire();
  expect(host.textContent).toBe('one two');
  view.update('one two three', true);
  expect(host.textContent).toBe('one two three');
});
