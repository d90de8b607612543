import { unescaped } from './entities.ts';

/** Parentheses in a destination; with more it is none. This also bounds how often a character is looked at. */
const MAX_PARENTHESES = 32;

/** What stands in parentheses behind a link's text: where it leads, and where it ends. The title is not kept. */
export function readTarget(text: string, at: number): { readonly href: string; readonly end: number } | null {
  if (text[at] !== '(') return null;
  const from = skipSpace(text, at + 1);
  const destination = text[from] === '<' ? angled(text, from) : bare(text, from);
  if (destination === null) return null;
  const afterSpace = skipSpace(text, destination.end);
  const titled = afterSpace > destination.end ? skipTitle(text, afterSpace) : afterSpace;
  const end = skipSpace(text, titled);
  return text[end] === ')' ? { href: unescaped(destination.text), end: end + 1 } : null;
}

interface Taken {
  readonly text: string;
  readonly end: number;
}

function angled(text: string, from: number): Taken | null {
  for (let i = from + 1; i < text.length; i++) {
    const c = text[i];
    if (c === '>') return { text: text.slice(from + 1, i), end: i + 1 };
    if (c === '<' || c === '\n') return null;
    if (c === '\\') i++;
  }
  return null;
}

function bare(text: string, from: number): Taken | null {
  let depth = 0;
  let i = from;
  for (; i < text.length; i++) {
    const c = text[i] ?? '';
    if (c === '\\') i++;
    else if (c === '(') {
      if (++depth > MAX_PARENTHESES) return null;
    } else if (c === ')') {
      if (depth-- === 0) break;
    } else if (c <= ' ') break;
  }
  return depth > 0 ? null : { text: text.slice(from, i), end: Math.min(i, text.length) };
}

/** The end of the title at `at`, or `at` when there is none. */
function skipTitle(text: string, at: number): number {
  const opening = text[at];
  const closing = opening === '(' ? ')' : opening;
  if (opening !== '"' && opening !== "'" && opening !== '(') return at;
  for (let i = at + 1; i < text.length; i++) {
    const c = text[i];
    if (c === closing) return i + 1;
    if (c === opening) return at;
    if (c === '\\') i++;
  }
  return at;
}

/** White space with at most one line end. */
function skipSpace(text: string, at: number): number {
  let i = at;
  for (let lines = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '\n' && lines++ === 0) continue;
    if (c !== ' ' && c !== '\t') break;
  }
  return i;
}
