import type { Token } from 'markdown-it';
import type { ElementBuilder } from './elements.ts';
import { withoutHidden } from './invisible.ts';
import { destinationOf, namesDestination, safeHref } from './links.ts';

/**
 * What stands in a block. `skip`: so many characters at its beginning were shown in another way.
 * @throws TooMuch
 */
export function renderInline(to: ElementBuilder, tokens: readonly Token[], skip = 0): void {
  // Where links are open: their destination, or `undefined` for one that may not be followed.
  const links: (URL | undefined)[] = [];
  for (const [i, token] of tokens.entries())
    switch (token.type) {
      case 'text':
      case 'text_special':
        // Character references may have become hidden characters here.
        to.text(withoutHidden(i === 0 ? token.content.slice(skip) : token.content));
        break;
      case 'code_inline':
        to.in('code', () => to.text(withoutHidden(token.content)));
        break;
      case 'softbreak':
      case 'hardbreak':
        to.in('br', () => {});
        break;
      case 'em_open':
        to.open('em');
        break;
      case 'strong_open':
        to.open('strong');
        break;
      case 's_open':
        to.open('del');
        break;
      case 'em_close':
      case 'strong_close':
      case 's_close':
        to.close();
        break;
      case 'image':
        renderImage(to, token, links.length > 0);
        break;
      case 'link_open': {
        const url = safeHref(String(token.attrGet('href') ?? ''));
        links.push(url);
        beginLink(to, url);
        break;
      }
      case 'link_close':
        endLink(to, links.pop());
        break;
    }
}

function beginLink(to: ElementBuilder, url: URL | undefined, className = ''): void {
  if (url === undefined) return;
  const link = to.open('a', className);
  link.setAttribute('href', url.href);
  link.setAttribute('title', url.href);
  link.setAttribute('target', '_blank');
  link.setAttribute('rel', 'noreferrer noopener');
}

/** Behind a link stands where it leads, unless its text is just that. */
function endLink(to: ElementBuilder, url: URL | undefined): void {
  if (url === undefined) return;
  const text = to.close()?.textContent ?? '';
  if (namesDestination(text, url)) return;
  to.text(' ');
  to.in('span', () => to.text(`(${destinationOf(url)})`), 'host');
}

/** Nothing is loaded: an image is a link to it. */
function renderImage(to: ElementBuilder, token: Token, inLink: boolean): void {
  const url = safeHref(String(token.attrGet('src') ?? ''));
  const text = withoutHidden(plainText(token.children ?? []));
  const name = text.trim() === '' ? 'image' : text;
  const isWeb = url !== undefined && url.protocol !== 'mailto:';
  const words = isWeb ? `[${name}: image at ${destinationOf(url)}]` : `[${name}]`;
  if (!isWeb || inLink) {
    to.in('span', () => to.text(words), 'image');
    return;
  }
  beginLink(to, url, 'image');
  to.text(words);
  to.close();
}

function plainText(tokens: readonly Token[]): string {
  return tokens
    .map(({ type, content, children }) =>
      type === 'image' ? plainText(children ?? []) : type.endsWith('break') ? ' ' : content,
    )
    .join('');
}
