import { Marked, type RendererObject, type Tokens } from 'marked';
import { contradictedHost, safeHref } from './links.ts';

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ESCAPES[c] ?? c);
}

/** A block that is longer, or has more marks, than any honest text is shown as it is: parsing it could take seconds. */
const MAX_BLOCK_CHARACTERS = 50_000;
const MAX_MARKS = 4_000;

function isExcessive(block: string): boolean {
  if (block.length > MAX_BLOCK_CHARACTERS) return true;
  let marks = 0;
  for (let i = 0; i < block.length; i++) if ('*_~[]!`<'.includes(block.charAt(i))) marks++;
  return marks > MAX_MARKS;
}

function alignment(align: string | null): string {
  return align === 'right' ? ' class="end"' : align === 'center' ? ' class="center"' : '';
}

/**
 * HTML for each kind of token. The first of two walls: raw HTML becomes text, an image a link to it, a link leads only
 * where `safeHref` allows, and no attribute carries anything else of the text.
 */
const renderer: RendererObject = {
  html({ text }: Tokens.HTML | Tokens.Tag) {
    return escapeHtml(text);
  },
  link({ href, tokens }: Tokens.Link) {
    const inner = this.parser.parseInline(tokens);
    const url = safeHref(href);
    if (url === undefined) return inner;
    const host = contradictedHost(this.parser.parseInline(tokens, this.parser.textRenderer), url);
    const note = host === undefined ? '' : ` <span class="host">(${escapeHtml(host)})</span>`;
    return `<a href="${escapeHtml(url.href)}" title="${escapeHtml(url.href)}">${inner}</a>${note}`;
  },
  image({ href, text }: Tokens.Image) {
    const url = safeHref(href);
    const name = escapeHtml(text === '' ? 'image' : text);
    if (url === undefined || url.protocol === 'mailto:') return `<span class="image">[${name}]</span>`;
    return `<a class="image" href="${escapeHtml(url.href)}" title="${escapeHtml(url.href)}">[${name}: image at ${escapeHtml(url.hostname)}]</a>`;
  },
  code({ text }: Tokens.Code) {
    return `<pre><code>${escapeHtml(text)}</code></pre>`;
  },
  codespan({ text }: Tokens.Codespan) {
    return `<code>${escapeHtml(text)}</code>`;
  },
  listitem(item: Tokens.ListItem) {
    const body = this.parser.parse(item.tokens);
    return item.task ? `<li class="task">${body}</li>` : `<li>${body}</li>`;
  },
  checkbox({ checked }: Tokens.Checkbox) {
    return `<span class="box${checked === true ? ' checked' : ''}"></span>`;
  },
  table(token: Tokens.Table) {
    const row = (cells: Tokens.TableCell[], tag: 'th' | 'td') =>
      `<tr>${cells.map((c) => `<${tag}${alignment(c.align)}>${this.parser.parseInline(c.tokens)}</${tag}>`).join('')}</tr>`;
    const body = token.rows.map((cells) => row(cells, 'td')).join('');
    return `<div class="table"><table><thead>${row(token.header, 'th')}</thead><tbody>${body}</tbody></table></div>`;
  },
  // Definitions cannot be resolved across blocks that are rendered one by one; hiding them would hide text.
  def({ raw }: Tokens.Def) {
    return `<p>${escapeHtml(raw.trim())}</p>`;
  },
};

const marked = new Marked({ gfm: true, breaks: true, renderer });

/** One block of Markdown as HTML, still to be sanitised. Never throws. */
export function blockToHtml(block: string): string {
  if (isExcessive(block)) return plain(block);
  try {
    return marked.parse(block, { async: false }).trim();
  } catch {
    // Nesting beyond the stack.
    return plain(block);
  }
}

function plain(block: string): string {
  return `<p>${escapeHtml(block).replaceAll('\n', '<br>')}</p>`;
}
