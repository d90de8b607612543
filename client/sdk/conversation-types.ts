import type { Outcome, Permission, Tier } from '../../protocol/chat/handshake.ts';
import type { Part, Role } from '../../protocol/chat/message.ts';
import type { Warning } from '../../protocol/chat/restore.ts';
import type { RunOutcome, ToolCallRecord, Workflow } from '../../protocol/chat/run.ts';
import type { Json, JsonObject } from '../../protocol/json.ts';
import type { HoldfastError } from './errors.ts';

/** All that a page shows of one session. Immutable: what did not change is the same object as before. */
export interface Conversation {
  /** `null` before the first connection. */
  readonly session: SessionInfo | null;
  /** Confirmed messages, ascending by `seq`. The one being streamed and our own unconfirmed ones are apart. */
  readonly messages: readonly ConversationMessage[];
  /** The answer in flight. Render it after `messages`. It is replaced by its completed message in one step. */
  readonly streaming: StreamingMessage | null;
  /** Our own messages that are not in `messages` yet, oldest first. Render them last. */
  readonly outgoing: readonly OutgoingMessage[];

  /** The run in hand. */
  readonly run: Run | null;
  /** Runs that wait for their turn, next one first. */
  readonly queuedRuns: readonly Run[];
  /** The run that ended last, as far as known. */
  readonly lastRun: Run | null;
  /** Ended runs by id, as far as known; use `runOf` to find a message's. */
  readonly runs: Readonly<Record<string, Run>>;
  /** Of the run that had one last. `workflow.workflow_id` is that run's id. */
  readonly workflow: Workflow | null;
  /** Questions and approvals, pending and resolved, in the order in which they were asked. */
  readonly inputs: readonly Input[];

  readonly context: ConversationContext;
  /** `context` and `workflow` are those of this place in the log: events up to it do not touch them. */
  readonly contextSeq: number;
  /** Where the line was cut, oldest first; the newest `MAX_SEAMS`. */
  readonly seams: readonly Seam[];
  /** The transcript of the session before this one, when that expired while we held it. */
  readonly previous: PreviousTranscript | null;
  readonly history: HistoryState;
  /** Agents' status by agent id. */
  readonly agents: Readonly<Record<string, AgentStatus>>;
}

export type AgentStatus = 'online' | 'draining' | 'offline' | 'lost';

export interface SessionInfo {
  readonly sessionId: string;
  readonly outcome: Outcome;
  readonly tier: Tier;
  /** The expired session that this one succeeds. */
  readonly previousSessionId: string | null;
  readonly subject: string;
  readonly permissions: readonly Permission[];
  readonly nodeId: string;
  /** How long the session outlives its last connection, ms; `null` when not known. */
  readonly expiresInMs: number | null;
}

export interface ConversationMessage {
  readonly id: string;
  readonly seq: number;
  readonly role: Role;
  readonly parts: readonly Part[];
  /** `partial`: its run ended before it was complete. */
  readonly status: 'completed' | 'partial';
  readonly runId: string | null;
  /** ISO 8601, informative. */
  readonly ts: string;
  readonly metadata: JsonObject | null;
  /** `sent` for people's messages (they are stored), `null` for others. */
  readonly delivery: 'sent' | null;
  /** How the run ended that this message began or belongs to; `null` while it has not, or is not known. */
  readonly runOutcome: RunOutcome | null;
  /** What history said of its tool calls; use `runOf` for the run as it is known. */
  readonly toolCalls: readonly ToolCallRecord[];
}

/** The text of an answer that is being written. Parts grow; nothing is ever taken back but by a new attempt. */
export interface StreamingMessage {
  readonly messageId: string;
  readonly runId: string | null;
  readonly attempt: number;
  /** The chunk that is expected next. */
  readonly nextIndex: number;
  readonly parts: readonly StreamingPart[];
}

export interface StreamingPart {
  readonly type: 'text' | 'reasoning';
  readonly text: string;
}

/**
 * `queued`: waits (for the line, or behind another). `sending`: given to the socket, not acknowledged. `sent`: stored, its event
 * is on the way. `unconfirmed`: given to the socket of a session that has expired; only the person can say. `failed`: refused.
 */
export type Delivery = 'queued' | 'sending' | 'sent' | 'unconfirmed' | 'failed';

export interface OutgoingMessage {
  readonly id: string;
  readonly content: string;
  readonly metadata: JsonObject | null;
  /** When it was written, by the client's clock. */
  readonly createdAt: number;
  readonly delivery: Delivery;
  /** Its place in the log, once acknowledged. */
  readonly seq: number | null;
  /** Why it `failed`. */
  readonly error: HoldfastError | null;
}

export interface Run {
  readonly runId: string;
  /** The person's message that it answers; `null` when only history told of the run. */
  readonly messageId: string | null;
  readonly retryOf: string | null;
  readonly state: 'queued' | 'running' | 'waiting_input' | 'recovering' | 'finished';
  /** Which execution, from 1; 0 before the first, or when not known. */
  readonly attempt: number;
  readonly outcome: RunOutcome | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly toolCalls: readonly ToolCallRecord[];
}

export interface Input {
  readonly requestId: string;
  readonly runId: string;
  readonly kind: 'approval' | 'question';
  readonly prompt: string;
  readonly arguments: Json | null;
  /** ISO 8601. */
  readonly expiresAt: string | null;
  /** `null`: pending. */
  readonly resolved: InputResolution | null;
}

export interface InputResolution {
  readonly resolution: 'answered' | 'expired' | 'canceled';
  readonly approved: boolean | null;
  readonly value: Json | null;
  /** The subject that answered. */
  readonly by: string | null;
  readonly ts: string;
}

export interface ConversationContext {
  readonly memory: JsonObject;
  readonly preferences: JsonObject;
}

/** One place where the line was cut and came back. */
export interface Seam {
  /** The last event that we had before. In a clean session (`expired`) 0. */
  readonly afterSeq: number;
  /** By the client's clock, ms. After a reload it is reckoned back from `awayMs`. */
  readonly lostAt: number;
  readonly restoredAt: number;
  /** How long this client, and the session, were without a line, by the server's clock. */
  readonly awayMs: number;
  readonly disconnectedMs: number;
  readonly tier: Tier;
  readonly outcome: Outcome;
  readonly mode: 'replay' | 'snapshot';
  readonly warnings: readonly Warning[];
  readonly meanwhile: Meanwhile;
}

/** What happened while the line was cut: counted from the replayed events, or reckoned from a snapshot. */
export interface Meanwhile {
  readonly events: number;
  readonly messages: number;
  readonly runsFinished: number;
  readonly toolCalls: number;
  /** The newest step that was begun or completed. */
  readonly lastStep: { readonly name: string; readonly step: number; readonly total: number } | null;
}

export interface PreviousTranscript {
  readonly sessionId: string;
  readonly messages: readonly ConversationMessage[];
  /** By the client's clock, when it learned of the end. */
  readonly endedAt: number;
}

export interface HistoryState {
  /** All messages of the session. */
  readonly total: number;
  /** Whether there are older ones than `messages[0]`. */
  readonly hasMore: boolean;
  readonly loading: boolean;
}
