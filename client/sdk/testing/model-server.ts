import type { EventData, EventType, LogEvent } from '../../../protocol/chat/down.ts';
import type { Chunk, Message } from '../../../protocol/chat/message.ts';
import { EPOCH, errorFrame, established, event, message, restored, success, tagOf } from './frames.ts';
import type { ScriptedSocket, SentFrame } from './scripted-transport.ts';

/** A line to one socket: frames wait in it until they are let through, and are lost with it. */
export class ModelLine {
  readonly socket: ScriptedSocket;
  readonly waiting: object[] = [];
  /** Whether the client was let in: it is sent what happens from then on. */
  attached = false;
  open = true;

  constructor(socket: ScriptedSocket) {
    this.socket = socket;
  }

  /** Lets the oldest frame through, `times` times (a line that stutters). `false`: there was none. */
  pass(times = 1): boolean {
    const frame = this.waiting.shift();
    if (frame === undefined || !this.open) return false;
    for (let i = 0; i < times; i++) this.socket.say(frame);
    return true;
  }

  /** Loses the oldest frame, but keeps the line. */
  lose(): void {
    this.waiting.shift();
  }

  cut(): void {
    if (!this.open) return;
    this.open = false;
    this.attached = false;
    this.waiting.length = 0;
    this.socket.cut();
  }
}

/** The answer that is being written. */
interface Flight {
  readonly messageId: string;
  attempt: number;
  chunks: Chunk[];
}

/** How far behind a client may be and still get a replay. */
const REPLAY_MAX = 20;

/**
 * The contract's session in memory, as small as it can be: one log, messages stored once by id, an answer in chunks, restore
 * by replay or snapshot and by partial. Its lines deliver only what the script lets through.
 */
export class ModelServer {
  readonly log: LogEvent[] = [];
  readonly lines: ModelLine[] = [];
  /** While the store is out of reach nothing is stored, and the line holds. */
  storeAway = false;
  #ids = new Map<string, number>();
  #flight: undefined | Flight;
  #answers = 0;

  get seq(): number {
    return this.log.length;
  }

  get messages(): Message[] {
    return this.log.flatMap((e) =>
      e.type === 'message_created' || e.type === 'message_completed' ? [e.data.message] : [],
    );
  }

  /** What an attentive client shows of the answer in flight. */
  get streamed(): string {
    return (this.#flight?.chunks ?? []).map((chunk) => chunk.delta).join('');
  }

  /** A socket that a client opened. */
  accept(socket: ScriptedSocket): ModelLine {
    const line = new ModelLine(socket);
    this.lines.push(line);
    line.waiting.push(established);
    socket.onSent = (frame) => {
      if (line.open) this.#received(line, frame);
    };
    return line;
  }

  /** Begins an answer. */
  begin(): void {
    if (this.#flight !== undefined) return;
    this.#flight = { messageId: `answer-${++this.#answers}`, attempt: 1, chunks: [] };
    this.#tell({ type: 'message_started', data: { message_id: this.#flight.messageId, run_id: 'run-1' } });
  }

  write(delta: string): void {
    const flight = this.#flight;
    if (flight === undefined) return;
    const chunk: Chunk = { index: flight.chunks.length, part: 0, kind: 'text', delta };
    flight.chunks.push(chunk);
    const data = { message_id: flight.messageId, attempt: flight.attempt, ...chunk };
    this.#tell({ type: 'message_delta', data });
  }

  restart(): void {
    if (this.#flight === undefined) return;
    this.#flight.attempt++;
    this.#flight.chunks = [];
    const { messageId, attempt } = this.#flight;
    this.#append('message_restarted', { message_id: messageId, attempt });
  }

  complete(): void {
    if (this.#flight === undefined) return;
    const { messageId } = this.#flight;
    const text = this.streamed;
    this.#flight = undefined;
    this.#append('message_completed', {
      message: message(this.seq + 1, messageId, text, { role: 'assistant', run_id: 'run-1' }),
    });
  }

  /** Counts up in the context. */
  remember(): void {
    this.#append('context_updated', { memory: { count: this.seq + 1 } });
  }

  #append<T extends EventType>(type: T, data: EventData<T>): number {
    const appended = event(this.seq + 1, type, data);
    this.log.push(appended);
    this.#tell(appended);
    return appended.seq;
  }

  #tell(frame: object): void {
    for (const line of this.lines) if (line.attached) line.waiting.push(frame);
  }

  #received(line: ModelLine, frame: SentFrame): void {
    if (frame.type === 'connect') this.#connect(line, frame);
    if (frame.type === 'chat_message') this.#chat(line, frame);
    if (frame.type === 'ping') line.waiting.push({ type: 'pong', data: {} });
    if (frame.type === 'disconnect') line.cut();
  }

  #chat(line: ModelLine, { id = '', data }: SentFrame): void {
    if (this.storeAway) {
      line.waiting.push(errorFrame('server_error', 503, { retryable: true }, id));
      return;
    }
    const known = this.#ids.get(id);
    const seq =
      known ?? this.#append('message_created', { message: message(this.seq + 1, id, data.content) });
    this.#ids.set(id, seq);
    line.waiting.push({
      type: 'message_delivered',
      reply_to: id,
      data: {
        original_type: 'chat_message',
        message_id: id,
        seq,
        status: known === undefined ? 'success' : 'duplicate',
      },
    });
  }

  #connect(line: ModelLine, { data }: SentFrame): void {
    line.waiting.push(success(this.seq));
    line.attached = true;
    const { position, partial } = data;
    const valid =
      position !== undefined &&
      position.epoch === EPOCH &&
      position.seq <= this.seq &&
      (position.seq === 0 || position.tag === tagOf(position.seq));
    const replay = valid && this.seq - position.seq <= REPLAY_MAX;
    const from = this.#partialFrom(partial);
    line.waiting.push(
      restored({
        mode: replay ? 'replay' : 'snapshot',
        context: { memory: this.#memory(), preferences: {}, workflow: null, tool_calls: [] },
        history: {
          messages: replay ? [] : this.messages.slice(-50),
          total: this.messages.length,
          has_more: false,
        },
        replay: replay && position.seq < this.seq ? { from_seq: position.seq + 1, to_seq: this.seq } : null,
        partial: from,
      }),
    );
    if (replay) line.waiting.push(...this.log.slice(position.seq));
  }

  #partialFrom(asked: undefined | { message_id: string; attempt: number; next_index: number }) {
    const flight = this.#flight;
    if (flight === undefined) return null;
    const same = asked?.message_id === flight.messageId && asked.attempt === flight.attempt;
    const from = same ? asked.next_index : 0;
    return {
      message_id: flight.messageId,
      attempt: flight.attempt,
      from_index: from,
      chunks: flight.chunks.slice(from),
    };
  }

  #memory(): { count?: number } {
    const last = this.log.findLast((e) => e.type === 'context_updated');
    return last === undefined ? {} : { count: last.seq };
  }
}
