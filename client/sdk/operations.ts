import type { UpInput, UpType } from '../../protocol/chat/up.ts';
import type { ErrorData } from '../../protocol/errors.ts';
import { backoffMs } from './backoff.ts';
import type { ReconnectWindow } from './connection-types.ts';
import { type HoldfastError, OperationRefusedError, OperationTimeoutError, OverflowError } from './errors.ts';
import { encodeFrame, type Frame } from './frames.ts';
import type { ClientClock, ClientRandom } from './ports.ts';

/** How many operations may wait for their answers. */
export const MAX_OPERATIONS = 64;

export interface OperationPorts {
  readonly clock: ClientClock;
  readonly random: ClientRandom;
  /** `false`: there is no line. */
  readonly send: (text: string) => boolean;
  readonly newId: () => string;
  readonly window: () => ReconnectWindow;
  readonly timeoutMs: number;
}

interface Operation {
  readonly id: string;
  readonly type: UpType;
  readonly text: string;
  readonly resolve: (reply: Frame) => void;
  readonly reject: (error: HoldfastError) => void;
  readonly cancelTimeout: () => void;
  cancelRetry: () => void;
  tries: number;
}

/**
 * Requests and their answers. A request goes out when there is a line, and again with the same id on each new line and
 * after each passing error of the server, until it is answered or its time is up: ids make a repeat harmless.
 */
export class Operations {
  readonly #ports: OperationPorts;
  readonly #pending = new Map<string, Operation>();
  #open = false;

  constructor(ports: OperationPorts) {
    this.#ports = ports;
  }

  /** Resolves with the answer's frame. */
  request<T extends UpType>(type: T, data: UpInput<T>): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const { clock, newId, timeoutMs } = this.#ports;
      if (this.#pending.size >= MAX_OPERATIONS)
        return reject(new OverflowError('Too many operations wait for their answers', MAX_OPERATIONS));
      const id = newId();
      const operation: Operation = {
        id,
        type,
        text: encodeFrame(type, data, id),
        resolve,
        reject,
        cancelTimeout: clock.after(timeoutMs, () =>
          this.#settle(operation, () => reject(new OperationTimeoutError(type, timeoutMs))),
        ),
        cancelRetry: () => {},
        tries: 0,
      };
      this.#pending.set(id, operation);
      this.#transmit(operation);
    });
  }

  /** There is a line, and what was missed is here. */
  start(): void {
    this.#open = true;
    for (const operation of this.#pending.values()) this.#transmit(operation);
  }

  stop(): void {
    this.#open = false;
    for (const operation of this.#pending.values()) operation.cancelRetry();
  }

  /** An answer. `false`: to none of ours. */
  answered(id: string, reply: Frame): boolean {
    const operation = this.#pending.get(id);
    if (operation === undefined) return false;
    this.#settle(operation, () => operation.resolve(reply));
    return true;
  }

  /** An answer that is an error. `false`: to none of ours. */
  refused(id: string, error: ErrorData): boolean {
    const operation = this.#pending.get(id);
    if (operation === undefined) return false;
    const passing =
      error.error_type === 'rate_limited' || (error.error_type === 'server_error' && error.code === 503);
    if (passing) this.#tryLater(operation, error.retry_after_ms);
    else this.#settle(operation, () => operation.reject(new OperationRefusedError(operation.type, error)));
    return true;
  }

  /** Ends those that make no sense any more. */
  rejectAll(error: HoldfastError, which: (type: UpType) => boolean = () => true): void {
    for (const operation of [...this.#pending.values()])
      if (which(operation.type)) this.#settle(operation, () => operation.reject(error));
  }

  #transmit(operation: Operation): void {
    if (this.#open) this.#ports.send(operation.text);
  }

  #tryLater(operation: Operation, afterMs: number | undefined): void {
    const { clock, random, window } = this.#ports;
    operation.tries++;
    operation.cancelRetry();
    const delay = Math.max(afterMs ?? 0, backoffMs(window(), operation.tries, random.next()));
    operation.cancelRetry = clock.after(delay, () => this.#transmit(operation));
  }

  #settle(operation: Operation, how: () => void): void {
    this.#pending.delete(operation.id);
    operation.cancelTimeout();
    operation.cancelRetry();
    how();
  }
}
