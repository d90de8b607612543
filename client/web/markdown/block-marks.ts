import type { LineCursor } from './line-cursor.ts';

/** A heading's level and text, when the written line is one. */
export function readHeading(written: string): { readonly level: number; readonly text: string } | null {
  const level = /^#{1,6}(?=[ \t]|$)/.exec(written)?.[0].length;
  if (level === undefined) return null;
  const text = written.slice(level).trim();
  // Hashes at its end close it, when they stand apart.
  let end = text.length;
  while (text[end - 1] === '#') end--;
  return {
    level,
    text: end === 0 || /[ \t]/.test(text[end - 1] ?? '') ? text.slice(0, end).trimEnd() : text,
  };
}

/** The mark that opens a code block, such as three backticks. */
export function readFence(written: string): string | null {
  const match = /^(?:(`{3,})[^`]*$|(~{3,}))/.exec(written);
  return match === null ? null : (match[1] ?? match[2] ?? null);
}

export function closesFence(cursor: LineCursor, mark: string): boolean {
  if (cursor.indent > 3) return false;
  const found = /^(`{3,}|~{3,})[ \t]*$/.exec(cursor.written)?.[1];
  return found !== undefined && found[0] === mark[0] && found.length >= mark.length;
}

/** Whether the line is a rule: three or more of one mark, and white space. */
export function isRule(written: string): boolean {
  const mark = written[0];
  if (mark !== '*' && mark !== '-' && mark !== '_') return false;
  let marks = 0;
  for (let i = 0; i < written.length; i++) {
    const c = written[i];
    if (c === mark) marks++;
    else if (c !== ' ' && c !== '\t') return false;
  }
  return marks >= 3;
}

/** What begins an item of a list. `indent`: the columns that belong to it in the lines after. */
export interface Marker {
  readonly delimiter: string;
  readonly start: number | null;
  readonly indent: number;
}

/** Reads an item's marker and goes behind it; `null`, and nowhere, when there is none. */
export function readMarker(cursor: LineCursor, inParagraph: boolean): Marker | null {
  const { written, indent: before } = cursor;
  const match = /^(?:([*+-])|(\d{1,9})([.)]))(?=[ \t]|$)/.exec(written);
  if (match === null) return null;
  const [mark, bullet, number, closing] = match;
  const empty = written.slice(mark.length).trim() === '';
  // In the middle of a sentence a line may begin with a number or a dash.
  if (inParagraph && (empty || (number !== undefined && number !== '1'))) return null;
  cursor.skipSpace();
  cursor.skip(mark.length);
  const space = cursor.indent;
  // After five columns or more its text is an indented code.
  const own = empty || space > 4 ? 1 : space;
  cursor.skipColumns(own);
  return {
    delimiter: bullet ?? closing ?? '',
    start: number === undefined ? null : Number(number),
    indent: before + mark.length + own,
  };
}

/** Whether something begins in this line that ends the table before it. */
export function endsTable(cursor: LineCursor): boolean {
  if (cursor.indent > 3) return true;
  const { written } = cursor;
  return (
    /^(?:>|[*+-][ \t]|1[.)][ \t])/.test(written) ||
    readHeading(written) !== null ||
    readFence(written) !== null ||
    isRule(written)
  );
}
