import { expect, test } from 'vitest';
import { COSTLY, costly } from '../testing/costly-texts.ts';
import { expectHarmless, still } from '../testing/markdown.ts';
import { markdownIt } from './parser.ts';
import { Splitter } from './splitter.ts';
import { MarkdownView } from './view.ts';

/** Counts characters that are given to the parser while `work` is done: each costs it a bounded time. */
function parsedDuring(work: () => void): number {
  const { block } = markdownIt;
  const { parse } = block;
  let characters = 0;
  block.parse = (source, ...others) => {
    characters += source.length;
    parse.call(block, source, ...others);
  };
  try {
    work();
  } finally {
    block.parse = parse;
  }
  return characters;
}

/** All pieces of a text, and how long each is. */
function piecesOf(text: string): readonly string[] {
  const splitter = new Splitter();
  splitter.add(text, true);
  const pieces: string[] = [];
  for (let piece = splitter.next(); piece !== undefined; piece = splitter.next()) pieces.push(piece.raw);
  return pieces;
}

test.each(COSTLY)(
  'WEB-28 %s: each character is looked at a few times, in pieces of bounded size',
  (_, unit) => {
    for (const length of [50_000, 100_000]) {
      const text = costly(unit, length);
      let pieces: readonly string[] = [];
      expect(parsedDuring(() => (pieces = piecesOf(text)))).toBeLessThanOrEqual(2.5 * length);
      for (const raw of pieces) expect(raw.length).toBeLessThanOrEqual(10_001);
    }
  },
);

test.each(COSTLY)(
  'WEB-28 %s that grow: a chunk costs no more at the end than it did at the beginning',
  (_, unit) => {
    const splitter = new Splitter();
    const costOf = (text: string) =>
      parsedDuring(() => {
        splitter.add(text, false);
        while (splitter.next() !== undefined);
        splitter.live();
      });
    const text = costly(unit, 100_000);
    for (let end = 500; end <= text.length; end += 500)
      expect(costOf(text.slice(0, end))).toBeLessThan(20_000);
  },
);

test.each(COSTLY)('WEB-24 %s end, are shown, and are not too much for the page', (_, unit) => {
  const host = document.createElement('div');
  const text = costly(unit, 10_000);
  new MarkdownView(host, still).update(text, true);
  expectHarmless(host);
  expect(host.querySelectorAll('*').length).toBeLessThan(7_500);
  if (/[^\s]/.test(unit)) expect(host.childElementCount).toBeGreaterThan(0);
});

test('WEB-24 what would become too many elements is shown as it is', () => {
  const host = document.createElement('div');
  const text = `Honest **words**.\n\n${'*a* '.repeat(30_000)}\n\nand **more**`;
  new MarkdownView(host, still).update(text, true);
  expect(host.querySelector('strong')?.textContent).toBe('words');
  expect(host.querySelectorAll('*').length).toBeLessThan(20_000);
  expect(host.textContent).toContain('and **more**');
  expect(host.textContent?.match(/a/g)?.length).toBeGreaterThan(30_000);
});

test('WEB-24 a long text comes onto the page bit by bit', () => {
  let now = 0;
  const turns: (() => void)[] = [];
  const host = document.createElement('div');
  const view = new MarkdownView(host, {
    // Each look at the clock is 5 ms later.
    now: () => (now += 5),
    after: (_, turn) => {
      turns.push(turn);
      return () => turns.splice(turns.indexOf(turn), 1);
    },
  });
  const text = 'A paragraph.\n\n'.repeat(50);
  view.update(text, true);
  const shown = [host.childElementCount];
  for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
    turn();
    shown.push(host.childElementCount);
  }
  expect(shown.at(-1)).toBe(50);
  expect(shown.length).toBeGreaterThan(10);
  const steps = shown.map((count, i) => count - (shown[i - 1] ?? 0));
  expect(Math.max(...steps)).toBeLessThanOrEqual(4);
});
