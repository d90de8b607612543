import type { Chunk, Part } from '../../protocol/chat/message.ts';
import type { ChunkBuffer } from '../store/store.ts';
import type { PartialMessage } from './decision.ts';

/**
 * The message in flight as this node holds it: the chunks from `base` on. A node that met the message in the middle
 * has only the end of it, until it asks for the whole.
 */
export class LivePartial {
  readonly messageId: string;
  readonly runId: string;
  readonly attempt: number;
  #base: number;
  readonly #chunks: string[];

  constructor(buffer: ChunkBuffer) {
    this.messageId = buffer.messageId;
    this.runId = buffer.runId;
    this.attempt = buffer.attempt;
    this.#base = buffer.fromIndex;
    this.#chunks = [...buffer.chunks];
  }

  get base(): number {
    return this.#base;
  }

  /** How many chunks the message has, those before `base` included. */
  get count(): number {
    return this.#base + this.#chunks.length;
  }

  is(messageId: string, attempt: number): boolean {
    return this.messageId === messageId && this.attempt === attempt;
  }

  /** Takes the chunk at `index`. `false`: one before it is missing. */
  add(index: number, json: string): boolean {
    if (index > this.count) return false;
    if (index === this.count) this.#chunks.push(json);
    return true;
  }

  /** Takes what another reading of the same buffer has more, at either end. */
  merge(buffer: ChunkBuffer): void {
    if (buffer.fromIndex < this.#base) {
      const missing = buffer.chunks.slice(0, this.#base - buffer.fromIndex);
      if (missing.length === this.#base - buffer.fromIndex) {
        this.#chunks.unshift(...missing);
        this.#base = buffer.fromIndex;
      }
    }
    buffer.chunks.forEach((json, i) => {
      this.add(buffer.fromIndex + i, json);
    });
  }

  /** The `message_delta` frame of the chunk at `index`, or `undefined` when it is not here. */
  frame(index: number): undefined | string {
    const json = this.#chunks[index - this.#base];
    if (json === undefined) return undefined;
    const head = `{"type":"message_delta","data":{"message_id":${JSON.stringify(this.messageId)}`;
    return `${head},"attempt":${this.attempt},${json.slice(1)}}`;
  }

  /** The message so far, put together. Needs all chunks (`base` 0). */
  assemble(): PartialMessage {
    const { messageId, runId, attempt, count } = this;
    return { messageId, runId, attempt, count, parts: assembleParts(this.#chunks) };
  }
}

/** The parts that the chunks (JSON, in order) add up to. */
export function assembleParts(chunks: readonly string[]): Part[] {
  const parts: { type: 'text' | 'reasoning'; text: string }[] = [];
  for (const json of chunks) {
    const chunk = JSON.parse(json) as Chunk;
    const part = parts[chunk.part];
    if (part === undefined) parts[chunk.part] = { type: chunk.kind, text: chunk.delta };
    else part.text += chunk.delta;
  }
  return parts;
}

/** All text of a message's parts of kind `text`. */
export function textOf(parts: readonly Part[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
