import { SETTINGS_TABLE } from '../../server/config.ts';

const BEGIN = '<!-- settings: made by `npm run docs` -->';
const END = '<!-- end of settings -->';

/** The document with its table of settings as the server reads them now. Throws when the markers are not there. */
export function withSettings(text: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the document has no ${BEGIN} ... ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n${settingsTable()}\n${text.slice(end)}`;
}

function settingsTable(): string {
  const rows = SETTINGS_TABLE.map(({ name, default: fallback, unit, meaning }) =>
    row([`\`${name}\``, defaultOf(fallback), unit, meaning]),
  );
  return [row(['variable', 'default', 'unit', 'meaning']), row(['---', '---', '---', '---']), ...rows].join(
    '\n',
  );
}

/** Values are shown as one would write them; `unset` and what depends on other settings are words. */
function defaultOf(text: string): string {
  return text === 'unset' || text.includes(' ') ? text : `\`${text}\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
