import createDOMPurify from 'dompurify';
import { safeHref } from './links.ts';

const TAGS = [
  'a',
  'blockquote',
  'br',
  'code',
  'del',
  'div',
  'em',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'hr',
  'li',
  'ol',
  'p',
  'pre',
  'span',
  'strong',
  'table',
  'tbody',
  'td',
  'th',
  'thead',
  'tr',
  'ul',
];
const CLASSES = new Set(['host', 'image', 'task', 'box', 'box checked', 'table', 'end', 'center']);

const purify = createDOMPurify(window);

purify.addHook('afterSanitizeAttributes', (node) => {
  const name = node.getAttribute('class');
  if (name !== null && !CLASSES.has(name)) node.removeAttribute('class');
  // What scrolls sideways can be reached by the keyboard.
  if (node.nodeName === 'PRE' || name === 'table') node.setAttribute('tabindex', '0');
  if (node.nodeName !== 'A') return;
  if (safeHref(node.getAttribute('href') ?? '') === undefined) node.removeAttribute('href');
  node.setAttribute('target', '_blank');
  node.setAttribute('rel', 'noreferrer noopener');
});

/** The second wall: whatever the first let through, only harmless elements and attributes come into the page. */
export function sanitize(html: string): DocumentFragment {
  return purify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ['class', 'href', 'start', 'title'],
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}
