export type { ConnectionState, Line, ReconnectWindow, WaitReason } from './connection-types.ts';
export type * from './conversation-types.ts';
export * from './errors.ts';
export type * from './ports.ts';
export type * from './types.ts';
