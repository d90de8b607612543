import type { Block, Item, List, Open, Root } from './blocks.ts';
import { closesFence, endsTable, isRule, readFence, readHeading, readMarker } from './block-marks.ts';
import { LineCursor } from './line-cursor.ts';
import { alignments, cellsOf } from './table-row.ts';

/** Containers in containers; what is nested deeper stays text. */
const MAX_DEPTH = 32;

/**
 * Makes blocks of lines, by the rules of CommonMark and its tables; raw HTML and link definitions are text. A line costs
 * its length and the depth of what is open, never what came before.
 */
export class BlockParser {
  readonly root: Root = { kind: 'root', children: [] };
  /** What the next line may go on with, from the root inwards. */
  readonly #path: Open[] = [this.root];
  /** The line before was blank, as far as a list's items stand apart by it. */
  #gap = false;

  /** A parser in whose text the open blocks of this one go on. `midLine`: its line does, too. */
  reopened(midLine: boolean): BlockParser {
    const next = new BlockParser();
    for (const open of this.#path) {
      const again = againOf(open);
      if (again !== null && (midLine || again.kind !== 'heading')) next.#push(again);
    }
    next.#gap = this.#gap;
    return next;
  }

  /** The next line, without its end. */
  line(text: string): void {
    const cursor = new LineCursor(text);
    let matched = 1;
    for (let open = this.#path[matched]; open !== undefined; open = this.#path[++matched]) {
      const goesOn = this.#goesOn(open, cursor);
      if (goesOn === 'ended') {
        this.#path.length = matched;
        this.#gap = false;
        return;
      }
      if (goesOn === 'no') break;
    }
    const began = this.#begin(cursor, matched);
    if (began === 'leaf') {
      this.#gap = false;
      return;
    }
    // A paragraph goes on in a line that leaves out the marks before it.
    const lazy = began === 'nothing' && !cursor.blank && this.#tip.kind === 'paragraph';
    if (began === 'nothing' && !lazy) this.#path.length = matched;
    this.#addText(cursor);
  }

  /** More of the line before, which was too long to come as one. */
  more(text: string): void {
    const tip = this.#tip;
    if (tip.kind === 'table') tip.rows.push((tip.rows.pop() ?? '') + text);
    else if (tip.kind === 'paragraph') tip.lines.push((tip.lines.pop() ?? '') + text);
    else if (tip.kind === 'heading' || tip.kind === 'code') tip.text += text;
    else this.#push({ kind: 'paragraph', lines: [text] });
  }

  get #tip(): Open {
    return this.#path.at(-1) ?? this.root;
  }

  #goesOn(open: Open, cursor: LineCursor): 'yes' | 'no' | 'ended' {
    switch (open.kind) {
      case 'root':
      case 'list':
        return 'yes';
      case 'quote':
        if (cursor.indent > 3 || !cursor.written.startsWith('>')) return 'no';
        skipQuoteMark(cursor);
        return 'yes';
      case 'item':
        if (cursor.blank) return open.children.length === 0 ? 'no' : 'yes';
        if (cursor.indent < open.indent) return 'no';
        cursor.skipColumns(open.indent);
        return 'yes';
      case 'paragraph':
        return cursor.blank ? 'no' : 'yes';
      case 'table':
        return cursor.blank || endsTable(cursor) ? 'no' : 'yes';
      case 'code':
        if (open.fence === null) {
          if (cursor.indent < 4 && !cursor.blank) return 'no';
          cursor.skipColumns(4);
          return 'yes';
        }
        if (closesFence(cursor, open.fence.mark)) return 'ended';
        cursor.skipColumns(open.fence.indent);
        return 'yes';
      case 'heading':
      case 'rule':
        return 'no';
    }
  }

  /** Opens what begins in this line; `leaf`: with all of it. `matched`: so many of the open ones go on. */
  #begin(cursor: LineCursor, matched: number): 'nothing' | 'container' | 'leaf' {
    let began: 'nothing' | 'container' = 'nothing';
    for (let depth = matched; !cursor.blank; depth = this.#path.length) {
      const container = this.#path[depth - 1] ?? this.root;
      if (container.kind === 'code' || container.kind === 'table') break;
      if (cursor.indent > 3) {
        if (this.#tip.kind === 'paragraph') break;
        this.#path.length = depth;
        cursor.skipColumns(4);
        this.#push({ kind: 'code', fence: null, text: '', more: false });
        return 'container';
      }
      if (container.kind === 'paragraph' && this.#underlined(cursor.written, depth, container.lines))
        return 'leaf';
      const leaf = leafIn(cursor);
      if (leaf !== null) {
        this.#path.length = depth;
        this.#push(leaf);
        return 'leaf';
      }
      if (depth >= MAX_DEPTH || !this.#beginContainer(cursor, depth, container.kind === 'paragraph')) break;
      began = 'container';
    }
    return began;
  }

  /** Whatever begins closes the open ones from `depth` on. */
  #beginContainer(cursor: LineCursor, depth: number, inParagraph: boolean): boolean {
    if (cursor.written.startsWith('>')) {
      skipQuoteMark(cursor);
      this.#path.length = depth;
      this.#push({ kind: 'quote', children: [] });
      return true;
    }
    const marker = readMarker(cursor, inParagraph);
    if (marker === null) return false;
    const { delimiter, start, indent } = marker;
    this.#path.length = depth;
    const list = this.#tip;
    if (list.kind !== 'list' || list.delimiter !== delimiter)
      this.#push({ kind: 'list', delimiter, start, loose: false, items: [] });
    this.#push({ kind: 'item', indent, children: [], more: false });
    return true;
  }

  /** A line below a paragraph that makes a heading of it, or a table of its last line. */
  #underlined(written: string, depth: number, lines: readonly string[]): boolean {
    const above = lines.at(-1);
    if (above === undefined || !/^[-=|:]/.test(written)) return false;
    const level = /^=+[ \t]*$/.test(written) ? 1 : /^-+[ \t]*$/.test(written) ? 2 : 0;
    const table = level === 0 ? tableOf(above, written) : null;
    const block: Block | null = level === 0 ? table : { kind: 'heading', level, text: lines.join('\n') };
    const parent = this.#path[depth - 2];
    if (block === null || parent === undefined || !('children' in parent)) return false;
    if (table === null || lines.length === 1) parent.children.pop();
    else parent.children.splice(-1, 1, { kind: 'paragraph', lines: lines.slice(0, -1) });
    this.#path.length = depth - 1;
    // Nothing stands between the two lines.
    this.#gap = false;
    this.#push(block);
    return true;
  }

  #addText(cursor: LineCursor): void {
    const tip = this.#tip;
    const { blank } = cursor;
    if (tip.kind === 'code') tip.text += `${cursor.rest}\n`;
    else if (!blank) {
      if (tip.kind === 'table') tip.rows.push(cursor.rest);
      else if (tip.kind === 'paragraph') tip.lines.push(cursor.written);
      else this.#push({ kind: 'paragraph', lines: [cursor.written] });
    }
    const inside = tip.kind === 'quote' || (tip.kind === 'code' && tip.fence !== null);
    this.#gap = blank && !inside && !(tip.kind === 'item' && tip.children.length === 0);
  }

  /** Puts a block into what is open, and opens it. */
  #push(block: Block | Item): void {
    if (block.kind === 'item') {
      const list = this.#tip as List;
      if (this.#gap && list.items.length > 0) list.loose = true;
      list.items.push(block);
    } else {
      let parent = this.#tip;
      while (parent.kind !== 'root' && parent.kind !== 'quote' && parent.kind !== 'item') {
        this.#path.pop();
        parent = this.#tip;
      }
      const list = this.#path.at(-2);
      if (this.#gap && parent.kind === 'item' && parent.children.length > 0 && list?.kind === 'list')
        list.loose = true;
      parent.children.push(block);
    }
    this.#path.push(block);
  }
}

function skipQuoteMark(cursor: LineCursor): void {
  cursor.skipSpace();
  cursor.skip(1);
  cursor.skipColumns(1);
}

/** A block that is this line, or that this line opens. */
function leafIn(cursor: LineCursor): Block | null {
  const { written, indent } = cursor;
  const heading = readHeading(written);
  if (heading !== null) return { kind: 'heading', ...heading };
  const mark = readFence(written);
  if (mark !== null) return { kind: 'code', fence: { mark, indent }, text: '', more: false };
  return isRule(written) ? { kind: 'rule' } : null;
}

function tableOf(headerLine: string, written: string): Block | null {
  const align = alignments(written);
  if (align === null) return null;
  const header = cellsOf(headerLine);
  return header.length === align.length ? { kind: 'table', align, header, rows: [] } : null;
}

/** What goes on, after a cut, where this was open. */
function againOf(open: Open): Block | Item | null {
  switch (open.kind) {
    case 'root':
    case 'rule':
      return null;
    case 'quote':
      return { kind: 'quote', children: [] };
    case 'list':
      return { ...open, start: open.start === null ? null : open.start + open.items.length - 1, items: [] };
    case 'item':
      return { ...open, children: [], more: true };
    case 'paragraph':
      return { kind: 'paragraph', lines: [] };
    case 'heading':
      return { ...open, text: '' };
    case 'code':
      return { ...open, text: '', more: true };
    case 'table':
      return { ...open, header: null, rows: [] };
  }
}
