import type { z } from 'zod';
import { channelJoinData, channelLeaveData, channelMessageData } from './channel.ts';
import { contextPatchSchema, contextRequestData } from './context.ts';
import { authRefreshData, connectData, disconnectUpData } from './handshake.ts';
import { chatMessageData } from './message.ts';
import { pingData } from './notice.ts';
import { historyRequestData } from './restore.ts';
import { inputRespondData, runCancelData, runRetryData } from './run.ts';

/** Every message that a client may send, by type. */
export const UP = {
  connect: connectData,
  auth_refresh: authRefreshData,
  chat_message: chatMessageData,
  run_cancel: runCancelData,
  run_retry: runRetryData,
  input_respond: inputRespondData,
  context_update: contextPatchSchema,
  context_request: contextRequestData,
  history_request: historyRequestData,
  ping: pingData,
  channel_join: channelJoinData,
  channel_leave: channelLeaveData,
  channel_message: channelMessageData,
  disconnect: disconnectUpData,
} as const;

export type UpType = keyof typeof UP;
/** What a client writes into `data` (defaults may be left out). */
export type UpInput<T extends UpType> = z.input<(typeof UP)[T]>;
/** What the server reads out of it. */
export type UpData<T extends UpType> = z.output<(typeof UP)[T]>;

/** Types that change the session: each needs the client's own `id` and is stored at most once. */
export const STATE_CHANGING = [
  'chat_message',
  'run_cancel',
  'run_retry',
  'input_respond',
  'context_update',
  'channel_message',
] as const satisfies readonly UpType[];
export type StateChangingType = (typeof STATE_CHANGING)[number];

export const isUpType = (type: string): type is UpType => Object.hasOwn(UP, type);
export const isStateChanging = (type: UpType): type is StateChangingType =>
  (STATE_CHANGING as readonly UpType[]).includes(type);
