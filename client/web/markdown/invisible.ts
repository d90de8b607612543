/**
 * Characters that change how text looks without being seen. An agent's text may carry them to show a reader something
 * else than what is there (reversed file names, hidden instructions).
 */

/** Embeddings, overrides and isolates of the bidirectional algorithm. Plain right-to-left text needs none of them. */
const BIDI = '\\u202A-\\u202E\\u2066-\\u2069';
/** No width, no ink: joiners that languages and emoji need (U+200C, U+200D) and direction marks are left alone. */
const UNSEEN =
  '\\u00AD\\u180E\\u200B\\u2060-\\u2064\\u206A-\\u206F\\uFEFF\\uFFF9-\\uFFFB\\u{E0000}-\\u{E007F}';
/** Control characters but for tab and line ends. */
const CONTROL = '\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\u007F-\\u009F';

const hidden = new RegExp(`[${BIDI}${UNSEEN}${CONTROL}]`, 'gu');
const deceptive = new RegExp(`[${BIDI}${UNSEEN}${CONTROL}\\u200C-\\u200F\\u061C]`, 'gu');

/** For reading: without what deceives. */
export function withoutHidden(text: string): string {
  return text.replace(hidden, '');
}

/** For deciding (approvals, tool arguments): what deceives is spelled out, such as `⟨U+202E⟩`. */
export function revealHidden(text: string): string {
  return text.replace(
    deceptive,
    (c) => `⟨U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );
}
