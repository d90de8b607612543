/** What a link may do: lead to a page or open a mail. */
const ALLOWED = new Set(['http:', 'https:', 'mailto:']);

/** A link's real destination, or `undefined` when it is none that may be followed. Relative links lead nowhere here. */
export function safeHref(href: string): URL | undefined {
  const url = URL.parse(href);
  if (url === null || !ALLOWED.has(url.protocol)) return undefined;
  if (url.protocol !== 'mailto:' && url.hostname === '') return undefined;
  return url;
}

/** Something in a text that reads like a host: `example.org`, `https://example.org/x`. */
const HOST_LIKE = /(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^\s/@]+@)?((?:[\p{L}\p{N}-]+\.)+[\p{L}][\p{L}\p{N}-]+)/iu;

/**
 * The host to show beside a link whose text names another one, so that a link cannot lie about where it leads;
 * `undefined` when its text is honest or names none.
 */
export function contradictedHost(text: string, url: URL): string | undefined {
  const actual = url.protocol === 'mailto:' ? url.pathname : url.hostname;
  const claimed = HOST_LIKE.exec(text)?.[1]?.toLowerCase();
  if (claimed === undefined) return undefined;
  if (url.protocol === 'mailto:') return actual.toLowerCase().endsWith(claimed) ? undefined : actual;
  const bare = (host: string) => host.toLowerCase().replace(/^www\./, '');
  return bare(claimed) === bare(actual) ? undefined : actual;
}
