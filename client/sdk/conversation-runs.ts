import type { LogEvent } from '../../protocol/chat/down.ts';
import type { SessionRestoredData } from '../../protocol/chat/restore.ts';
import type { InputRequest, RunView, ToolCallRecord, Workflow } from '../../protocol/chat/run.ts';
import type { Conversation, Input, Run } from './conversation-types.ts';

/** How many resolved questions are kept; pending ones always are. */
export const MAX_RESOLVED_INPUTS = 200;

type Event<T extends LogEvent['type']> = Extract<LogEvent, { type: T }>;

/** What the events of runs, steps, tools and inputs change. */
export function reduceRunEvent(
  c: Conversation,
  event: Event<
    | 'run_queued'
    | 'run_started'
    | 'run_recovering'
    | 'run_finished'
    | 'tool_call'
    | 'tool_result'
    | 'input_requested'
    | 'input_resolved'
  >,
): Conversation {
  switch (event.type) {
    case 'run_queued':
      return queued(c, event);
    case 'run_started':
      return started(c, event);
    case 'run_recovering':
      return updateRun(c, event.data.run_id, (run) => ({
        ...run,
        state: 'recovering',
        attempt: event.data.attempt,
      }));
    case 'run_finished':
      return finished(c, event);
    case 'tool_call': {
      const { run_id, tool_call_id, name, arguments: args } = event.data;
      return updateRun(c, run_id, (run) => ({
        ...run,
        toolCalls: [...run.toolCalls, { run_id, tool_call_id, name, arguments: args }],
      }));
    }
    case 'tool_result': {
      const { run_id, tool_call_id, result, error } = event.data;
      const answered = (call: ToolCallRecord): ToolCallRecord => ({
        ...call,
        ...(result === undefined ? {} : { result }),
        ...(error === undefined ? {} : { error }),
      });
      return updateRun(c, run_id, (run) => ({
        ...run,
        toolCalls: run.toolCalls.map((call) => (call.tool_call_id === tool_call_id ? answered(call) : call)),
      }));
    }
    case 'input_requested':
      return {
        ...updateRun(c, event.data.run_id, (run) => ({ ...run, state: 'waiting_input' })),
        inputs: withInput(c.inputs, event.data),
      };
    case 'input_resolved':
      return inputResolved(c, event);
  }
}

/** The workflow follows its run (`workflow_id` is the run's id); one that has ended stays as it is. */
export function workflowAfter(workflow: Workflow | null, event: LogEvent, c: Conversation): Workflow | null {
  switch (event.type) {
    case 'step_started':
    case 'step_completed':
      return event.data.workflow;
    case 'input_requested':
      return withStatus(workflow, event.data.run_id, 'waiting_input');
    case 'input_resolved':
      return c.run?.runId === event.data.run_id && c.run.state === 'running'
        ? withStatus(workflow, event.data.run_id, 'running')
        : workflow;
    case 'run_finished':
      if (event.data.outcome === 'completed') return workflow;
      return withStatus(
        workflow,
        event.data.run_id,
        event.data.outcome === 'canceled' ? 'canceled' : 'failed',
      );
    case 'message_created':
    case 'message_completed':
    case 'message_restarted':
    case 'run_queued':
    case 'run_started':
    case 'run_recovering':
    case 'tool_call':
    case 'tool_result':
    case 'context_updated':
      return workflow;
  }
}

/** Runs and inputs as a restore found them at the head; what only the events told (tool calls, who answered) is kept. */
export function runsAtHead(c: Conversation, restored: SessionRestoredData): Conversation {
  const known = (view: RunView): Run | undefined =>
    c.run?.runId === view.run_id ? c.run : c.queuedRuns.find((r) => r.runId === view.run_id);
  const toRun = (view: RunView): Run => ({
    ...(known(view) ?? newRun(view.run_id)),
    messageId: view.message_id,
    retryOf: view.retry_of ?? null,
    state: view.state,
    toolCalls:
      known(view)?.toolCalls ?? restored.context.tool_calls.filter((call) => call.run_id === view.run_id),
  });
  const views = restored.run === null ? restored.queued_runs : [restored.run, ...restored.queued_runs];
  const pending = views.flatMap((view) => view.pending_inputs);
  const still = c.inputs.filter(
    (input) => input.resolved !== null || pending.some((p) => p.request_id === input.requestId),
  );
  return {
    ...c,
    run: restored.run === null ? null : toRun(restored.run),
    queuedRuns: restored.queued_runs.map(toRun),
    inputs: pending.reduce(withInput, still),
  };
}

export function newRun(runId: string): Run {
  return {
    runId,
    messageId: null,
    retryOf: null,
    state: 'queued',
    attempt: 0,
    outcome: null,
    error: null,
    toolCalls: [],
  };
}

/** Changes the run where it stands; a run that is not known changes nothing. */
function updateRun(c: Conversation, runId: string, change: (run: Run) => Run): Conversation {
  if (c.run?.runId === runId) return { ...c, run: change(c.run) };
  const at = c.queuedRuns.findIndex((run) => run.runId === runId);
  const run = c.queuedRuns[at];
  return run === undefined ? c : { ...c, queuedRuns: c.queuedRuns.with(at, change(run)) };
}

function queued(c: Conversation, event: Event<'run_queued'>): Conversation {
  const { run_id, message_id, retry_of, ahead } = event.data;
  const run: Run = { ...newRun(run_id), messageId: message_id, retryOf: retry_of ?? null };
  return { ...c, queuedRuns: ahead === true ? [run, ...c.queuedRuns] : [...c.queuedRuns, run] };
}

function started(c: Conversation, event: Event<'run_started'>): Conversation {
  const { run_id, message_id, retry_of, attempt } = event.data;
  const same = c.run?.runId === run_id ? c.run : undefined;
  const waits = c.inputs.some((input) => input.runId === run_id && input.resolved === null);
  const run = same ?? c.queuedRuns.find((r) => r.runId === run_id) ?? newRun(run_id);
  return {
    ...c,
    run: {
      ...run,
      messageId: message_id,
      retryOf: retry_of ?? null,
      attempt,
      state: waits ? 'waiting_input' : 'running',
    },
    queuedRuns: same === undefined ? c.queuedRuns.filter((r) => r.runId !== run_id) : c.queuedRuns,
  };
}

function finished(c: Conversation, event: Event<'run_finished'>): Conversation {
  const { run_id, message_id, retry_of, attempt, outcome, error } = event.data;
  const active = c.run?.runId === run_id ? c.run : null;
  const run: Run = {
    ...(active ?? c.queuedRuns.find((r) => r.runId === run_id) ?? newRun(run_id)),
    messageId: message_id,
    retryOf: retry_of ?? null,
    attempt,
    state: 'finished',
    outcome,
    error: error ?? null,
  };
  return {
    ...c,
    run: active === null ? c.run : null,
    queuedRuns: active === null ? c.queuedRuns.filter((r) => r.runId !== run_id) : c.queuedRuns,
    lastRun: run,
    runs: { ...c.runs, [run_id]: run },
    messages: withOutcome(c, run),
  };
}

/** Writes the outcome on the run's messages, which are near the end: the person's own ends the search. */
function withOutcome({ messages }: Conversation, run: Run): Conversation['messages'] {
  let changed: Conversation['messages'] | undefined;
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    const asked = message?.id === run.messageId;
    if (message !== undefined && (asked || message.runId === run.runId))
      changed = (changed ?? messages).with(i, { ...message, runOutcome: run.outcome });
    if (asked) break;
  }
  return changed ?? messages;
}

function withInput(inputs: readonly Input[], request: InputRequest): readonly Input[] {
  if (inputs.some((input) => input.requestId === request.request_id)) return inputs;
  const input: Input = {
    requestId: request.request_id,
    runId: request.run_id,
    kind: request.kind,
    prompt: request.prompt,
    arguments: request.arguments ?? null,
    expiresAt: request.expires_at ?? null,
    resolved: null,
  };
  return [...inputs, input];
}

function inputResolved(c: Conversation, event: Event<'input_resolved'>): Conversation {
  const { run_id, request_id, resolution, approved, value, resolved_by } = event.data;
  const resolved = {
    resolution,
    approved: approved ?? null,
    value: value ?? null,
    by: resolved_by ?? null,
    ts: event.ts,
  };
  const inputs = boundInputs(
    c.inputs.map((input) => (input.requestId === request_id ? { ...input, resolved } : input)),
  );
  const waits = inputs.some((input) => input.runId === run_id && input.resolved === null);
  return updateRun({ ...c, inputs }, run_id, (run) =>
    run.state === 'waiting_input' && !waits ? { ...run, state: 'running' } : run,
  );
}

function boundInputs(inputs: readonly Input[]): readonly Input[] {
  let excess = inputs.filter((input) => input.resolved !== null).length - MAX_RESOLVED_INPUTS;
  return excess <= 0 ? inputs : inputs.filter((input) => input.resolved === null || excess-- <= 0);
}

function withStatus(workflow: Workflow | null, runId: string, status: Workflow['status']): Workflow | null {
  if (workflow === null || workflow.workflow_id !== runId) return workflow;
  if (workflow.status !== 'running' && workflow.status !== 'waiting_input') return workflow;
  return { ...workflow, status };
}
