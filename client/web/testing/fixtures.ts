import type { Thread } from '../../../protocol/http/threads.ts';
import type { Workflow } from '../../../protocol/chat/run.ts';
import {
  type Conversation,
  type ConversationMessage,
  EMPTY_CONVERSATION,
  type Input,
  type OutgoingMessage,
  type Run,
  type Seam,
  type SessionInfo,
} from '../../sdk/index.ts';

/** The moment in which fixtures play, ms. */
export const NOON = Date.UTC(2026, 10, 20, 12, 0, 0);
export const iso = (ms: number) => new Date(ms).toISOString();

export function session(more: Partial<SessionInfo> = {}): SessionInfo {
  return {
    sessionId: 's-1',
    outcome: 'restored',
    tier: 'brief',
    previousSessionId: null,
    subject: 'ada',
    permissions: ['chat'],
    nodeId: 'node-a',
    expiresInMs: 300_000,
    ...more,
  };
}

export function person(
  seq: number,
  text: string,
  more: Partial<ConversationMessage> = {},
): ConversationMessage {
  return message(seq, 'user', text, { delivery: 'sent', id: `m-${seq}`, ...more });
}

export function answer(
  seq: number,
  text: string,
  more: Partial<ConversationMessage> = {},
): ConversationMessage {
  return message(seq, 'assistant', text, { runId: `r-${seq}`, runOutcome: 'completed', ...more });
}

export function message(
  seq: number,
  role: ConversationMessage['role'],
  text: string,
  more: Partial<ConversationMessage> = {},
): ConversationMessage {
  return {
    id: `m-${seq}`,
    seq,
    role,
    parts: [{ type: 'text', text }],
    status: 'completed',
    runId: null,
    ts: iso(NOON + seq * 1_000),
    metadata: null,
    delivery: null,
    runOutcome: null,
    toolCalls: [],
    ...more,
  };
}

export function run(runId: string, more: Partial<Run> = {}): Run {
  return {
    runId,
    messageId: null,
    retryOf: null,
    state: 'running',
    attempt: 1,
    outcome: null,
    error: null,
    toolCalls: [],
    ...more,
  };
}

export function plan(step: number, more: Partial<Workflow> = {}): Workflow {
  const names = ['gather', 'outline', 'draft', 'review', 'publish'];
  return {
    workflow_id: 'r-live',
    name: 'plan',
    step,
    total_steps: names.length,
    completed: names.slice(0, step - 1).map((name) => ({ name, result: { notes: `${name} is done` } })),
    pending: names.slice(step - 1),
    status: 'running',
    ...more,
  };
}

export function seam(more: Partial<Seam> = {}): Seam {
  return {
    afterSeq: 0,
    lostAt: NOON,
    restoredAt: NOON + 134_000,
    awayMs: 134_000,
    disconnectedMs: 134_000,
    tier: 'medium',
    outcome: 'restored',
    mode: 'replay',
    warnings: [],
    meanwhile: { events: 0, messages: 0, runsFinished: 0, toolCalls: 0, lastStep: null },
    ...more,
  };
}

export function outgoing(id: string, content: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    id,
    content,
    metadata: null,
    createdAt: NOON,
    delivery: 'queued',
    seq: null,
    error: null,
    ...more,
  };
}

export function input(more: Partial<Input> = {}): Input {
  return {
    requestId: 'i-1',
    runId: 'r-live',
    kind: 'approval',
    prompt: 'Publish the plan “kitchen garden” to the shared board?',
    arguments: { board: 'shared', pages: 3 },
    expiresAt: null,
    resolved: null,
    ...more,
  };
}

export function conversation(more: Partial<Conversation> = {}): Conversation {
  return { ...EMPTY_CONVERSATION, session: session(), ...more };
}

export function thread(id: string, more: Partial<Thread> = {}): Thread {
  return {
    session_id: id,
    title: null,
    domain: 'personal',
    workspace: 'personal',
    last_message: { role: 'assistant', text: `Said in ${id}`, ts: iso(NOON) },
    message_count: 2,
    tier: 'brief',
    expires_in_ms: null,
    archived: false,
    created_at: iso(NOON),
    updated_at: iso(NOON),
    ...more,
  };
}
