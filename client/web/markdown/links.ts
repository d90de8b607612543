/** What a link may do: lead to a page or open a mail. */
const ALLOWED = new Set(['http:', 'https:', 'mailto:']);

/** A link's real destination, or `undefined` when it is none that may be followed. Relative links lead nowhere here. */
export function safeHref(href: string): URL | undefined {
  const url = URL.parse(href);
  if (url === null || !ALLOWED.has(url.protocol)) return undefined;
  if (url.protocol !== 'mailto:') return url.hostname === '' ? undefined : url;
  if (url.pathname === '') return undefined;
  // Further recipients would stand nowhere that a reader looks.
  const fields = url.search.slice(1).split('&');
  url.search = fields.filter((field) => /^(?:subject|body)=/i.test(field)).join('&');
  url.hash = '';
  return url;
}

/** Where a link leads, in ASCII: the host (look-alike letters as `xn--`), with its port if it is not the usual one, or the mail address. */
export function destinationOf(url: URL): string {
  return url.protocol === 'mailto:' ? url.pathname : url.host;
}

/** Printable ASCII, in one word. */
const PLAIN = /^[!-~]+$/;

/** A second address behind the first one can deceive as another host would: `https://own.example/https://other.example`. */
const HIDES_HOST = /[@\\]|:\/\//;

/**
 * Whether a link's text says by itself where the link leads: it is the destination and nothing else, or a web address that
 * begins with it, in plain ASCII. Anything else (words, another host, one in front of an `@`, letters that look alike) does
 * not, whatever it means: judging a text by what it resembles is what a deceiver plays with.
 */
export function namesDestination(text: string, url: URL): boolean {
  if (!PLAIN.test(text)) return false;
  const destination = destinationOf(url).toLowerCase();
  const said = text.toLowerCase();
  if (url.protocol === 'mailto:') return said === destination || said === `mailto:${destination}`;
  const address = said.startsWith(`${url.protocol}//`) ? said.slice(url.protocol.length + 2) : said;
  if (!address.startsWith(destination)) return false;
  const rest = address.slice(destination.length);
  return rest === '' || (/^[/?#]/.test(rest) && !HIDES_HOST.test(rest));
}
