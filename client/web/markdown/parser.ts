import MarkdownIt, { type Token } from 'markdown-it';

/** CommonMark with tables, strike-through and bare addresses. Raw HTML is text; every line end is kept, as in a chat. */
export const markdownIt = new MarkdownIt({ html: false, breaks: true, linkify: true });

// A definition could stand in another piece than what refers to it.
markdownIt.disable('reference');
// What a link may do, and how it is shown, is decided where elements are made (links.ts).
markdownIt.validateLink = () => true;
markdownIt.normalizeLink = (url) => url;
markdownIt.normalizeLinkText = (text) => text;

markdownIt.linkify
  .set({ fuzzyLink: false, fuzzyEmail: true })
  .add('ftp:', null)
  .add('//', null)
  .add('www.', {
    validate: (text, at) => WWW.exec(text.slice(at))?.[0].length ?? 0,
    normalize: (match) => {
      match.url = `http://${match.url}`;
    },
  });

const { re } = markdownIt.linkify as unknown as { readonly re: Record<string, string> };
/** After `www.`; a name of more parts would make a text of many `www.` expensive. */
const WWW = new RegExp(
  `^(?:${re.src_domain}\\.){1,8}${re.src_domain}${re.src_port}${re.src_host_terminator}${re.src_path}`,
  'i',
);

/** Where the text of blocks at each depth begins, in columns, as the parser last met one. */
export interface Indents {
  readonly indents: number[];
}

markdownIt.block.ruler.before('table', 'indents', (state) => {
  (state.env as Partial<Indents>).indents?.splice(state.level, 1, state.blkIndent);
  return false;
});

/** The blocks alone: what stands in them is not parsed. */
export function parseBlocks(source: string, env: Indents): Token[] {
  const tokens: Token[] = [];
  markdownIt.block.parse(source, markdownIt, env, tokens);
  return tokens;
}

export function parse(source: string): Token[] {
  return markdownIt.parse(source, {});
}
