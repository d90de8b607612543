import type { DownData, DownType, EventType, LogEvent } from '../../protocol/chat/down.ts';
import type { UpInput, UpType } from '../../protocol/chat/up.ts';

/** A frame from the server that has the shape of one. `data` is as the contract says for its type: the server is trusted with that. */
export interface Frame {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly id?: string;
  readonly reply_to?: string;
  readonly seq?: number;
  readonly tag?: string;
  readonly ts?: string;
}

/** A place in the log: any frame that has one moves the position, also one of a type that this version does not know. */
export type LoggedFrame = Frame & { readonly seq: number; readonly tag: string };

/** Every type of the log; `satisfies` and the check below keep it equal to the protocol's, without its schemas. */
const EVENT_TYPES = {
  message_created: true,
  run_queued: true,
  run_started: true,
  run_recovering: true,
  run_finished: true,
  step_started: true,
  step_completed: true,
  tool_call: true,
  tool_result: true,
  input_requested: true,
  input_resolved: true,
  message_restarted: true,
  message_completed: true,
  context_updated: true,
} as const satisfies Record<EventType, true>;

/** Types whose `seq`, if any, is not the session's: channels are logs of their own. */
const OTHER_LOGS: ReadonlySet<string> = new Set([
  'channel_message',
  'channel_joined',
  'channel_left',
  'presence',
]);

/** Reads one text frame; `undefined` when it is none. Checks the envelope only. */
export function parseFrame(text: string): Frame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || typeof value.type !== 'string' || !isRecord(value.data)) return undefined;
  const { seq, tag, reply_to } = value;
  if (seq !== undefined && !(Number.isSafeInteger(seq) && (seq as number) > 0)) return undefined;
  if (tag !== undefined && typeof tag !== 'string') return undefined;
  if (reply_to !== undefined && typeof reply_to !== 'string') return undefined;
  if (Object.hasOwn(EVENT_TYPES, value.type) && (seq === undefined || tag === undefined)) return undefined;
  return value as unknown as Frame;
}

/** Whether the frame is an event of the session's log. */
export function isLogged(frame: Frame): frame is LoggedFrame {
  return frame.seq !== undefined && frame.tag !== undefined && !OTHER_LOGS.has(frame.type);
}

/** Whether this version knows what the event means. */
export function isKnownEvent(frame: Frame): frame is Frame & LogEvent {
  return Object.hasOwn(EVENT_TYPES, frame.type);
}

/** `data` as that of one type of frame. */
export function dataOf<T extends DownType>(frame: Frame, type: T): DownData<T> | undefined {
  return frame.type === type ? (frame.data as unknown as DownData<T>) : undefined;
}

/** One frame to the server as text. */
export function encodeFrame<T extends UpType>(type: T, data: UpInput<T>, id?: string): string {
  return JSON.stringify(id === undefined ? { type, data } : { type, id, data });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
