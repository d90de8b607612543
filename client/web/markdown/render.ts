import type { Block, Item, List, Table } from './blocks.ts';
import { ElementBuilder, type Tag, TooMuch } from './elements.ts';
import { renderInline } from './render-inline.ts';
import { cellsOf } from './table-row.ts';

export interface Rendered {
  readonly fragment: DocumentFragment;
  /** How many elements it has. */
  readonly elements: number;
}

/** The blocks as elements, or `null` when they would be more than `most`, or too deep. */
export function renderBlocks(document: Document, blocks: readonly Block[], most: number): Rendered | null {
  const to = new ElementBuilder(document, most);
  try {
    for (const block of blocks) renderBlock(to, block);
  } catch (error) {
    if (error instanceof TooMuch) return null;
    throw error;
  }
  return { fragment: to.done(), elements: to.count };
}

function renderBlock(to: ElementBuilder, block: Block): void {
  switch (block.kind) {
    case 'paragraph':
      renderParagraph(to, block.lines.join('\n').trim());
      break;
    case 'heading':
      to.in(`h${block.level}` as Tag, () => renderInline(to, block.text.trim()));
      break;
    case 'rule':
      to.in('hr', () => {});
      break;
    case 'quote':
      to.in('blockquote', () => {
        for (const child of block.children) renderBlock(to, child);
      });
      break;
    case 'code':
      renderCode(
        to,
        block.fence === null ? block.text.replace(/^\n+/, '').trimEnd() : block.text,
        block.more,
      );
      break;
    case 'list':
      renderList(to, block);
      break;
    case 'table':
      renderTable(to, block);
      break;
  }
}

function renderParagraph(to: ElementBuilder, text: string): void {
  if (text !== '') to.in('p', () => renderInline(to, text));
}

function renderCode(to: ElementBuilder, text: string, more: boolean): void {
  const shown = text.endsWith('\n') ? text.slice(0, -1) : text;
  if (more && shown === '') return;
  const fill = (pre: HTMLElement) => {
    // What scrolls sideways can be reached by the keyboard.
    pre.tabIndex = 0;
    to.in('code', () => to.text(shown));
  };
  to.in('pre', fill, more ? 'more' : '');
}

function renderList(to: ElementBuilder, list: List): void {
  const items = list.items.filter((item) => !item.more || item.children.length > 0);
  if (items.length === 0) return;
  const fill = (element: HTMLElement) => {
    if (list.start !== null && list.start !== 1) element.setAttribute('start', String(list.start));
    for (const item of items) renderItem(to, item, list.loose);
  };
  to.in(list.start === null ? 'ul' : 'ol', fill);
}

const TASK = /^\[([ xX])\][ \t]+(?=\S)/;

function renderItem(to: ElementBuilder, item: Item, loose: boolean): void {
  const [first, ...others] = item.children;
  const task = first?.kind === 'paragraph' && !item.more ? TASK.exec(first.lines[0] ?? '') : null;
  const fill = () => {
    if (task !== null) to.in('span', () => {}, task[1] === ' ' ? 'box' : 'box checked');
    if (first?.kind === 'paragraph' && (task !== null || !loose))
      renderInline(
        to,
        first.lines
          .join('\n')
          .slice(task?.[0].length ?? 0)
          .trim(),
      );
    else if (first !== undefined) renderBlock(to, first);
    for (const child of others)
      if (loose || child.kind !== 'paragraph') renderBlock(to, child);
      else renderInline(to, child.lines.join('\n').trim());
  };
  to.in('li', fill, task !== null ? 'task' : item.more ? 'more' : '');
}

function renderTable(to: ElementBuilder, table: Table): void {
  if (table.header === null && table.rows.length === 0) return;
  const row = (cells: readonly string[], tag: 'th' | 'td') =>
    to.in('tr', () => {
      for (const [i, cell] of cells.entries()) {
        const align = table.align[i] ?? 'start';
        to.in(tag, () => renderInline(to, cell), align === 'start' ? '' : align);
      }
    });
  const fill = (scroller: HTMLElement) => {
    scroller.tabIndex = 0;
    to.in('table', () => {
      const { header } = table;
      if (header !== null) to.in('thead', () => row(header, 'th'));
      to.in('tbody', () => {
        for (const line of table.rows) row(cellsOf(line, table.align.length), 'td');
      });
    });
  };
  to.in('div', fill, 'table');
}
