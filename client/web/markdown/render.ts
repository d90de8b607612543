import type { Token } from 'markdown-it';
import { withoutHead } from './continuation.ts';
import { ElementBuilder, type Tag } from './elements.ts';
import { withoutHidden } from './invisible.ts';
import { parse } from './parser.ts';
import { renderInline } from './render-inline.ts';
import type { Piece } from './splitter.ts';

export interface Rendered {
  readonly fragment: DocumentFragment;
  /** How many elements it has. */
  readonly elements: number;
}

/** A piece as elements, or `null` when it is to be shown as it is: it would be more than `most`, or too deep, or fails. */
export function renderPiece(document: Document, { raw, more }: Piece, most: number): Rendered | null {
  const to = new ElementBuilder(document, most);
  try {
    const tokens = more === null ? parse(raw) : withoutHead(parse(more.head + more.mid + raw), more);
    for (let at = 0; at < tokens.length; at++) renderBlock(to, tokens, at, more !== null);
  } catch {
    // Too much for the page, or for the parser: whatever failed, the text itself can be shown.
    return null;
  }
  return { fragment: to.done(), elements: to.count };
}

function renderBlock(to: ElementBuilder, tokens: readonly Token[], at: number, more: boolean): void {
  const token = tokens[at] as Token;
  switch (token.type) {
    case 'paragraph_open':
      if (!token.hidden) to.open('p');
      break;
    case 'paragraph_close':
      if (!token.hidden) to.close();
      break;
    case 'inline': {
      const task = taskOf(tokens, at);
      if (task !== null) to.in('span', () => {}, task.done ? 'box checked' : 'box');
      renderInline(to, token.children ?? [], task?.length ?? 0);
      break;
    }
    case 'ordered_list_open': {
      const start = token.attrGet('start');
      const list = to.open('ol');
      if (start !== null && String(start) !== '1') list.setAttribute('start', String(start));
      break;
    }
    case 'list_item_open':
      to.open('li', token.attrGet('more') !== null ? 'more' : taskOf(tokens, at + 2) !== null ? 'task' : '');
      break;
    case 'hr':
      to.in('hr', () => {});
      break;
    case 'fence':
      renderCode(to, token.content, token.attrGet('more') !== null);
      break;
    case 'code_block':
      renderCode(to, token.content.replace(/^\n+/, '').trimEnd(), more && at === 0);
      break;
    case 'table_open':
      // What scrolls sideways can be reached by the keyboard.
      to.open('div', 'table').tabIndex = 0;
      to.open('table');
      break;
    case 'table_close':
      to.close();
      to.close();
      break;
    case 'heading_open':
    case 'blockquote_open':
    case 'bullet_list_open':
    case 'thead_open':
    case 'tbody_open':
    case 'tr_open':
      to.open(token.tag as Tag);
      break;
    case 'th_open':
    case 'td_open':
      to.open(token.tag as Tag, alignOf(token));
      break;
    default:
      if (token.nesting === -1) to.close();
  }
}

function renderCode(to: ElementBuilder, text: string, more: boolean): void {
  const shown = withoutHidden(text.endsWith('\n') ? text.slice(0, -1) : text);
  const pre = to.open('pre', more ? 'more' : '');
  pre.tabIndex = 0;
  to.in('code', () => to.text(shown));
  to.close();
}

function alignOf(cell: Token): string {
  const style = String(cell.attrGet('style') ?? '');
  return style.endsWith('right') ? 'end' : style.endsWith('center') ? 'center' : '';
}

const TASK = /^\[([ xX])\][ \t]+(?=\S)/;

/** Whether the text at `at` is the first of an item and begins with a box, and how long that is. */
function taskOf(
  tokens: readonly Token[],
  at: number,
): { readonly done: boolean; readonly length: number } | null {
  const item = tokens[at - 2];
  if (tokens[at]?.type !== 'inline' || tokens[at - 1]?.type !== 'paragraph_open') return null;
  if (item?.type !== 'list_item_open' || item.attrGet('more') !== null) return null;
  const match = TASK.exec(tokens[at]?.content ?? '');
  return match === null ? null : { done: match[1] !== ' ', length: match[0].length };
}
