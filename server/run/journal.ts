import type { LogEvent } from '../../protocol/chat/down.ts';
import type { Message } from '../../protocol/chat/message.ts';
import type { InputRequest, Workflow } from '../../protocol/chat/run.ts';
import type { Json } from '../../protocol/json.ts';
import { parseToolCallId, requestId } from './ids.ts';

/** What a run has done so far, as its events tell: an agent that runs again finds its own past here. */
export interface Journal {
  readonly runId: string;
  /** The last event that was folded; older ones are skipped. */
  readonly seq: number;
  /** The newest position of the run's workflow. */
  readonly workflow: undefined | Workflow;
  /** The steps that are done, in order. */
  readonly steps: readonly JournalStep[];
  /** How many steps were begun. */
  readonly stepsStarted: number;
  /** The agent's tool calls, in order. */
  readonly tools: readonly JournalTool[];
  /** How many questions of its own the agent asked. */
  readonly questions: number;
  /** Every request to the person, by its id. */
  readonly requests: ReadonlyMap<string, JournalRequest>;
  /** Messages that are complete, in order. */
  readonly messages: readonly Message[];
  /** The newest restart of a message that is not complete. */
  readonly restarted: undefined | { readonly messageId: string; readonly attempt: number };
  /** The newest execution that the log knows of. */
  readonly attempt: number;
  readonly finished: boolean;
}

export interface JournalStep {
  readonly name: string;
  readonly result: Json;
  /** How much of each kind was there when the step was done: calls after it go on from there. */
  readonly tools: number;
  readonly questions: number;
  readonly messages: number;
}

export interface JournalTool {
  readonly callId: string;
  readonly name: string;
  /** How often it was begun; more than once when a person said that an interrupted call is to be made again. */
  readonly attempt: number;
  /** `undefined` while the call is open. */
  readonly outcome: undefined | ToolOutcome;
}

export type ToolOutcome =
  | { readonly ok: true; readonly result: Json }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface JournalRequest {
  readonly request: InputRequest;
  /** `undefined` while nobody has answered. */
  readonly resolved: undefined | Resolution;
}

export interface Resolution {
  readonly resolution: 'answered' | 'expired' | 'canceled';
  readonly approved: undefined | boolean;
  readonly value: undefined | Json;
}

/** The journal of a run of which nothing is known up to `seq`. */
export function emptyJournal(runId: string, seq: number): Journal {
  return {
    runId,
    seq,
    workflow: undefined,
    steps: [],
    stepsStarted: 0,
    tools: [],
    questions: 0,
    requests: new Map(),
    messages: [],
    restarted: undefined,
    attempt: 0,
    finished: false,
  };
}

/** The journal after one more event of the session. Those of other runs change nothing but `seq`. */
export function reduceJournal(journal: Journal, event: LogEvent): Journal {
  if (event.seq <= journal.seq) return journal;
  return { ...journal, ...change(journal, event), seq: event.seq };
}

function change(journal: Journal, event: LogEvent): Partial<Journal> {
  const { runId } = journal;
  switch (event.type) {
    case 'message_created':
    case 'context_updated':
    case 'run_queued':
      return {};
    case 'message_completed':
      if (event.data.message.run_id !== runId) return {};
      return { messages: [...journal.messages, event.data.message], restarted: undefined };
    case 'message_restarted':
      if (!event.data.message_id.startsWith(`${runId}.`)) return {};
      return { restarted: { messageId: event.data.message_id, attempt: event.data.attempt } };
    default:
      return event.data.run_id === runId ? ownChange(journal, event) : {};
  }
}

type OwnEvent = Exclude<
  LogEvent,
  {
    type: 'message_created' | 'context_updated' | 'run_queued' | 'message_completed' | 'message_restarted';
  }
>;

function ownChange(journal: Journal, event: OwnEvent): Partial<Journal> {
  switch (event.type) {
    case 'run_started':
    case 'run_recovering':
      return { attempt: event.data.attempt };
    case 'run_finished':
      return { finished: true };
    case 'step_started':
      return { workflow: event.data.workflow, stepsStarted: event.data.step.index };
    case 'step_completed':
      return { workflow: event.data.workflow, ...stepDone(journal, event) };
    case 'tool_call':
      return toolCalled(journal, event);
    case 'tool_result':
      return toolAnswered(journal, event);
    case 'input_requested': {
      const request = event.data;
      const isOwn = request.request_id === requestId(journal.runId, journal.questions + 1);
      return {
        requests: new Map(journal.requests).set(request.request_id, { request, resolved: undefined }),
        questions: journal.questions + (isOwn ? 1 : 0),
      };
    }
    case 'input_resolved': {
      const { request_id, resolution, approved, value } = event.data;
      const known = journal.requests.get(request_id);
      if (known === undefined) return {};
      const resolved = { resolution, approved, value };
      return { requests: new Map(journal.requests).set(request_id, { ...known, resolved }) };
    }
  }
}

type Event<T extends LogEvent['type']> = Extract<LogEvent, { type: T }>;

function stepDone(journal: Journal, { data }: Event<'step_completed'>): Partial<Journal> {
  const done = data.step.status === 'completed' ? data.workflow.completed.at(-1) : undefined;
  if (done === undefined) return {};
  const step: JournalStep = {
    ...done,
    tools: journal.tools.length,
    questions: journal.questions,
    messages: journal.messages.length,
  };
  return { steps: [...journal.steps, step] };
}

function toolCalled(journal: Journal, { data }: Event<'tool_call'>): Partial<Journal> {
  const id = parseToolCallId(journal.runId, data.tool_call_id);
  if (id === undefined) return {};
  const tools = [...journal.tools];
  tools[id.n - 1] = {
    callId: data.tool_call_id,
    name: data.name,
    attempt: id.attempt,
    outcome: undefined,
  };
  return { tools };
}

function toolAnswered(journal: Journal, { data }: Event<'tool_result'>): Partial<Journal> {
  const { tool_call_id, result, error } = data;
  const outcome: ToolOutcome =
    error === undefined ? { ok: true, result: result ?? null } : { ok: false, ...error };
  return {
    tools: journal.tools.map((tool) => (tool.callId === tool_call_id ? { ...tool, outcome } : tool)),
  };
}
