/** How many characters one message may have; the server's limit (`limit_exceeded` beyond it). */
export const MAX_CHARACTERS = 100_000;

/** Characters as the server counts them: a pair of surrogates is one. */
export function charactersIn(text: string): number {
  return text.length <= MAX_CHARACTERS ? text.length : [...text].length;
}

/** The first `limit` characters. */
export function cutTo(text: string, limit: number): string {
  return text.length <= limit ? text : [...text].slice(0, limit).join('');
}
