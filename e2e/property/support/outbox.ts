import type { DownData } from '../../../protocol/chat/down.ts';
import type { StateChangingType, UpInput } from '../../../protocol/chat/up.ts';

/** A message that changes the session, from when it was said until it is answered. */
export interface Message {
  readonly id: string;
  readonly type: StateChangingType;
  readonly data: UpInput<StateChangingType>;
}

/** What a message came to. */
export type Answer =
  | { readonly kind: 'delivered'; readonly seq: null | number }
  | { readonly kind: 'refused'; readonly errorType: string };

/** What a client has said: sent again with the same id until there is an answer. */
export class Outbox {
  readonly faults: string[] = [];
  /** In the order in which they were said. */
  readonly messages: Message[] = [];
  readonly answers = new Map<string, Answer>();
  /** How often the store, or the agent, was said to be out of reach. */
  outOfReach = 0;
  /**
   * Messages that later ones may stand before in the log: the store was away for them, or they may have been refused
   * without our hearing of it, and were taken when they were sent again.
   */
  readonly overtaken = new Set<string>();
  readonly #stored = new Set<string>();
  readonly #sent = new Set<string>();

  add(message: Message): void {
    this.messages.push(message);
  }

  /** What has no answer, in order. */
  get waiting(): readonly Message[] {
    return this.messages.filter(({ id }) => !this.answers.has(id));
  }

  /** It goes out, perhaps not for the first time. */
  sent({ id, data }: Message): void {
    if (this.#sent.has(id) && 'on_busy' in data && data.on_busy === 'reject') this.overtaken.add(id);
    this.#sent.add(id);
  }

  delivered({ status, seq = null }: DownData<'message_delivered'>, id: string): void {
    const before = this.answers.get(id);
    if (before?.kind === 'refused') this.faults.push(`${id} was refused, and then stored at ${seq}`);
    else if (before !== undefined && before.seq !== seq)
      this.faults.push(`${id} was stored at ${before.seq}, and at ${seq}`);
    if (status === 'success' && seq !== null) {
      if (this.#stored.has(id)) this.faults.push(`${id} was stored twice`);
      this.#stored.add(id);
    }
    this.answers.set(id, { kind: 'delivered', seq });
  }

  /** An error. `true`: it passes, and the message is to be sent again. */
  refused(error: DownData<'error'>, id: string): boolean {
    if (error.error_type === 'server_error' && error.retryable) {
      this.outOfReach++;
      this.overtaken.add(id);
      return true;
    }
    if (this.answers.get(id)?.kind === 'delivered') this.faults.push(`${id} was stored, and then refused`);
    if (error.error_type === 'server_error' || error.error_type === 'id_conflict')
      this.faults.push(`${id} was answered ${JSON.stringify(error)}`);
    this.answers.set(id, { kind: 'refused', errorType: error.error_type });
    return false;
  }
}
