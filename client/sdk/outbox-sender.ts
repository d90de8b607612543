import type { ErrorData } from '../../protocol/errors.ts';
import { backoffMs } from './backoff.ts';
import type { ReconnectWindow } from './connection-types.ts';
import { DiscardedError, type HoldfastError, OperationRefusedError } from './errors.ts';
import { encodeFrame } from './frames.ts';
import type { Outbox } from './outbox.ts';
import type { ClientClock, ClientRandom } from './ports.ts';
import type { Acknowledged, ClientEvent, OutboxEntry } from './types.ts';

/** How often a message may meet an internal error of the server before it is taken out: it may be what causes it. */
const MAX_SERVER_FAULTS = 3;

export interface SenderPorts {
  readonly clock: ClientClock;
  readonly random: ClientRandom;
  /** `false`: there is no line. */
  readonly send: (text: string) => boolean;
  readonly emit: (event: ClientEvent) => void;
  readonly window: () => ReconnectWindow;
  /** How long an acknowledgement may take on a line that holds, before the message is sent again. */
  readonly timeoutMs: number;
}

interface Waiting {
  readonly resolve: (acknowledged: Acknowledged) => void;
  readonly reject: (error: HoldfastError) => void;
  readonly promise: Promise<Acknowledged>;
}

/**
 * Sends the outbox, one message after the other: the next one goes out when the one before is acknowledged, so that a
 * message that has to be sent again is never overtaken.
 */
export class OutboxSender {
  readonly #outbox: Outbox;
  readonly #ports: SenderPorts;
  readonly #waiting = new Map<string, Waiting>();
  readonly #faults = new Map<string, number>();
  #open = false;
  /** The message on the wire. */
  #current: undefined | string;
  #tries = 0;
  #cancelTimer: () => void = () => {};

  constructor(outbox: Outbox, ports: SenderPorts) {
    this.#outbox = outbox;
    this.#ports = ports;
  }

  /** What the caller of `send` waits for. */
  delivered(id: string): Promise<Acknowledged> {
    const known = this.#waiting.get(id);
    if (known !== undefined) return known.promise;
    const { promise, resolve, reject } = Promise.withResolvers<Acknowledged>();
    // Whoever does not look at it need not handle it.
    promise.catch(() => {});
    this.#waiting.set(id, { promise, resolve, reject });
    return promise;
  }

  /** There is a line, and what was missed is here. */
  start(): void {
    this.#open = true;
    this.#current = undefined;
    this.pump();
  }

  /** The line went: whatever was on it will be sent again. */
  stop(): void {
    this.#open = false;
    this.#current = undefined;
    this.#tries = 0;
    this.#cancelTimer();
  }

  /** Stored: by its acknowledgement, or because the log shows it. `false`: not one of ours. */
  acknowledged(id: string, result: Acknowledged): boolean {
    const entry = this.#outbox.remove(id) ?? this.#outbox.forgetFailed(id);
    if (entry === undefined) return false;
    this.#faults.delete(id);
    this.#tell('sent', entry, result.seq, null);
    this.#settle(id, (waiting) => waiting.resolve(result));
    this.#done(id);
    return true;
  }

  /** The server answered one of ours with an error. `false`: not one of ours. */
  refused(id: string, data: ErrorData): boolean {
    const entry = this.#outbox.find(id);
    if (entry === undefined) return false;
    if (this.#mayPass(id, data)) {
      this.#tryLater(data.retry_after_ms);
      return true;
    }
    const error = new OperationRefusedError('chat_message', data);
    this.#outbox.fail(id);
    this.#faults.delete(id);
    this.#tell('failed', entry, null, error);
    this.#settle(id, (waiting) => waiting.reject(error));
    this.#done(id);
    return true;
  }

  /** The session ended: what was on the wire (or `all`) waits for the person, what was not goes into the next session. */
  sessionEnded(all = false): void {
    for (const entry of this.#outbox.sessionEnded(all)) this.#tell('unconfirmed', entry, null, null);
  }

  /** The person takes a message back. */
  discard(id: string): void {
    const entry = this.#outbox.remove(id) ?? this.#outbox.forgetFailed(id);
    if (entry === undefined) return;
    this.#tell('discarded', entry, null, null);
    this.#settle(id, (waiting) => waiting.reject(new DiscardedError('The message was discarded')));
    this.#done(id);
  }

  /** Nobody will be told any more; what is in the outbox stays there. */
  rejectAll(error: HoldfastError): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, (waiting) => waiting.reject(error));
  }

  /** Sends the next message if the line is free. */
  pump(): void {
    if (!this.#open || this.#current !== undefined) return;
    const next = this.#outbox.next();
    if (next === undefined) return;
    // Written down before it is sent: a reload must not take a sent message for an unsent one.
    const entry = this.#outbox.mark(next.id, 'sending') ?? next;
    this.#current = entry.id;
    if (next.state !== 'sending') this.#tell('sending', entry, null, null);
    this.#transmit(entry);
  }

  #transmit(entry: OutboxEntry): void {
    const { clock, send, timeoutMs } = this.#ports;
    const { id, content, onBusy, metadata } = entry;
    const data = { content, on_busy: onBusy, ...(metadata === undefined ? {} : { metadata }) };
    if (!send(encodeFrame('chat_message', data, id))) return;
    this.#cancelTimer();
    this.#cancelTimer = clock.after(timeoutMs, () => this.#again());
  }

  #again(): void {
    this.#current = undefined;
    this.pump();
  }

  /** Whether the same message may be taken later. */
  #mayPass(id: string, { error_type, code }: ErrorData): boolean {
    if (error_type === 'rate_limited') return true;
    if (error_type !== 'server_error') return false;
    if (code === 503) return true;
    const faults = (this.#faults.get(id) ?? 0) + 1;
    this.#faults.set(id, faults);
    return faults < MAX_SERVER_FAULTS;
  }

  #tryLater(afterMs: number | undefined): void {
    const { clock, random, window } = this.#ports;
    this.#tries++;
    this.#cancelTimer();
    const delay = Math.max(afterMs ?? 0, backoffMs(window(), this.#tries, random.next()));
    this.#cancelTimer = clock.after(delay, () => this.#again());
  }

  #done(id: string): void {
    if (this.#current !== id) return;
    this.#cancelTimer();
    this.#tries = 0;
    this.#current = undefined;
    this.pump();
  }

  #settle(id: string, how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting !== undefined) how(waiting);
  }

  #tell(
    change: Extract<ClientEvent, { type: 'outbox' }>['change'],
    entry: OutboxEntry,
    seq: number | null,
    error: HoldfastError | null,
  ): void {
    this.#ports.emit({ type: 'outbox', change, entry, seq, error });
  }
}
