import type { LogEvent } from '../../protocol/chat/down.ts';
import type { ChunkBuffer } from '../store/store.ts';
import { LivePartial } from './live-partial.ts';
import type { SessionState } from './state.ts';

/** One stored chunk as its writer or another node tells of it. */
export interface HeardChunk {
  readonly messageId: string;
  readonly runId: string;
  readonly attempt: number;
  readonly index: number;
  readonly json: string;
}

type Whose = Pick<HeardChunk, 'messageId' | 'runId' | 'attempt'>;

/**
 * The message in flight as this node hears of it. Records of chunks may come late, and a reading of the buffer may be
 * overtaken by the event that ends the message: what is over by the log is not taken any more, and what the log does
 * not know of yet is not shown.
 */
export class InFlight {
  #held: null | LivePartial;
  /** The last message that was completed, while this node looked on. */
  #completed = '';

  constructor(buffer: undefined | ChunkBuffer) {
    this.#held = buffer === undefined ? null : new LivePartial(buffer);
  }

  /** What the store's buffer is, as far as this node knows. */
  get held(): null | LivePartial {
    return this.#held;
  }

  /** What may be shown: the answer of the run in hand. */
  shown(state: SessionState): null | LivePartial {
    return this.#held !== null && this.#held.runId === state.run?.runId ? this.#held : null;
  }

  /** Takes a chunk. `false`: others before it are missing. */
  add(chunk: HeardChunk, state: SessionState): boolean {
    if (this.#isOver(chunk, state)) return true;
    const { messageId, runId, attempt, index, json } = chunk;
    if (this.#held?.is(messageId, attempt)) return this.#held.add(index, json);
    if (index > 0) return false;
    this.#held = new LivePartial({ messageId, runId, attempt, count: 1, fromIndex: 0, chunks: [json] });
    return true;
  }

  /** Takes a reading of the buffer. `false`: it is of another message, and its beginning is missing. */
  take(buffer: ChunkBuffer, state: SessionState): boolean {
    if (this.#isOver(buffer, state)) return true;
    if (this.#held?.is(buffer.messageId, buffer.attempt)) this.#held.merge(buffer);
    else if (this.#held === null || buffer.fromIndex === 0) this.#held = new LivePartial(buffer);
    else return false;
    return true;
  }

  /** This is the buffer, whatever was held: the store said so while it refused an append. */
  reset(buffer: undefined | ChunkBuffer): void {
    this.#held = buffer === undefined ? null : new LivePartial(buffer);
  }

  /** An event of the log, which may take the place of the message's chunks. */
  onEvent(event: LogEvent): void {
    if (event.type === 'message_completed') this.#completed = event.data.message.id;
    if (this.#held !== null && ends(event, this.#held)) this.#held = null;
  }

  /** Whether the log, or what is held, has left this behind. */
  #isOver({ messageId, runId, attempt }: Whose, { run, lastRun }: SessionState): boolean {
    if (messageId === this.#completed) return true;
    if (runId !== run?.runId)
      return runId === lastRun?.runId || (run !== null && this.#held?.runId === run.runId);
    const { restarted } = run;
    const newest = Math.max(
      restarted?.messageId === messageId ? restarted.attempt : 0,
      this.#held?.messageId === messageId ? this.#held.attempt : 0,
    );
    return attempt < newest;
  }
}

/** Whether the event takes the place of the message's chunks. */
function ends(event: LogEvent, partial: LivePartial): boolean {
  if (event.type === 'message_completed') return event.data.message.id === partial.messageId;
  if (event.type === 'message_restarted') return event.data.message_id === partial.messageId;
  return event.type === 'run_finished' && event.data.run_id === partial.runId;
}
