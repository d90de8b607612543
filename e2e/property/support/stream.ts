import type { Chunk, MessageDeltaData } from '../../../protocol/chat/message.ts';
import type { SessionRestoredData } from '../../../protocol/chat/restore.ts';

/** The answer in flight as a client holds it: the chunks of one attempt, from 0 on. */
export interface Stream {
  readonly messageId: string;
  readonly attempt: number;
  readonly deltas: readonly string[];
  /** It was watched from its beginning, without a pause or a cut: then nothing of it may be missing at its end. */
  readonly watched: boolean;
}

export const textOfStream = (stream: Stream): string => stream.deltas.join('');

/** What a client comes back with about the answer in flight. */
export type Asked =
  | undefined
  | { readonly message_id: string; readonly attempt: number; readonly next_index: number };

export type Next = { readonly stream: undefined | Stream; readonly fault: undefined | string };

const good = (stream: undefined | Stream): Next => ({ stream, fault: undefined });

/** The answer in flight after a restore. What the client held of the same attempt must still be there. */
export function afterRestore(
  held: undefined | Stream,
  asked: Asked,
  partial: SessionRestoredData['partial'],
): Next {
  if (partial === null) return good(undefined);
  const { message_id: messageId, attempt, from_index, chunks } = partial;
  const deltas = chunks.map((chunk) => chunk.delta);
  const isSame = held?.messageId === messageId && held.attempt === attempt;
  const whole = isSame && from_index > 0 ? [...held.deltas.slice(0, from_index), ...deltas] : deltas;
  const stream = { messageId, attempt, deltas: whole, watched: false };
  const due = asked?.message_id === messageId && asked.attempt === attempt ? asked.next_index : 0;
  if (from_index !== due) return { stream, fault: `the chunks begin at ${from_index}, not at ${due}` };
  if (isSame && whole.length < held.deltas.length)
    return { stream, fault: `of ${held.deltas.length} chunks ${whole.length} are left` };
  if (held?.messageId === messageId && attempt < held.attempt)
    return { stream, fault: `attempt ${held.attempt} became ${attempt}` };
  return good(stream);
}

/** The answer in flight after one more chunk. */
export function afterDelta(stream: undefined | Stream, delta: MessageDeltaData): Next {
  if (stream?.messageId !== delta.message_id)
    return { stream, fault: 'a chunk of a message that did not begin' };
  // The first chunk after `message_started` tells the attempt, if the log did not.
  const current = stream.attempt === 0 ? { ...stream, attempt: delta.attempt } : stream;
  const next = { ...current, deltas: [...current.deltas, delta.delta] };
  if (delta.attempt !== current.attempt)
    return { stream: next, fault: `a chunk of attempt ${delta.attempt} in attempt ${current.attempt}` };
  if (delta.index !== current.deltas.length)
    return { stream: next, fault: `chunk ${delta.index} after ${current.deltas.length} chunks` };
  return good(next);
}

/** Names a chunk and what is in it: the same on every device at all times. */
export function chunkEntries(
  messageId: string,
  attempt: number,
  chunks: readonly Chunk[],
): (readonly [key: string, content: string])[] {
  return chunks.map(({ index, part, kind, delta }) => [
    `${messageId}/${attempt}/${index}`,
    JSON.stringify({ part, kind, delta }),
  ]);
}
