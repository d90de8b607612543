import { expect, test } from 'vitest';
import { HOSTILE } from '../../../e2e/browser/support/hostile.ts';
import { COSTLY, costly } from '../testing/costly-texts.ts';
import { expectHarmless, still } from '../testing/markdown.ts';
import { MarkdownView } from './view.ts';

const PAYLOADS: readonly string[] = [
  ...HOSTILE.map((text) => text.slice(0, 300)),
  '"><img src=x onerror=owned=1>',
  "'><svg/onload=owned=1>",
  'javascript:owned=1',
  'https://ok.example/"onmouseover="owned=1',
  'data:text/html,<script>owned=1</script>',
  '&lt;img src=x onerror=owned=1&gt;',
  '&#60;script&#62;owned=1&#60;/script&#62;',
  '__proto__',
];

/** Where a payload may stand. */
const PLACES: readonly (readonly [name: string, around: (payload: string) => string])[] = [
  ['a paragraph', (p) => p],
  ['a heading', (p) => `# ${p}`],
  ['an underlined heading', (p) => `${p}\n---`],
  ['a quote', (p) => `> ${p}\n${p}`],
  ['an item', (p) => `- ${p}\n\n  ${p}`],
  ['a numbered item', (p) => `3) ${p}`],
  ['a task', (p) => `- [x] ${p}`],
  ['a cell', (p) => `| a | b |\n|---|:-:|\n| ${p} | ${p} |`],
  ["a table's head", (p) => `| ${p} |\n|---|\n| a |`],
  ['emphasis', (p) => `**${p}** _${p}_ ~~${p}~~`],
  ['code', (p) => `\`${p}\` \`\` ${p} \`\``],
  ['a fence', (p) => `\`\`\`${p}\n${p}\n\`\`\``],
  ['indented code', (p) => `    ${p}`],
  ["a link's text", (p) => `[${p}](https://ok.example)`],
  ["a link's destination", (p) => `[a](${p}) [b](<${p}>)`],
  ["a link's title", (p) => `[a](https://ok.example "${p}")`],
  ["an image's text", (p) => `![${p}](https://ok.example/a.png)`],
  ["an image's destination", (p) => `![a](${p})`],
  ['angles', (p) => `<${p}>`],
  ['an address', (p) => `https://ok.example/${p}`],
  ['a mail address', (p) => `<mailto:${p}> a@${p}`],
  ['a definition', (p) => `[x]: ${p} "${p}"\n\n[x]`],
  ['raw HTML', (p) => `<div title="${p}">\n${p}\n</div>`],
];

/** One text, whole and at some moments of its growing. Answers how many views of it were looked at. */
function look(text: string): number {
  const views = [1, 0.7, 0.35].map((share) => text.slice(0, Math.ceil(text.length * share)));
  for (const view of views) {
    const host = document.createElement('div');
    new MarkdownView(host, still).update(view, view === text);
    expectHarmless(host);
    expect(host.querySelectorAll('[class=card], [id], [name], [style]')).toHaveLength(0);
  }
  return views.length;
}

test.each(PLACES)('WEB-20 hostile texts in %s do nothing, at every moment of their growing', (_, around) => {
  let views = 0;
  for (const payload of PAYLOADS) views += look(around(payload));
  expect(views).toBeGreaterThan(140);
});

test('WEB-20 nor do they between what costs a parser dear', () => {
  let views = 0;
  for (const [i, [, unit]] of COSTLY.entries()) {
    const payload = PAYLOADS[i % PAYLOADS.length] ?? '';
    views += look(costly(unit, 200) + payload + costly(unit, 200));
  }
  expect(views).toBe(3 * COSTLY.length);
});
