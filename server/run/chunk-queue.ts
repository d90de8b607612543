export type ChunkKind = 'text' | 'reasoning';

interface Piece {
  readonly kind: ChunkKind;
  text: string;
}

/** The most text that one chunk carries, in UTF-16 units. */
const MAX_CHUNK = 32_768;

/** Text that waits to be sent: what follows on each other and is of one kind becomes one chunk. */
export class ChunkQueue {
  readonly #pieces: Piece[] = [];
  #length = 0;

  /** How much waits, in UTF-16 units. */
  get length(): number {
    return this.#length;
  }

  add(kind: ChunkKind, text: string): void {
    const last = this.#pieces.at(-1);
    if (last?.kind === kind) last.text += text;
    else this.#pieces.push({ kind, text });
    this.#length += text.length;
  }

  /** Takes the next chunk's text, or `undefined` when nothing waits. Never cuts a surrogate pair. */
  take(): undefined | { readonly kind: ChunkKind; readonly text: string } {
    const first = this.#pieces[0];
    if (first === undefined) return undefined;
    const { kind } = first;
    const length = cutLength(first.text);
    const text = first.text.slice(0, length);
    if (length === first.text.length) this.#pieces.shift();
    else first.text = first.text.slice(length);
    this.#length -= length;
    return { kind, text };
  }

  clear(): void {
    this.#pieces.length = 0;
    this.#length = 0;
  }
}

function cutLength(text: string): number {
  if (text.length <= MAX_CHUNK) return text.length;
  const code = text.charCodeAt(MAX_CHUNK - 1);
  return code >= 0xd800 && code <= 0xdbff ? MAX_CHUNK - 1 : MAX_CHUNK;
}
