import { SUBJECTS, type SubjectName } from '../harness/subjects.ts';
import { type CaseReport, type Figure, isMet, type Verdict } from './model.ts';

/** A report as a table in Markdown: it reads as well on a terminal. */
export function tableOf({ figures }: CaseReport): string {
  const rows = [
    ['', ...figures.map((figure) => figure.name)],
    ...SUBJECTS.map((subject) => [subject, ...figures.map((figure) => cell(figure, subject))]),
  ];
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length))) ?? [];
  const line = (row: readonly string[]) =>
    `| ${row.map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const [head = '', ...body] = rows.map(line);
  return [head, rule, ...body].join('\n');
}

/** "acknowledged/s, of the floor's: 0.91 (aim: at least 0.7), met" */
export function verdictLine(verdict: Verdict): string {
  const { aim, reached, limit, atLeast, why } = verdict;
  const text = `${aim}: **${reached.toFixed(2)}** (aim: at ${atLeast ? 'least' : 'most'} ${limit})`;
  if (isMet(verdict)) return `${text}, met`;
  const by = Math.abs(reached - limit).toFixed(2);
  return `${text}, **missed by ${by}**. ${why}`;
}

/** The figure, and in brackets how it stands to the floor's. */
function cell({ values, ratios, digits }: Figure, subject: SubjectName): string {
  const value = values.get(subject);
  if (value === undefined || Number.isNaN(value)) return '–';
  const ratio = ratios?.get(subject);
  const text = digits === 0 ? Math.round(value).toLocaleString('en') : value.toFixed(digits);
  return ratio === undefined || Number.isNaN(ratio) ? text : `${text} (${ratio.toFixed(2)})`;
}
