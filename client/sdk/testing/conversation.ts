import type { EventData, EventType, LogEvent } from '../../../protocol/chat/down.ts';
import type { Workflow } from '../../../protocol/chat/run.ts';
import { EMPTY_CONVERSATION, reduce } from '../conversation.ts';
import type { Conversation } from '../conversation-types.ts';
import type { ClientEvent } from '../types.ts';
import { event, message, restored, success } from './frames.ts';

// Conversations as a few events make them.

export const AT = 1_000_000;
export const log = (c: Conversation, ...events: LogEvent[]): Conversation =>
  events.reduce((state, e) => reduce(state, { type: 'event', event: e, replayed: false }), c);
/** A conversation after these events, numbered from 1. */
export const fold = (...events: [EventType, EventData<EventType>][]): Conversation =>
  log(fresh(), ...events.map(([type, data], i) => event(i + 1, type, data)));

export const RUN = { run_id: 'run-1', message_id: 'message-1' };
export const asked: [EventType, EventData<EventType>] = [
  'message_created',
  { message: message(1, 'message-1', 'hello') },
];
export const queued: [EventType, EventData<EventType>] = ['run_queued', RUN];
export const started: [EventType, EventData<EventType>] = ['run_started', { ...RUN, attempt: 1 }];
export const workflow: Workflow = {
  workflow_id: 'run-1',
  name: 'plan',
  step: 4,
  total_steps: 5,
  completed: [{ name: 'gather', result: 1 }],
  pending: ['review', 'publish'],
  status: 'running',
};

type RestoreOf = Parameters<typeof restored>[0];
export function restoredEvent(
  seq: number,
  more: RestoreOf | null,
  lost: { at: number | null; seq: number; epoch: string } | null = null,
  session: Parameters<typeof success>[1] = {},
): Extract<ClientEvent, { type: 'restored' }> {
  return {
    type: 'restored',
    at: AT,
    session: success(seq, session).data,
    restored: more === null ? null : restored(more).data,
    lost,
  };
}
/** A restore with nothing to replay: both of its ends. */
export function restore(
  c: Conversation,
  seq: number,
  more: RestoreOf,
  lost: Parameters<typeof restoredEvent>[2] = null,
  session: Parameters<typeof success>[1] = {},
): Conversation {
  const begun = reduce(c, restoredEvent(seq, more, lost, session));
  return reduce(begun, { type: 'caught_up', at: AT, restored: restored(more).data });
}
export function fresh(): Conversation {
  return reduce(EMPTY_CONVERSATION, restoredEvent(0, null, null, { outcome: 'fresh' }));
}
