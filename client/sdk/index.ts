export {
  DEFAULT_OPERATION_TIMEOUT_MS,
  DEFAULT_OUTBOX_MAX_BYTES,
  DEFAULT_RECONNECT,
  HoldfastClient,
} from './client.ts';
export { systemClock } from './clock.ts';
export type { ConnectionState, Line, ReconnectWindow, WaitReason } from './connection-types.ts';
export { EMPTY_CONVERSATION, reduce, runOf } from './conversation.ts';
export type * from './conversation-types.ts';
export * from './errors.ts';
export type * from './ports.ts';
export { systemRandom } from './random.ts';
export { browserSignals } from './signals.ts';
export { memoryStorage, type WebStorageLike, webStorage } from './storage.ts';
export { webSocketTransport } from './transport.ts';
export type * from './types.ts';
