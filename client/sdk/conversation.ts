import type { LogEvent } from '../../protocol/chat/down.ts';
import { type JsonObject, mergePatch } from '../../protocol/merge-patch.ts';
import {
  messageAdded,
  outgoingAfter,
  outgoingAfterSnapshot,
  pageAdded,
  streamAppended,
  streamAtHead,
  streamRestarted,
  streamStarted,
  toMessage,
  withRunsOf,
} from './conversation-messages.ts';
import { reduceRunEvent, runsAtHead, workflowAfter } from './conversation-runs.ts';
import { countedInSeam, seamOf, withSeam } from './conversation-seams.ts';
import type {
  Conversation,
  ConversationMessage,
  PreviousTranscript,
  Run,
  SessionInfo,
} from './conversation-types.ts';
import type { ClientEvent } from './types.ts';

export const EMPTY_CONVERSATION: Conversation = {
  session: null,
  messages: [],
  streaming: null,
  outgoing: [],
  run: null,
  queuedRuns: [],
  lastRun: null,
  runs: {},
  workflow: null,
  inputs: [],
  context: { memory: {}, preferences: {} },
  contextSeq: 0,
  seams: [],
  previous: null,
  history: { total: 0, hasMore: false, loading: false },
  agents: {},
};

type Restored = Extract<ClientEvent, { type: 'restored' }>;

/**
 * The conversation after one more thing that happened. Pure; what did not change is shared, and the very same conversation
 * comes back when nothing changed. It trusts the order and the uniqueness of events and chunks, which `resume.ts` sees to.
 */
export function reduce(c: Conversation, event: ClientEvent): Conversation {
  switch (event.type) {
    case 'restored':
      return restored(c, event);
    case 'caught_up':
      return event.restored === null ? c : atHead(c, event.restored);
    case 'event':
      return logged(c, event.event, event.replayed);
    case 'message_started':
      return streamStarted(c, event.messageId, event.runId);
    case 'delta':
      return streamAppended(c, event.delta);
    case 'outbox':
      return outgoingAfter(c, event);
    case 'history':
      if (event.page !== null) return pageAdded(c, event.page);
      return { ...c, history: { ...c.history, loading: event.phase === 'loading' } };
    case 'context': {
      const { memory, preferences, workflow, position } = event.context;
      // An answer that events have overtaken would turn time back.
      if (position.seq < c.contextSeq) return c;
      return { ...c, context: { memory, preferences }, workflow, contextSeq: position.seq };
    }
    case 'agent_status':
      return { ...c, agents: { ...c.agents, [event.agentId]: event.status } };
    case 'state':
    case 'notice':
    case 'server_closing':
    case 'conversation':
    case 'error':
    case 'debug':
    case 'frame':
    case 'lagged':
      return c;
  }
}

/** The run of a message: the one that it asked for, or the one that wrote it. */
export function runOf(c: Conversation, message: Pick<ConversationMessage, 'id' | 'runId'>): Run | undefined {
  const active = [c.run, ...c.queuedRuns, c.lastRun];
  const isIts = (run: Run | null) =>
    run !== null && (message.runId === null ? run.messageId === message.id : run.runId === message.runId);
  const found = active.find(isIts);
  if (found !== undefined && found !== null) return found;
  if (message.runId !== null) return c.runs[message.runId];
  return Object.values(c.runs).findLast((run) => run.messageId === message.id);
}

function logged(c: Conversation, event: LogEvent, replayed: boolean): Conversation {
  const next = changedBy(c, event);
  const fresh = event.seq > c.contextSeq;
  return {
    ...next,
    // A restore's context is the head's already: what is replayed up to there is in it.
    context: fresh && event.type === 'context_updated' ? patched(c.context, event.data) : c.context,
    workflow: fresh ? workflowAfter(c.workflow, event, next) : c.workflow,
    contextSeq: fresh ? event.seq : c.contextSeq,
    seams: replayed ? countedInSeam(c, event) : c.seams,
  };
}

function changedBy(c: Conversation, event: LogEvent): Conversation {
  switch (event.type) {
    case 'message_created':
    case 'message_completed':
      return messageAdded(c, event.data.message);
    case 'message_restarted':
      return streamRestarted(c, event.data.message_id, event.data.attempt);
    case 'run_queued':
    case 'run_started':
    case 'run_recovering':
    case 'run_finished':
    case 'tool_call':
    case 'tool_result':
    case 'input_requested':
    case 'input_resolved':
      return reduceRunEvent(c, event);
    case 'step_started':
    case 'step_completed':
    case 'context_updated':
      return c;
  }
}

function patched(
  context: Conversation['context'],
  patch: { memory?: JsonObject | undefined; preferences?: JsonObject | undefined },
): Conversation['context'] {
  const merged = (target: JsonObject, p: JsonObject | undefined) =>
    p === undefined ? target : (mergePatch(target, p) as JsonObject);
  return {
    memory: merged(context.memory, patch.memory),
    preferences: merged(context.preferences, patch.preferences),
  };
}

/** We are in. A snapshot replaces the log; a replay leaves it, its events follow. Another session begins clean. */
function restored(c: Conversation, event: Restored): Conversation {
  const session = sessionInfo(event);
  const moved = c.session !== null && c.session.sessionId !== session.sessionId;
  const seam = seamOf(event);
  if (moved) return snapshot({ ...cleanAfter(c, event), seams: withSeam([], seam) }, event, session);
  const base: Conversation = { ...c, session, seams: withSeam(c.seams, seam) };
  return event.restored?.mode === 'replay' ? replaying(base, event) : snapshot(base, event, session);
}

function replaying(c: Conversation, { restored: r, session }: Restored): Conversation {
  if (r === null) return c;
  const { memory, preferences, workflow } = r.context;
  return { ...c, context: { memory, preferences }, workflow, contextSeq: session.position.seq };
}

function snapshot(c: Conversation, event: Restored, session: SessionInfo): Conversation {
  const { restored: r } = event;
  const head = event.session.position.seq;
  const sameLog = event.lost !== null && event.lost.epoch === event.session.position.epoch;
  const next: Conversation = {
    ...c,
    session,
    messages: r === null ? [] : r.history.messages.map(toMessage),
    streaming: keptStream(c, r),
    run: null,
    queuedRuns: [],
    lastRun: sameLog ? c.lastRun : null,
    runs: sameLog ? c.runs : {},
    inputs: sameLog ? c.inputs : [],
    workflow: r?.context.workflow ?? null,
    context: { memory: r?.context.memory ?? {}, preferences: r?.context.preferences ?? {} },
    contextSeq: head,
    history: { total: r?.history.total ?? 0, hasMore: r?.history.has_more ?? false, loading: false },
  };
  const told = withRunsOf(next, r?.history.messages ?? []);
  const last = told.messages.findLast((m) => m.runId !== null && m.runOutcome !== null)?.runId;
  return {
    ...told,
    lastRun: (last === undefined || last === null ? undefined : told.runs[last]) ?? told.lastRun,
    outgoing: outgoingAfterSnapshot(next),
  };
}

/** The answer in flight stays on the screen when it is the one that we hold: only what is missing of it follows. */
function keptStream(c: Conversation, r: Restored['restored']): Conversation['streaming'] {
  const held = c.streaming;
  const same = held?.messageId === r?.partial?.message_id && held?.attempt === r?.partial?.attempt;
  return same ? held : null;
}

/** At the head that the restore named. */
function atHead(c: Conversation, r: NonNullable<Restored['restored']>): Conversation {
  const at = streamAtHead(runsAtHead(c, r), r.partial);
  const { total } = r.history;
  return total === at.history.total ? at : { ...at, history: { ...at.history, total } };
}

function sessionInfo({ session, restored: r }: Restored): SessionInfo {
  return {
    sessionId: session.session_id,
    outcome: session.outcome,
    tier: session.tier,
    previousSessionId: session.previous_session_id ?? r?.previous_session_id ?? null,
    subject: session.user.subject,
    permissions: session.user.permissions,
    nodeId: session.node_id,
    expiresInMs: r?.expires_in_ms ?? null,
  };
}

/** The session is another one: what we saw of the old is kept apart, and what waits to be sent stays. */
function cleanAfter(c: Conversation, { at }: Restored): Conversation {
  const shown: ConversationMessage[] = [...c.messages];
  const seq = c.contextSeq;
  const add = (
    message: Pick<ConversationMessage, 'id' | 'role' | 'parts' | 'runId' | 'metadata' | 'status'>,
  ) =>
    shown.push({
      ...message,
      seq,
      ts: '',
      delivery: message.role === 'user' ? 'sent' : null,
      runOutcome: null,
      toolCalls: [],
    });
  for (const own of c.outgoing)
    if (own.delivery === 'sent')
      add({
        id: own.id,
        role: 'user',
        parts: [{ type: 'text', text: own.content }],
        runId: null,
        metadata: own.metadata,
        status: 'completed',
      });
  if (c.streaming !== null && c.streaming.parts.length > 0)
    add({
      id: c.streaming.messageId,
      role: 'assistant',
      parts: c.streaming.parts,
      runId: c.streaming.runId,
      metadata: null,
      status: 'partial',
    });
  const previous: PreviousTranscript = {
    sessionId: c.session?.sessionId ?? '',
    messages: shown,
    endedAt: at,
  };
  return {
    ...EMPTY_CONVERSATION,
    previous,
    outgoing: c.outgoing.filter((own) => own.delivery !== 'sent'),
  };
}
