import type { NewEvent } from '../../protocol/chat/down.ts';
import type { Part } from '../../protocol/chat/message.ts';
import type { Clock } from '../clock.ts';
import { assembleParts, textOf } from '../session/live-partial.ts';
import type { ChunkBuffer } from '../store/store.ts';
import type { MessageWriter } from './agent-port.ts';
import { type ChunkKind, ChunkQueue } from './chunk-queue.ts';
import type { RunLog } from './run-log.ts';

/** How much text may wait to be sent before `write` waits, in UTF-16 units. */
const MAX_WAITING = 65_536;
/** How long a message may become, in UTF-16 units. */
const MAX_MESSAGE = 1_048_576;

export interface WriterDeps {
  readonly log: RunLog;
  readonly clock: Clock;
  readonly coalesceMs: number;
  /** Called by `complete` once every chunk is stored. */
  readonly onComplete: (writer: AnswerWriter) => void;
}

/** The message in flight. Text becomes chunks, at most one per `coalesceMs`, each stored before the next is made. */
export class AnswerWriter implements MessageWriter {
  readonly messageId: string;
  readonly completed = false;
  readonly #deps: WriterDeps;
  readonly #waiting = new ChunkQueue();
  readonly #room = new Set<() => void>();
  #attempt: number;
  #index: number;
  #parts: { type: ChunkKind; text: string }[];
  #length = 0;
  #isOpen = true;
  #sentAt = -Infinity;
  #sending: undefined | Promise<void>;
  #failure: undefined | { readonly error: unknown };

  /** @param stored its chunks from 0 on, if an execution wrote some; `attempt` is that of a restart without chunks. */
  constructor(messageId: string, stored: undefined | ChunkBuffer, attempt: number, deps: WriterDeps) {
    this.messageId = messageId;
    this.#deps = deps;
    this.#attempt = stored?.attempt ?? attempt;
    this.#index = stored?.count ?? 0;
    this.#parts = assembleParts(stored?.chunks ?? []).flatMap((part) => (part.type === 'data' ? [] : [part]));
    for (const part of this.#parts) this.#length += part.text.length;
  }

  get text(): string {
    return textOf(this.#parts);
  }

  /** Everything that was stored. */
  get parts(): readonly Part[] {
    return this.#parts;
  }

  /** Whether `complete` was not called yet. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  async write(delta: string, kind: ChunkKind = 'text'): Promise<void> {
    this.#check();
    if (delta === '') return;
    this.#length += delta.length;
    if (this.#length > MAX_MESSAGE) throw new Error('the message is too long');
    this.#waiting.add(kind, delta);
    this.#sending ??= this.#send();
    while (this.#waiting.length > MAX_WAITING) {
      await new Promise<void>((resolve) => this.#room.add(resolve));
      this.#throwFailure();
    }
  }

  async restart(): Promise<void> {
    this.#check();
    this.#waiting.clear();
    await this.flush();
    this.#length = 0;
    if (this.#index === 0) return;
    const attempt = this.#attempt + 1;
    const event: NewEvent = {
      type: 'message_restarted',
      data: { message_id: this.messageId, attempt },
    };
    const { log } = this.#deps;
    await log.execute({
      decide: () => {
        const { restarted } = log.journal;
        if (restarted?.messageId === this.messageId && restarted.attempt >= attempt)
          return { kind: 'nothing', doneBy: undefined };
        return { kind: 'append', events: [event], acknowledge: 0, dropPartial: true };
      },
      id: undefined,
      needsPartial: true,
    });
    this.#attempt = attempt;
    this.#index = 0;
    this.#parts = [];
  }

  async complete(): Promise<void> {
    this.#check();
    this.#isOpen = false;
    await this.flush();
    this.#deps.onComplete(this);
  }

  /** Waits until everything that was written is stored. */
  async flush(): Promise<void> {
    await this.#sending;
    this.#throwFailure();
  }

  #check(): void {
    this.#deps.log.signal.throwIfAborted();
    if (!this.#isOpen) throw new Error('the message is complete');
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Sends until nothing waits. Never rejects: a failure is met by whoever writes next. */
  async #send(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        await this.#pause();
        const chunk = this.#waiting.take();
        if (chunk === undefined) break;
        await this.#store(chunk.kind, chunk.text);
        this.#giveRoom();
      }
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#sending = undefined;
      this.#giveRoom();
    }
  }

  async #pause(): Promise<void> {
    const { clock, coalesceMs, log } = this.#deps;
    // Never longer than that, also when the clock is set back meanwhile.
    const waitMs = Math.min(coalesceMs, this.#sentAt + coalesceMs - clock.now());
    if (waitMs > 0) await clock.sleep(waitMs, log.signal);
    const turn = log.turn();
    if (turn !== undefined) await turn;
    this.#sentAt = clock.now();
  }

  async #store(kind: ChunkKind, delta: string): Promise<void> {
    const last = this.#parts.at(-1);
    const part = last?.type === kind ? this.#parts.length - 1 : this.#parts.length;
    await this.#deps.log.chunk(this.messageId, this.#attempt, { index: this.#index, part, kind, delta });
    this.#index++;
    const target = this.#parts[part];
    if (target === undefined) this.#parts.push({ type: kind, text: delta });
    else target.text += delta;
  }

  #giveRoom(): void {
    for (const resolve of [...this.#room]) resolve();
    this.#room.clear();
  }
}
