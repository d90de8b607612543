import type { ElementBuilder } from './elements.ts';
import type { EmphasisTag } from './emphasis.ts';
import { type Inline, parseInline } from './inline.ts';
import { destinationOf, namesDestination, safeHref } from './links.ts';

/** @throws TooMuch */
export function renderInline(to: ElementBuilder, text: string): void {
  // Where links are open: their destination, or `undefined` for one that may not be followed.
  const links: (URL | undefined)[] = [];
  for (const item of parseInline(text))
    switch (item.kind) {
      case 'text':
        to.text(item.text);
        break;
      case 'code':
        to.in('code', () => to.text(item.text));
        break;
      case 'break':
        to.in('br', () => {});
        break;
      case 'run':
        for (const _ of item.closes) to.close();
        to.text(item.mark.repeat(item.left));
        for (const tag of item.opens.toReversed()) to.open(tag satisfies EmphasisTag);
        break;
      case 'image':
        renderImage(to, item, links.length > 0);
        break;
      case 'auto-link': {
        const url = safeHref(item.href);
        beginLink(to, url);
        to.text(item.text);
        endLink(to, url);
        break;
      }
      case 'link': {
        const url = safeHref(item.href);
        links.push(url);
        beginLink(to, url);
        break;
      }
      case 'link-end':
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
function renderImage(
  to: ElementBuilder,
  { href, text }: Extract<Inline, { kind: 'image' }>,
  inLink: boolean,
): void {
  const url = safeHref(href);
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
