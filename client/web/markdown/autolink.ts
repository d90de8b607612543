/** An address that stands in a text as it is. */
export interface BareLink {
  readonly from: number;
  readonly to: number;
  readonly href: string;
}

const WEB = /(?:https?:\/\/|www\.)/gi;
const DOMAIN = /[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*/uy;
const PATH = /[^\s<>[\]`"|]*/y;
const MAIL_DOMAIN = /[a-z\d-]+(?:\.[a-z\d-]+)+/iy;

/** The addresses in a text, in their order. Each character is looked at a bounded number of times. */
export function bareLinks(text: string): readonly BareLink[] {
  const web = webLinks(text);
  if (!text.includes('@')) return web;
  const mail = mailLinks(text);
  const all = [...web, ...mail].sort((a, b) => a.from - b.from);
  let end = 0;
  return all.filter(({ from, to }) => {
    if (from < end) return false;
    end = to;
    return true;
  });
}

function webLinks(text: string): BareLink[] {
  const links: BareLink[] = [];
  WEB.lastIndex = 0;
  for (let match = WEB.exec(text); match !== null; match = WEB.exec(text)) {
    const from = match.index;
    const [scheme] = match;
    if (from > 0 && !/[\s*_~(["'>:]/.test(text[from - 1] ?? '')) continue;
    const after = from + scheme.length;
    const domain = matchAt(DOMAIN, text, after);
    const isWww = scheme.toLowerCase() === 'www.';
    if (domain === '' || (isWww && !domain.includes('.'))) continue;
    const end = after + domain.length;
    const to = trimmed(text, end, end + matchAt(PATH, text, end).length);
    links.push({ from, to, href: (isWww ? 'http://' : '') + text.slice(from, to) });
    WEB.lastIndex = to;
  }
  return links;
}

/** Where an address ends: before what belongs to the sentence around it. */
function trimmed(text: string, from: number, to: number): number {
  let open = 0;
  for (let i = from; i < to; i++) open += text[i] === '(' ? 1 : text[i] === ')' ? -1 : 0;
  for (let end = to; end > from; ) {
    const last = text[end - 1] ?? '';
    if (last === ')' && open < 0) {
      open++;
      end--;
    } else if (last === ';') {
      let start = end - 1;
      while (start > from && /[a-z\d]/i.test(text[start - 1] ?? '')) start--;
      if (text[start - 1] !== '&' || start === end - 1) return end;
      end = start - 1;
    } else if (/[?!.,:*_~']/.test(last)) end--;
    else return end;
  }
  return from;
}

function mailLinks(text: string): BareLink[] {
  const links: BareLink[] = [];
  let done = 0;
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let from = at;
    while (from > done && /[a-z\d.+_-]/i.test(text[from - 1] ?? '')) from--;
    const domain = matchAt(MAIL_DOMAIN, text, at + 1);
    // Whether or not there is an address, nothing before this is looked at again.
    done = at + 1;
    if (from === at || domain === '' || domain.endsWith('-')) continue;
    const to = at + 1 + domain.length;
    done = to;
    links.push({ from, to, href: `mailto:${text.slice(from, to)}` });
  }
  return links;
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}
