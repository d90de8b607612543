import type { Json, JsonObject } from '../../protocol/json.ts';
import type { HistoryMessage } from '../../protocol/chat/restore.ts';

/**
 * The port behind which an agent answers a run. The same shape serves an agent in this process and one that is far away.
 *
 * An agent must be able to be run again: after a crash its function starts from the beginning in another process, and
 * every `step`, `tool`, `ask` and completed `message` that it had finished answers at once with what it answered before.
 * They are matched by their order (messages, tools, asks) or their name (steps), so the agent must call them in the same order.
 */
export interface Agent {
  readonly id: string;
  /** Resolves when the run is complete. A rejection ends the run `failed`, unless the signal was aborted. */
  run(ctx: RunContext): Promise<void>;
}

export interface RunContext {
  readonly runId: string;
  /** Which execution of the run this is, from 1. */
  readonly attempt: number;
  /** Aborted when the run was canceled or taken over: stop at once. */
  readonly signal: AbortSignal;
  readonly input: RunInput;
  /** The session's memory and preferences as they are now. Not to be changed in place: use `patch`. */
  readonly memory: JsonObject;
  readonly preferences: JsonObject;
  /** Newest messages of the conversation, ascending. */
  history(limit: number): Promise<HistoryMessage[]>;
  /** Merges by RFC 7386 (`null` deletes). Rejects with `ContextRefused` when the context would become too large. */
  patch(patch: { readonly memory?: JsonObject; readonly preferences?: JsonObject }): Promise<void>;
  /** Begins (or finds again) the run's workflow with these steps, in order. */
  workflow(name: string, steps: readonly string[]): Workflow;
  /** Calls a tool. Rejects with `ToolError` when the tool fails; both outcomes are stored and answered again on recovery. */
  tool<T extends Json>(call: ToolCall<T>): Promise<T>;
  /** Asks the person and waits. The run is `waiting_input` meanwhile. */
  ask(question: Question): Promise<Answer>;
  /** Begins (or finds again) the next message of the answer. */
  message(): Promise<MessageWriter>;
  /** Waits, by the server's clock. Rejects when the signal is aborted. */
  sleep(ms: number): Promise<void>;
}

export interface RunInput {
  readonly messageId: string;
  readonly text: string;
  readonly metadata: undefined | JsonObject;
  /** How many messages the person had sent in this session with this one, counted from 1. */
  readonly ordinal: number;
}

export interface Workflow {
  /** Runs a step, or answers with its stored result. Steps must be run in the order in which they were named. */
  step<T extends Json>(name: string, fn: () => Promise<T>): Promise<T>;
  /** Ends the workflow early: the steps not done stay pending. */
  cancel(): Promise<void>;
}

export interface ToolCall<T extends Json> {
  readonly name: string;
  readonly arguments: Json;
  /** Whether it may be called twice. One that may not and was in flight at a crash becomes a question to the person. */
  readonly repeatable: boolean;
  readonly call: (signal: AbortSignal) => Promise<T>;
}

/** A tool failed in a way that the agent can tell the person about. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The patch was not taken: the context would be over its limit. */
export class ContextRefused extends Error {
  override readonly name = 'ContextRefused';
}

/** The agent asks for the run to end `canceled` (a person declined). Thrown by the agent, caught by the executor. */
export class RunCanceled extends Error {
  override readonly name = 'RunCanceled';
}

export interface Question {
  readonly kind: 'approval' | 'question';
  readonly prompt: string;
  readonly arguments?: Json;
  readonly expiresInMs?: number;
}

export interface Answer {
  readonly resolution: 'answered' | 'expired';
  readonly approved: undefined | boolean;
  readonly value: undefined | Json;
}

export interface MessageWriter {
  readonly messageId: string;
  /** Whether an earlier execution completed it: there is nothing to write then. */
  readonly completed: boolean;
  /** The text that is stored already, this execution's or an earlier one's: go on after it, or `restart`. */
  readonly text: string;
  /** Adds to the answer. Resolves once the buffer has room; chunks are coalesced to at most one per `CHUNK_COALESCE_MS`. */
  write(delta: string, kind?: 'text' | 'reasoning'): Promise<void>;
  /** Throws away what was streamed: the agent cannot continue from it. */
  restart(): Promise<void>;
  /** Stores the whole message. Further writes are errors. */
  complete(): Promise<void>;
}
