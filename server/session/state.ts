import type { LogEvent } from '../../protocol/chat/down.ts';
import type { InputRequest, RunOutcome, ToolCallRecord, Workflow } from '../../protocol/chat/run.ts';
import { type JsonObject, mergePatch } from '../../protocol/json.ts';
import { answerDigest } from './answer-digest.ts';

/** A run that waits for its turn. */
export interface QueuedRun {
  readonly runId: string;
  /** The person's message that it answers. */
  readonly messageId: string;
  /** Where that message is in the log. */
  readonly messageSeq: number;
  /** How many messages the person had sent with that one, from 1. */
  readonly ordinal: number;
  readonly retryOf: undefined | string;
  /** Where its `run_queued` is: its events come after it. */
  readonly queuedSeq: number;
}

/** The run in hand. At most one in a session. */
export interface ActiveRun extends QueuedRun {
  readonly state: 'running' | 'waiting_input' | 'recovering';
  /** Which execution this is; the number that fences the others. */
  readonly attempt: number;
  /** How many executors died over it. */
  readonly deaths: number;
  readonly startedAt: string;
  readonly pendingInputs: readonly InputRequest[];
  /** Tool calls without a result. */
  readonly openTools: readonly string[];
  /** Where its completed messages are in the log. */
  readonly messageSeqs: readonly number[];
  /** The answer in flight as far as the log knows of it: set by `message_restarted`. */
  readonly restarted: undefined | { readonly messageId: string; readonly attempt: number };
}

export interface FinishedRun {
  readonly runId: string;
  readonly messageId: string;
  readonly messageSeq: number;
  readonly ordinal: number;
  readonly outcome: RunOutcome;
}

/** How a request for input ended; kept so that a repeated answer can be told from a conflicting one. */
export interface ResolvedInput {
  readonly requestId: string;
  readonly resolution: 'answered' | 'expired' | 'canceled';
  /** The digest of the answer: values may be large, and this is read and written with every change of a run. */
  readonly answer: string;
  /** Where its `input_resolved` is. */
  readonly seq: number;
}

/** What the log adds up to. A pure fold: every node that has read the same events has the same state. */
export interface SessionState {
  readonly memory: JsonObject;
  readonly preferences: JsonObject;
  readonly workflow: null | Workflow;
  /** Newest last; bounded by `FoldLimits`. */
  readonly toolCalls: readonly ToolCallRecord[];
  readonly run: null | ActiveRun;
  readonly queue: readonly QueuedRun[];
  readonly lastRun: null | FinishedRun;
  readonly resolvedInputs: readonly ResolvedInput[];
  /** How many messages people have sent. Not in a cell: the store counts messages anyway. */
  readonly personMessages: number;
}

export const EMPTY_STATE: SessionState = {
  memory: {},
  preferences: {},
  workflow: null,
  toolCalls: [],
  run: null,
  queue: [],
  lastRun: null,
  resolvedInputs: [],
  personMessages: 0,
};

/** How many resolved requests are remembered for telling repeats from conflicts. */
const RESOLVED_INPUTS = 128;
/** How many tool calls the context shows, and how many bytes of JSON they may add up to. */
const TOOL_CALLS = 200;
const TOOL_CALL_BYTES = 131_072;

/** The state after one more event. Never changes its argument; what an event does not touch is shared. */
export function reduce(state: SessionState, event: LogEvent): SessionState {
  switch (event.type) {
    case 'message_created':
      return {
        ...state,
        personMessages: state.personMessages + (event.data.message.role === 'user' ? 1 : 0),
      };
    case 'run_queued':
      return queued(state, event);
    case 'run_started':
      return started(state, event);
    case 'run_recovering':
      return updateRun(state, event.data.run_id, (run) => ({
        ...run,
        state: 'recovering',
        attempt: event.data.attempt,
        deaths: run.deaths + (event.data.reason === 'executor_lost' ? 1 : 0),
      }));
    case 'run_finished':
      return finished(state, event);
    case 'step_started':
    case 'step_completed':
      return { ...state, workflow: event.data.workflow };
    case 'tool_call':
      return {
        ...updateRun(state, event.data.run_id, (run) => ({
          ...run,
          openTools: [...run.openTools, event.data.tool_call_id],
        })),
        toolCalls: boundTools([...state.toolCalls, event.data]),
      };
    case 'tool_result':
      return toolResult(state, event);
    case 'input_requested':
      return withWorkflowStatus(
        updateRun(state, event.data.run_id, (run) => ({
          ...run,
          state: 'waiting_input',
          pendingInputs: [...run.pendingInputs, event.data],
        })),
        event.data.run_id,
        'waiting_input',
      );
    case 'input_resolved':
      return inputResolved(state, event);
    case 'message_restarted':
      return state.run === null
        ? state
        : {
            ...state,
            run: {
              ...state.run,
              restarted: { messageId: event.data.message_id, attempt: event.data.attempt },
            },
          };
    case 'message_completed':
      return updateRun(state, event.data.message.run_id, (run) => ({
        ...run,
        restarted: undefined,
        messageSeqs: [...run.messageSeqs, event.seq],
      }));
    case 'context_updated':
      return {
        ...state,
        memory: merged(state.memory, event.data.memory),
        preferences: merged(state.preferences, event.data.preferences),
      };
  }
}

type Event<T extends LogEvent['type']> = Extract<LogEvent, { type: T }>;

function merged(target: JsonObject, patch: undefined | JsonObject): JsonObject {
  return patch === undefined ? target : (mergePatch(target, patch) as JsonObject);
}

function updateRun(
  state: SessionState,
  runId: undefined | string,
  change: (run: ActiveRun) => ActiveRun,
): SessionState {
  return state.run === null || state.run.runId !== runId ? state : { ...state, run: change(state.run) };
}

function queued(state: SessionState, event: Event<'run_queued'>): SessionState {
  const { run_id, message_id, retry_of, ahead } = event.data;
  const last = state.lastRun;
  const again = retry_of !== undefined && last !== null && last.runId === retry_of ? last : undefined;
  const run: QueuedRun = {
    runId: run_id,
    messageId: message_id,
    // A run is queued in the append of its message, right after it.
    messageSeq: again?.messageSeq ?? event.seq - 1,
    ordinal: again?.ordinal ?? state.personMessages,
    retryOf: retry_of,
    queuedSeq: event.seq,
  };
  return { ...state, queue: ahead === true ? [run, ...state.queue] : [...state.queue, run] };
}

function started(state: SessionState, event: Event<'run_started'>): SessionState {
  const { run_id, attempt } = event.data;
  if (state.run?.runId === run_id)
    return updateRun(state, run_id, (run) => ({
      ...run,
      attempt,
      state: run.pendingInputs.length > 0 ? 'waiting_input' : 'running',
    }));
  const run = state.queue.find((r) => r.runId === run_id);
  if (run === undefined) return state;
  return {
    ...state,
    queue: state.queue.filter((r) => r !== run),
    run: {
      ...run,
      state: 'running',
      attempt,
      deaths: 0,
      startedAt: event.ts,
      pendingInputs: [],
      openTools: [],
      messageSeqs: [],
      restarted: undefined,
    },
  };
}

function finished(state: SessionState, event: Event<'run_finished'>): SessionState {
  const { run_id, outcome } = event.data;
  const active = state.run?.runId === run_id ? state.run : null;
  const run = active ?? state.queue.find((r) => r.runId === run_id);
  if (run === undefined) return state;
  const { runId, messageId, messageSeq, ordinal } = run;
  const ended: SessionState = {
    ...state,
    run: active === null ? state.run : null,
    queue: state.queue.filter((r) => r.runId !== run_id),
    lastRun: { runId, messageId, messageSeq, ordinal, outcome },
  };
  if (outcome === 'completed') return ended;
  return withWorkflowStatus(ended, run_id, outcome === 'canceled' ? 'canceled' : 'failed');
}

function toolResult(state: SessionState, event: Event<'tool_result'>): SessionState {
  const { run_id, tool_call_id, result, error } = event.data;
  const toolCalls = state.toolCalls.map((call) =>
    call.tool_call_id === tool_call_id
      ? { ...call, ...(result === undefined ? {} : { result }), ...(error === undefined ? {} : { error }) }
      : call,
  );
  const withRun = updateRun(state, run_id, (run) => ({
    ...run,
    openTools: run.openTools.filter((id) => id !== tool_call_id),
  }));
  return { ...withRun, toolCalls: boundTools(toolCalls) };
}

function inputResolved(state: SessionState, event: Event<'input_resolved'>): SessionState {
  const { run_id, request_id, resolution, approved, value } = event.data;
  const answer = answerDigest({ approved, value });
  const resolved: ResolvedInput = { requestId: request_id, resolution, answer, seq: event.seq };
  const withRun = updateRun(state, run_id, (run) => {
    const pendingInputs = run.pendingInputs.filter((input) => input.request_id !== request_id);
    const waits = run.state === 'waiting_input' && pendingInputs.length > 0;
    return {
      ...run,
      pendingInputs,
      state: run.state === 'recovering' ? 'recovering' : waits ? 'waiting_input' : 'running',
    };
  });
  const next = { ...withRun, resolvedInputs: [...state.resolvedInputs, resolved].slice(-RESOLVED_INPUTS) };
  return withRun.run?.state === 'running' ? withWorkflowStatus(next, run_id, 'running') : next;
}

/** The workflow of a run follows its run; `workflow_id` is the run's id. A finished one stays as it is. */
function withWorkflowStatus(state: SessionState, runId: string, status: Workflow['status']): SessionState {
  const workflow = state.workflow;
  if (workflow === null || workflow.workflow_id !== runId || workflow.status === status) return state;
  if (workflow.status !== 'running' && workflow.status !== 'waiting_input') return state;
  return { ...state, workflow: { ...workflow, status } };
}

function boundTools(calls: readonly ToolCallRecord[]): readonly ToolCallRecord[] {
  let bytes = 0;
  let from = calls.length;
  while (from > 0 && calls.length - from < TOOL_CALLS) {
    bytes += JSON.stringify(calls[from - 1]).length;
    if (bytes > TOOL_CALL_BYTES && from < calls.length) break;
    from--;
  }
  return from === 0 ? calls : calls.slice(from);
}
