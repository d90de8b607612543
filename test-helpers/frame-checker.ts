import { DOWN, type DownData, isEventType } from '../protocol/chat/down.ts';
import type { Chunk, Message } from '../protocol/chat/message.ts';
import type { Received } from './received.ts';

interface Stream {
  readonly messageId: string;
  attempt: number;
  next: number;
  /** The text so far; `undefined` when its beginning went to an earlier connection. */
  text: undefined | string;
}

/**
 * What has to hold for the frames of every connection, whatever is being tested: each is of its schema, events come
 * without a gap or a repeat, chunks too, nothing follows `disconnect`. Collects what does not.
 */
export class FrameChecker {
  readonly faults: string[] = [];
  #nextSeq: undefined | number;
  #stream: undefined | Stream;
  readonly #announced = new Set<string>();
  readonly #completed = new Set<string>();
  /** Events up to here are replayed: the restored state contains them already. */
  #replayedTo = 0;
  #ended = false;

  take(frame: Received): void {
    if (this.#ended) this.#fault('follows disconnect', frame);
    const schema = DOWN[frame.type];
    if (schema === undefined) return this.#fault('is of no known type', frame);
    const parsed = schema.safeParse(frame.data);
    if (!parsed.success)
      return this.#fault(`is not of its schema: ${parsed.error.issues[0]?.message}`, frame);
    const isLogged = frame.seq !== undefined || frame.tag !== undefined || frame.ts !== undefined;
    if (isLogged !== isEventType(frame.type))
      this.#fault('has seq, tag or ts although it is no event, or not', frame);
    if (isEventType(frame.type)) this.#event(frame);
    this.#effect(frame);
  }

  #event(frame: Received): void {
    if (this.#nextSeq === undefined) return this.#fault('came before connection_success', frame);
    if (frame.seq !== this.#nextSeq) this.#fault(`should have been seq ${this.#nextSeq}`, frame);
    this.#nextSeq = (frame.seq ?? 0) + 1;
  }

  #effect(frame: Received): void {
    switch (frame.type) {
      case 'connection_success':
        this.#nextSeq = (frame.data as DownData<'connection_success'>).position.seq + 1;
        return;
      case 'session_restored':
        return this.#restored(frame.data as DownData<'session_restored'>, frame);
      case 'message_started': {
        const { message_id } = frame.data as DownData<'message_started'>;
        if (this.#announced.has(message_id)) this.#fault('was announced before', frame);
        if (this.#completed.has(message_id)) this.#fault('is complete already', frame);
        this.#announced.add(message_id);
        this.#stream = { messageId: message_id, attempt: 0, next: 0, text: '' };
        return;
      }
      case 'message_delta':
        return this.#delta(frame.data as DownData<'message_delta'>, frame);
      case 'message_restarted':
      case 'message_completed':
        return this.#ends(frame);
      case 'disconnect':
        this.#ended = true;
        return;
      default:
        return;
    }
  }

  #restored({ replay, partial }: DownData<'session_restored'>, frame: Received): void {
    if (replay !== null) {
      this.#nextSeq = replay.from_seq;
      this.#replayedTo = replay.to_seq;
    }
    if (partial === null) return;
    partial.chunks.forEach((chunk, i) => {
      if (chunk.index !== partial.from_index + i) this.#fault('has a gap in its chunks', frame);
    });
    this.#announced.add(partial.message_id);
    this.#stream = {
      messageId: partial.message_id,
      attempt: partial.attempt,
      next: partial.from_index + partial.chunks.length,
      text: partial.from_index > 0 ? undefined : textOfChunks(partial.chunks),
    };
  }

  #delta(delta: DownData<'message_delta'>, frame: Received): void {
    const stream = this.#stream;
    if (this.#completed.has(delta.message_id)) return this.#fault('belongs to a completed message', frame);
    if (stream?.messageId !== delta.message_id) return this.#fault('was not announced', frame);
    if (stream.attempt === 0) stream.attempt = delta.attempt;
    if (stream.attempt !== delta.attempt) this.#fault(`is not of attempt ${stream.attempt}`, frame);
    if (stream.next !== delta.index) this.#fault(`should have been index ${stream.next}`, frame);
    stream.next = delta.index + 1;
    if (stream.text !== undefined) stream.text += delta.delta;
  }

  #ends(frame: Received): void {
    const stream = this.#stream;
    if (frame.type === 'message_restarted') {
      const { message_id, attempt } = frame.data as DownData<'message_restarted'>;
      const isReplayed = (frame.seq ?? 0) <= this.#replayedTo;
      if (stream?.messageId === message_id && !isReplayed)
        Object.assign(stream, { attempt, next: 0, text: '' });
      return;
    }
    const { message } = frame.data as DownData<'message_completed'>;
    this.#completed.add(message.id);
    if (stream?.messageId !== message.id) return;
    if (stream.text !== undefined && !textOf(message).startsWith(stream.text))
      this.#fault(`does not begin with what was streamed (${JSON.stringify(stream.text)})`, frame);
    this.#stream = undefined;
  }

  #fault(what: string, frame: Received): void {
    this.faults.push(`${frame.raw.slice(0, 300)}\n  ${what}`);
  }
}

function textOfChunks(chunks: readonly Chunk[]): string {
  return chunks.map((chunk) => chunk.delta).join('');
}

/** All text of a message, reasoning included, in the order of its parts. */
export function textOf(message: Pick<Message, 'parts'>): string {
  return message.parts.map((part) => (part.type === 'data' ? '' : part.text)).join('');
}
