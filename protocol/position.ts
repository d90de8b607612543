import { z } from 'zod';

/**
 * A place in one session's log: the log's random `epoch`, the `seq` of the last event that was processed
 * (0: none), and that event's `tag` (absent at 0).
 */
export const positionSchema = z.object({
  epoch: z.string().min(1).max(64),
  seq: z.int().nonnegative(),
  tag: z.string().min(1).max(64).optional(),
});
export type Position = z.infer<typeof positionSchema>;
