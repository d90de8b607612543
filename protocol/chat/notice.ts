import { z } from 'zod';

export const pingData = z.object({});
export const pongData = z.object({});
export const agentStatusData = z.object({
  agent_id: z.string(),
  status: z.enum(['online', 'draining', 'offline', 'lost']),
});
export const noticeData = z.object({
  level: z.enum(['info', 'warning', 'error']),
  code: z.string(),
  message: z.string(),
});
/** The server drains; this client is asked to come back after its own share of the window. */
export const serverClosingData = z.object({ reconnect_in_ms: z.int().nonnegative() });
/** On `/debug/...` only: how the server came to its decision. Its fields may change without a new version. */
export const debugData = z.looseObject({ kind: z.string() });
