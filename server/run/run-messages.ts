import type { Clock } from '../clock.ts';
import { textOf } from '../session/live-partial.ts';
import type { Store } from '../store/store.ts';
import type { MessageWriter } from './agent-port.ts';
import { AnswerWriter } from './answer-writer.ts';
import { type LastMessage, messageCompleted } from './end-run.ts';
import { answerId } from './ids.ts';
import type { RunCounters } from './run-counters.ts';
import type { RunLog } from './run-log.ts';

export interface MessagesDeps {
  readonly log: RunLog;
  readonly store: Store;
  readonly clock: Clock;
  readonly counters: RunCounters;
  readonly coalesceMs: number;
}

/** A message that was completed, and is not stored as such yet. */
interface Held {
  readonly writer: AnswerWriter;
  readonly cancelTimer: () => void;
}

/**
 * The messages of a run's answer, one after another. A completed one is held back for a moment: mostly the run ends
 * then, and both are one append. Nothing is lost by that, because all of its text is stored.
 */
export class RunMessages {
  readonly #deps: MessagesDeps;
  #writer: undefined | AnswerWriter;
  #isOpening = false;
  #held: undefined | Held;
  #storing: undefined | Promise<void>;

  constructor(deps: MessagesDeps) {
    this.#deps = deps;
  }

  /** Begins the next message, or finds it again. */
  async next(): Promise<MessageWriter> {
    const { log, counters } = this.#deps;
    const n = counters.nextMessage();
    await this.settle();
    if (this.#isOpening || this.#writer?.isOpen === true) throw new Error('a message is in flight');
    const messageId = answerId(log.fence.runId, n);
    const done = log.journal.messages[n - 1];
    if (done !== undefined) return completedWriter(messageId, textOf(done.parts));
    this.#isOpening = true;
    try {
      this.#writer = await this.#open(messageId);
      return this.#writer;
    } finally {
      this.#isOpening = false;
    }
  }

  /** Stores a message whose completion was held back. */
  async settle(): Promise<void> {
    this.#deps.log.signal.throwIfAborted();
    if (this.#held !== undefined) {
      const { writer, cancelTimer } = this.#held;
      cancelTimer();
      this.#held = undefined;
      this.#storing = this.#store(writer).finally(() => {
        this.#storing = undefined;
      });
    }
    await this.#storing;
  }

  /**
   * What the run's end is to be stored with: the message that was completed last, or one that an agent left open.
   * All that was written is stored then, also when the run fails.
   */
  async last(isSuccess: boolean): Promise<undefined | LastMessage> {
    await this.#storing;
    const writer = this.#held?.writer ?? this.#writer;
    this.#held?.cancelTimer();
    this.#held = undefined;
    this.#writer = undefined;
    if (writer === undefined) return undefined;
    await writer.flush();
    const { messageId, parts, isOpen } = writer;
    if (isOpen && (!isSuccess || parts.length === 0)) return undefined;
    return { messageId, parts, status: 'completed' };
  }

  /** Calls off the timer of a stopped execution. */
  close(): void {
    this.#held?.cancelTimer();
  }

  async #open(messageId: string): Promise<AnswerWriter> {
    const { log, store, clock, coalesceMs } = this.#deps;
    const { live, fence, journal } = log;
    const restarted = journal.restarted?.messageId === messageId ? journal.restarted.attempt : 1;
    // Only an earlier execution can have written some of it; its last words may not have reached this node.
    const found = fence.attempt === 1 ? undefined : await log.retrying(() => store.chunks(live.id, 0));
    const stored = found?.messageId === messageId && found.attempt >= restarted ? found : undefined;
    stored?.chunks.forEach((json, i) => {
      live.receiveChunk(messageId, stored.runId, stored.attempt, i, json);
    });
    const onComplete = (writer: AnswerWriter) => this.#hold(writer);
    return new AnswerWriter(messageId, stored, restarted, { log, clock, coalesceMs, onComplete });
  }

  #hold(writer: AnswerWriter): void {
    this.#writer = undefined;
    const cancelTimer = this.#deps.clock.after(this.#deps.coalesceMs, () => {
      // Met again by whatever the agent does next.
      this.settle().catch(() => {});
    });
    this.#held = { writer, cancelTimer };
  }

  async #store({ messageId, parts }: AnswerWriter): Promise<void> {
    const { log } = this.#deps;
    const { runId } = log.fence;
    const event = messageCompleted(runId, { messageId, parts, status: 'completed' });
    await log.execute({
      decide: () =>
        log.journal.messages.some((message) => message.id === messageId)
          ? { kind: 'nothing', doneBy: undefined }
          : { kind: 'append', events: [event], acknowledge: 0, dropPartial: true },
      id: undefined,
      needsPartial: true,
    });
  }
}

/** A message that an earlier execution completed: there is nothing left to write. */
function completedWriter(messageId: string, text: string): MessageWriter {
  const reject = () => Promise.reject(new Error('the message is complete'));
  return {
    messageId,
    completed: true,
    text,
    // The rest of a text that is there wholly is empty.
    write: async (delta) => (delta === '' ? undefined : await reject()),
    restart: reject,
    // Harmless, so that an agent need not ask first.
    complete: async () => {},
  };
}
