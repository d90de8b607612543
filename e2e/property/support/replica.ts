import type { DownData, LogEvent } from '../../../protocol/chat/down.ts';
import type { SessionRestoredData } from '../../../protocol/chat/restore.ts';
import type { JsonObject } from '../../../protocol/json.ts';
import { mergePatch } from '../../../protocol/merge-patch.ts';
import type { Position } from '../../../protocol/position.ts';
import { textOf } from '../../../test-helpers/frame-checker.ts';
import type { Received } from '../../../test-helpers/received.ts';
import {
  type Asked,
  afterDelta,
  afterRestore,
  chunkEntries,
  type Next,
  type Stream,
  textOfStream,
} from './stream.ts';

/** What was shown at a return, to be compared with the log once that is known whole. */
export interface Restore {
  readonly seq: number;
  readonly data: SessionRestoredData;
}

/** What a client asked for when it came. */
export interface AskedFor {
  readonly position: undefined | Position;
  readonly partial: Asked;
}

/**
 * What an honest client holds of a session: every event that it was given, where it is, the answer in flight, what is
 * at work. Whatever is lost, doubled or out of order on the way to it is a fault.
 */
export class Replica {
  readonly faults: string[] = [];
  /** Every event ever given to it, as text, by `seq`. */
  readonly log = new Map<number, string>();
  readonly restores: Restore[] = [];
  /** Every chunk ever given to it. */
  readonly chunks = new Map<string, string>();
  /** Answers that were in flight and were not shown as such at the next return: they must have ended by then. */
  readonly ended: { readonly messageId: string; readonly attempt: number; readonly by: number }[] = [];
  /** How many answers it watched from beginning to end, and of how many of those the end came without all chunks. */
  watched = 0;
  short = 0;
  sessionId: undefined | string;
  memory: JsonObject = {};
  preferences: JsonObject = {};
  stream: undefined | Stream;
  /** Runs that wait or are in hand, in the order of the log. */
  readonly runs = new Set<string>();
  lastRun: undefined | string;
  readonly inputs = new Set<string>();
  #position: undefined | Position;
  /** Events up to here are replayed: what was restored contains them already. */
  #replayedTo = 0;

  get position(): undefined | Position {
    return this.#position;
  }

  /** What it would say about the answer in flight when it comes back. */
  get partial(): Asked {
    const { stream } = this;
    if (stream === undefined || stream.attempt === 0) return undefined;
    return { message_id: stream.messageId, attempt: stream.attempt, next_index: stream.deltas.length };
  }

  /** `connection_success`. */
  greeted({ outcome, session_id, position }: DownData<'connection_success'>): void {
    const isFirst = this.#position === undefined;
    if (outcome !== 'restored' && !(isFirst && outcome === 'fresh')) this.#fault(`the outcome is ${outcome}`);
    if (this.sessionId !== undefined && this.sessionId !== session_id) this.#fault('it is another session');
    if (!isFirst && this.#position?.epoch !== position.epoch) this.#fault('the log is another');
    this.sessionId = session_id;
    if (outcome === 'fresh') this.#position = position;
  }

  /** `session_restored`, at the head that the greeting named. */
  restored(data: SessionRestoredData, head: Position, asked: AskedFor): void {
    const held = this.#position?.seq ?? 0;
    if (head.seq < held) this.#fault(`the head is ${head.seq}, which is before ${held}`);
    this.restores.push({ seq: head.seq, data });
    if (asked.position === undefined) {
      if (data.mode !== 'snapshot') this.#fault('no snapshot, though no position was told');
      this.#position = head;
    } else this.#checkReplay(data, asked.position, head);
    this.#replayedTo = head.seq;
    this.memory = data.context.memory;
    this.preferences = data.context.preferences;
    this.runs.clear();
    this.inputs.clear();
    for (const run of [data.run, ...data.queued_runs]) if (run !== null) this.runs.add(run.run_id);
    for (const input of data.run?.pending_inputs ?? []) this.inputs.add(input.request_id);
    if (data.partial !== null)
      this.#keep(chunkEntries(data.partial.message_id, data.partial.attempt, data.partial.chunks));
    const { stream } = this;
    if (stream !== undefined && stream.attempt > 0 && data.partial?.message_id !== stream.messageId)
      this.ended.push({ messageId: stream.messageId, attempt: stream.attempt, by: head.seq });
    this.#next(afterRestore(stream, asked.partial, data.partial));
  }

  /** An event of the log. */
  event(event: LogEvent, raw: string): void {
    const at = this.#position;
    if (at === undefined) return this.#fault('an event came before the position');
    if (event.seq !== at.seq + 1) this.#fault(`event ${event.seq} came after ${at.seq}`);
    const known = this.log.get(event.seq);
    if (known !== undefined && known !== raw) this.#fault(`event ${event.seq} is another than before`);
    this.log.set(event.seq, raw);
    this.#position = { epoch: at.epoch, seq: event.seq, tag: event.tag };
    if (event.seq > this.#replayedTo) this.#apply(event);
    if (event.type === 'run_finished') this.lastRun = event.data.run_id;
  }

  /** Everything else that is about the session. */
  unlogged(frame: Received): void {
    if (frame.type === 'message_started') {
      const { message_id } = frame.data as DownData<'message_started'>;
      if (this.stream?.messageId !== message_id)
        this.stream = { messageId: message_id, attempt: 0, deltas: [], watched: true };
    } else if (frame.type === 'message_delta') {
      const delta = frame.data as DownData<'message_delta'>;
      this.#keep(chunkEntries(delta.message_id, delta.attempt, [delta]));
      this.#next(afterDelta(this.stream, delta));
    }
  }

  /** From here on it may miss parts of the answer in flight: it was slow, or away. */
  blink(): void {
    if (this.stream !== undefined) this.stream = { ...this.stream, watched: false };
  }

  #checkReplay(data: SessionRestoredData, from: Position, head: Position): void {
    if (data.mode !== 'replay') this.#fault(`${data.mode}, though the position is good`);
    const due = from.seq === head.seq ? null : { from_seq: from.seq + 1, to_seq: head.seq };
    if (JSON.stringify(data.replay) !== JSON.stringify(due))
      this.#fault(`replay is ${JSON.stringify(data.replay)}, not ${JSON.stringify(due)}`);
  }

  #apply(event: LogEvent): void {
    switch (event.type) {
      case 'context_updated': {
        const { memory, preferences } = event.data;
        if (memory !== undefined) this.memory = mergePatch(this.memory, memory) as JsonObject;
        if (preferences !== undefined)
          this.preferences = mergePatch(this.preferences, preferences) as JsonObject;
        return;
      }
      case 'run_queued':
        this.runs.add(event.data.run_id);
        return;
      case 'run_finished':
        this.runs.delete(event.data.run_id);
        return;
      case 'input_requested':
        this.inputs.add(event.data.request_id);
        return;
      case 'input_resolved':
        this.inputs.delete(event.data.request_id);
        return;
      case 'message_restarted':
        if (this.stream?.messageId === event.data.message_id)
          this.stream = { ...this.stream, attempt: event.data.attempt, deltas: [] };
        return;
      case 'message_completed': {
        const { message } = event.data;
        const { stream } = this;
        if (stream?.messageId !== message.id) return;
        const [streamed, text] = [textOfStream(stream), textOf(message)];
        if (!text.startsWith(streamed))
          this.#fault(`"${text}" does not begin with what was streamed: "${streamed}"`);
        if (stream.watched) {
          this.watched++;
          if (text !== streamed) this.short++;
        }
        this.stream = undefined;
        return;
      }
      default:
        return;
    }
  }

  #keep(entries: ReturnType<typeof chunkEntries>): void {
    for (const [key, content] of entries) {
      const known = this.chunks.get(key);
      if (known !== undefined && known !== content)
        this.#fault(`chunk ${key} was ${known} and is ${content}`);
      this.chunks.set(key, content);
    }
  }

  #next({ stream, fault }: Next): void {
    if (fault !== undefined) this.#fault(fault);
    this.stream = stream;
  }

  #fault(what: string): void {
    this.faults.push(what);
  }
}
