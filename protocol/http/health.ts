import { z } from 'zod';

export const healthSchema = z.object({
  status: z.enum(['ok', 'degraded']),
  store: z.enum(['sqlite', 'redis']),
  database: z.enum(['connected', 'disconnected']),
  /** Seconds since the process was ready. */
  uptime: z.number().nonnegative(),
});
export const readySchema = z.object({
  ready: z.boolean(),
  agents_connected: z.int().nonnegative(),
  connections: z.int().nonnegative(),
});
