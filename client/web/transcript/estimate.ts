import { textOf } from '../format/text.ts';
import type { Row } from './row-types.ts';

const CHARACTERS_PER_LINE = 80;
const LINE_PX = 27;

/** By row: a long list is laid out again with every row that is measured. */
const estimates = new WeakMap<Row, number>();

/** About how high a row will be, px: good enough for a scroll bar until the row was measured. */
export function estimateHeight(row: Row): number {
  const known = estimates.get(row);
  if (known !== undefined) return known;
  const made = estimate(row);
  estimates.set(row, made);
  return made;
}

function estimate(row: Row): number {
  switch (row.kind) {
    case 'person':
      return 66 + linesOf(row.text) * LINE_PX;
    case 'answer':
      return 72 + linesOf(textOf(row.message?.parts ?? [])) * LINE_PX + row.toolCalls.length * 28;
    case 'seam':
    case 'cut':
    case 'ended':
    case 'older':
    case 'day':
    case 'system':
      return 44;
  }
}

function linesOf(text: string): number {
  return Math.max(1, Math.ceil(text.length / CHARACTERS_PER_LINE));
}
