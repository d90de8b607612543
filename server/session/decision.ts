import type { NewEvent } from '../../protocol/chat/down.ts';
import type { Part } from '../../protocol/chat/message.ts';
import type { ErrorType } from '../../protocol/errors.ts';
import type { Lease } from '../store/store.ts';
import type { SessionState } from './state.ts';

/** What a command is decided on, besides the state: everything that is not in the log. */
export interface DecisionContext {
  readonly now: number;
  /** A new sortable id. */
  readonly newId: () => string;
  /** The whole message in flight, or `null`. */
  readonly partial: null | PartialMessage;
  /** Bytes that the log holds, with what the commands before this one add to it in the same append. */
  readonly logBytes: number;
}

/** The message in flight, put together from its chunks. */
export interface PartialMessage {
  readonly messageId: string;
  readonly runId: string;
  readonly attempt: number;
  /** How many chunks it has. */
  readonly count: number;
  readonly parts: readonly Part[];
}

export interface Refusal {
  readonly kind: 'refused';
  readonly errorType: ErrorType;
  readonly message: string;
  /** The log has no room for it (`AppendDecision.maxLogBytes`). */
  readonly isFull?: true;
}

/** What a command comes to. Pure: the same state and context give the same decision. */
export type Decision =
  | Refusal
  /** Acknowledged, but there was nothing to do. `doneBy`: the event in which an equal command had done it. */
  | { readonly kind: 'nothing'; readonly doneBy: undefined | number }
  | AppendDecision;

export interface AppendDecision {
  readonly kind: 'append';
  /** Messages in them carry `seq: 0` and `ts: ''`: the place in the log is filled in when it is known. */
  readonly events: readonly NewEvent[];
  /** Which event's `seq` the acknowledgement names. */
  readonly acknowledge: number;
  /** The message in flight ends with this append. Is there more of it than `partial` shows, it is decided again. */
  readonly dropPartial?: boolean;
  readonly lease?:
    | { readonly set: Lease }
    | { readonly held: Lease; readonly clear: boolean }
    | { readonly clear: true };
  readonly holdUntil?: number;
  readonly alarmAt?: number;
  /** The command is refused with `limit_exceeded` when the log would hold more bytes than this with its events. */
  readonly maxLogBytes?: number;
}

/** A command's rule. */
export type Decide = (state: SessionState, context: DecisionContext) => Decision;

export function refuse(errorType: ErrorType, message: string): Refusal {
  return { kind: 'refused', errorType, message };
}
