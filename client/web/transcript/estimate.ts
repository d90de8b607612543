import { textOf } from '../format/text.ts';
import type { Row } from './row-types.ts';

const CHARACTERS_PER_LINE = 80;
const LINE_PX = 27;

/** About how high a row will be, px: good enough for a scroll bar until the row was measured. */
export function estimateHeight(row: Row): number {
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
