import type { Token } from 'markdown-it';
import type { Indents } from './parser.ts';

/** What a piece goes on with: lines that open the same blocks again, for the parser alone. */
export interface Continuation {
  readonly head: string;
  /** So many lines. */
  readonly lines: number;
  /** Written before the piece where it was cut in the middle of a line. */
  readonly mid: string;
  readonly opens: 'rule' | 'code' | 'table' | 'nothing';
}

/** A character that is never shown: what follows it begins no block. */
const NO_MARK = '\u200B';
const PLACEHOLDER = '___';
/** Reopening what is nested deeper, or is wider, would cost more than it shows. */
const MAX_HEAD_CHARACTERS = 500;

/** How the text behind `tokens`, the blocks of a text that was cut, goes on. */
export function continuationOf(
  tokens: readonly Token[],
  { indents }: Indents,
  midLine: boolean,
): Continuation {
  let last = tokens.length - 1;
  while (
    last > 0 &&
    /^(?:blockquote|list_item|bullet_list|ordered_list)_close$/.test(tokens[last]?.type ?? '')
  )
    last--;
  let open = '';
  let inside = '';
  for (const container of openAt(tokens, last)) {
    if (container.token.type === 'blockquote_open') {
      open += '> ';
      inside += '> ';
      continue;
    }
    const { level } = container.token;
    const width = (indents[level + 1] ?? 0) - (indents[level - 1] ?? 0);
    const marker = container.number + container.token.markup;
    const lead = Math.max(0, width - marker.length - 4);
    open += (' '.repeat(lead) + marker).padEnd(Math.max(width, marker.length + 1));
    inside += ' '.repeat(Math.max(width, marker.length + 1));
  }
  const leaf = tokens[last];
  const code = leaf?.type === 'fence' && !isClosed(leaf) ? leaf.markup : '';
  const table = leaf?.type === 'table_close' ? tableHead(tokens, last) : [];
  const opens = code !== '' ? 'code' : table.length > 0 ? 'table' : open !== '' ? 'rule' : 'nothing';
  const first = code || table[0] || PLACEHOLDER;
  const head = opens === 'nothing' ? [] : [open + first, ...table.slice(1).map((line) => inside + line)];
  const mid = midLine ? inside + (leaf?.type === 'code_block' ? '    ' : NO_MARK) : '';
  const text = head.map((line) => `${line}\n`).join('');
  if (text.length > MAX_HEAD_CHARACTERS)
    return { head: '', lines: 0, mid: midLine ? NO_MARK : '', opens: 'nothing' };
  return { head: text, lines: head.length, mid, opens };
}

interface Container {
  readonly token: Token;
  /** Of an item in a numbered list. */
  readonly number: string;
}

/** Quotes and items that are open at a token. */
function openAt(tokens: readonly Token[], at: number): readonly Container[] {
  const path: Container[] = [];
  const lists: (number | null)[] = [];
  for (const token of tokens.slice(0, at + 1)) {
    if (token.type === 'bullet_list_open') lists.push(null);
    else if (token.type === 'ordered_list_open') lists.push(startOf(token) - 1);
    else if (token.type === 'bullet_list_close' || token.type === 'ordered_list_close') lists.pop();
    else if (token.type === 'blockquote_close' || token.type === 'list_item_close') path.pop();
    else if (token.type === 'blockquote_open') path.push({ token, number: '' });
    else if (token.type === 'list_item_open') {
      const before = lists.pop() ?? null;
      const number = before === null ? null : before + 1;
      lists.push(number);
      path.push({ token, number: number === null ? '' : String(number) });
    }
  }
  // An item in which nothing stands yet is none to go on with.
  if (tokens[at]?.type === 'list_item_open') path.pop();
  return path;
}

function startOf(list: Token): number {
  return Number(list.attrGet('start') ?? 1);
}

function isClosed({ map, content }: Token): boolean {
  const inner = content === '' ? 0 : content.split('\n').length - (content.endsWith('\n') ? 1 : 0);
  return map !== null && map[1] - map[0] > inner + 1;
}

/** A header like that of the table that ends at `end`, without its words. */
function tableHead(tokens: readonly Token[], end: number): readonly string[] {
  const from = tokens.findLastIndex(({ type }, i) => i < end && type === 'table_open');
  const cells = tokens.slice(from, end).filter(({ type }) => type === 'th_open');
  const rule = cells.map(({ attrs }) => {
    const style = String(attrs?.[0]?.[1] ?? '');
    return style.endsWith('right') ? '-:' : style.endsWith('center') ? ':-:' : '-';
  });
  return [`|${cells.map(() => 'a|').join('')}`, `|${rule.join('|')}|`];
}

/** Takes what only opened blocks again out of the tokens of a piece, and marks what goes on as `more`. */
export function withoutHead(tokens: readonly Token[], { opens }: Continuation): Token[] {
  const rest = [...tokens];
  if (opens === 'nothing') return rest;
  let at = rest.findIndex(({ type }) => type === 'hr' || type === 'fence' || type === 'table_open');
  if (at < 0) return rest;
  if (opens === 'rule') rest.splice(at, 1);
  else if (opens === 'table') {
    const head = rest.findIndex(({ type }) => type === 'thead_close');
    rest.splice(at + 1, head - at);
    if (rest[at + 1]?.type === 'table_close') rest.splice(at, 2);
  } else if (rest[at]?.content.trim() === '') rest.splice(at, 1);
  else rest[at]?.attrSet('more', '');
  // Containers in which nothing is left.
  for (let before = rest[at - 1]; before?.nesting === 1 && rest[at]?.nesting === -1; before = rest[at - 1]) {
    rest.splice(at - 1, 2);
    at--;
    const list = rest[at - 1];
    if (before.type === 'list_item_open' && list?.type === 'ordered_list_open')
      list.attrSet('start', String(startOf(list) + 1));
  }
  for (const token of rest.slice(0, at)) if (token.type === 'list_item_open') token.attrSet('more', '');
  return rest;
}
