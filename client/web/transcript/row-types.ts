import type { ToolCallRecord, Workflow } from '../../../protocol/chat/run.ts';
import type {
  ConversationMessage,
  Delivery,
  HoldfastError,
  Input,
  Run,
  Seam,
  StreamingMessage,
} from '../../sdk/index.ts';

/** What one person wrote; from the moment of writing until long after it was stored the same row, so that nothing jumps. */
export interface PersonRow {
  readonly kind: 'person';
  readonly key: string;
  readonly id: string;
  readonly text: string;
  /** By the server's clock once stored, by this page's before; `''` when not known. */
  readonly at: number | string;
  readonly delivery: Delivery;
  readonly error: HoldfastError | null;
  /** Its place among the waiting runs, from 1, and the run to call off; `null` when it does not wait. */
  readonly queued: { readonly place: number; readonly runId: string } | null;
  readonly past: boolean;
}

/** What the agent did and says for one run: steps, tool calls, questions, and the text, growing or whole. */
export interface AnswerRow {
  readonly kind: 'answer';
  readonly key: string;
  readonly message: ConversationMessage | null;
  readonly streaming: StreamingMessage | null;
  readonly run: Run | null;
  readonly workflow: Workflow | null;
  readonly inputs: readonly Input[];
  readonly toolCalls: readonly ToolCallRecord[];
  readonly retriable: boolean;
  readonly past: boolean;
}

/** The line was cut here, once or several times in a row. `during`: while the answer above was being written. */
export interface SeamRow {
  readonly kind: 'seam';
  readonly key: string;
  readonly seams: readonly Seam[];
  readonly during: boolean;
}

/** The session above has expired; a clean one begins. What is not known (after a reload) is `null`. */
export interface EndedRow {
  readonly kind: 'ended';
  readonly key: string;
  readonly sessionId: string;
  readonly endedAt: number | null;
  readonly awayMs: number | null;
  /** Whether its transcript stands above. */
  readonly shown: boolean;
}

export type Row =
  | PersonRow
  | AnswerRow
  | SeamRow
  | EndedRow
  /** The line is cut now; the row becomes a seam. */
  | { readonly kind: 'cut'; readonly key: string; readonly since: number; readonly during: boolean }
  | { readonly kind: 'older'; readonly key: string; readonly loading: boolean }
  | { readonly kind: 'day'; readonly key: string; readonly at: string }
  | { readonly kind: 'system'; readonly key: string; readonly text: string; readonly past: boolean };

/** When the line was cut, and the answer that was being written then. */
export interface Cut {
  readonly at: number;
  readonly messageId: string | null;
}
