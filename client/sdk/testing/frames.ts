import type { DownData, EventData, EventType, LogEvent } from '../../../protocol/chat/down.ts';
import type { Message } from '../../../protocol/chat/message.ts';
import type { ErrorType } from '../../../protocol/errors.ts';

// Frames of the server, as short as a script likes them.

export const TS = '2026-11-20T12:00:00.000Z';
export const EPOCH = 'epoch-1';

export const established = {
  type: 'connection_established',
  data: { message: 'Connection established, waiting for authentication' },
};

export function success(
  seq: number,
  more: Partial<DownData<'connection_success'>> = {},
): { type: 'connection_success'; data: DownData<'connection_success'> } {
  return {
    type: 'connection_success',
    data: {
      message: 'Connected',
      session_id: 'session-1',
      session_token: 'token-1',
      position: { epoch: EPOCH, seq, ...(seq === 0 ? {} : { tag: tagOf(seq) }) },
      outcome: 'restored',
      tier: 'brief',
      user: { subject: 'ada', permissions: ['chat'] },
      heartbeat_interval_ms: 25_000,
      reconnect: { min_ms: 500, max_ms: 30_000, jitter: 'full' },
      protocol_version: 1,
      node_id: 'node-1',
      ...more,
    },
  };
}

export function restored(more: Partial<DownData<'session_restored'>> = {}): {
  type: 'session_restored';
  data: DownData<'session_restored'>;
} {
  return {
    type: 'session_restored',
    data: {
      outcome: 'restored',
      tier: 'brief',
      mode: 'replay',
      disconnected_ms: 1000,
      away_ms: 1000,
      expires_in_ms: 300_000,
      warnings: [],
      context: { memory: {}, preferences: {}, workflow: null, tool_calls: [] },
      history: { messages: [], total: 0, has_more: false },
      replay: null,
      run: null,
      queued_runs: [],
      partial: null,
      ...more,
    },
  };
}

export const tagOf = (seq: number): string => `tag-${seq}`;

export function event<T extends EventType>(seq: number, type: T, data: EventData<T>): LogEvent {
  return { type, data, seq, tag: tagOf(seq), ts: TS } as LogEvent;
}

export function message(seq: number, id: string, text: string, more: Partial<Message> = {}): Message {
  return { id, seq, role: 'user', parts: [{ type: 'text', text }], status: 'completed', ts: TS, ...more };
}

export function delta(
  messageId: string,
  index: number,
  text: string,
  attempt = 1,
): { type: 'message_delta'; data: DownData<'message_delta'> } {
  return {
    type: 'message_delta',
    data: { message_id: messageId, attempt, index, part: 0, kind: 'text', delta: text },
  };
}

export function delivered(
  id: string,
  seq: number | null,
  status: 'success' | 'duplicate' = 'success',
): object {
  return {
    type: 'message_delivered',
    reply_to: id,
    data: { original_type: 'chat_message', message_id: id, seq, status },
  };
}

export function errorFrame(
  errorType: ErrorType,
  code: number,
  more: Partial<DownData<'error'>> = {},
  replyTo?: string,
): object {
  const data = { message: `told: ${errorType}`, error_type: errorType, code, retryable: false, ...more };
  return { type: 'error', data, ...(replyTo === undefined ? {} : { reply_to: replyTo }) };
}
