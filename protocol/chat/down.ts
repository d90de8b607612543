import type { z } from 'zod';
import { errorData } from '../errors.ts';
import { contextData, contextPatchSchema } from './context.ts';
import {
  connectionEstablishedData,
  connectionSuccessData,
  disconnectData,
  messageDeliveredData,
} from './handshake.ts';
import {
  messageCompletedData,
  messageCreatedData,
  messageDeltaData,
  messageRestartedData,
  messageStartedData,
} from './message.ts';
import { agentStatusData, debugData, noticeData, pongData, serverClosingData } from './notice.ts';
import { historySchema, sessionRestoredData } from './restore.ts';
import {
  inputRequestedData,
  inputResolvedData,
  runFinishedData,
  runQueuedData,
  runRecoveringData,
  runStartedData,
  stepCompletedData,
  stepStartedData,
  toolCallData,
  toolResultData,
} from './run.ts';

/** The events of a session's log: each has `seq`, `tag` and `ts`, is stored, and is replayed. */
export const EVENTS = {
  message_created: messageCreatedData,
  run_queued: runQueuedData,
  run_started: runStartedData,
  run_recovering: runRecoveringData,
  run_finished: runFinishedData,
  step_started: stepStartedData,
  step_completed: stepCompletedData,
  tool_call: toolCallData,
  tool_result: toolResultData,
  input_requested: inputRequestedData,
  input_resolved: inputResolvedData,
  message_restarted: messageRestartedData,
  message_completed: messageCompletedData,
  context_updated: contextPatchSchema,
} as const;

/** Every other message that the server may send on the chat plane. */
export const UNLOGGED = {
  connection_established: connectionEstablishedData,
  connection_success: connectionSuccessData,
  message_delivered: messageDeliveredData,
  session_restored: sessionRestoredData,
  error: errorData,
  disconnect: disconnectData,
  message_started: messageStartedData,
  message_delta: messageDeltaData,
  history: historySchema,
  context: contextData,
  pong: pongData,
  agent_status: agentStatusData,
  notice: noticeData,
  server_closing: serverClosingData,
  debug: debugData,
} as const;

export const DOWN = { ...EVENTS, ...UNLOGGED } as const;

export type EventType = keyof typeof EVENTS;
export type EventData<T extends EventType> = z.output<(typeof EVENTS)[T]>;
export type DownType = keyof typeof DOWN;
export type DownData<T extends DownType> = z.output<(typeof DOWN)[T]>;

/** One event of the log, as stored and as sent. */
export type LogEvent = {
  [T in EventType]: {
    readonly type: T;
    readonly data: EventData<T>;
    readonly seq: number;
    readonly tag: string;
    readonly ts: string;
  };
}[EventType];

/** An event that has been decided on but has no place in the log yet. */
export type NewEvent = { [T in EventType]: { readonly type: T; readonly data: EventData<T> } }[EventType];

export const isEventType = (type: string): type is EventType => Object.hasOwn(EVENTS, type);
