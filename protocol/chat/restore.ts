import { z } from 'zod';
import { serverId } from '../ids.ts';
import { contextSchema } from './context.ts';
import { outcomeSchema, tierSchema } from './handshake.ts';
import { chunkSchema, messageSchema, roleSchema } from './message.ts';
import { runOutcomeSchema, runViewSchema, toolCallRecordSchema } from './run.ts';

/** A message as history shows it: with what its run came to, once it has ended. */
export const historyMessageSchema = z.object({
  ...messageSchema.shape,
  run_outcome: runOutcomeSchema.optional(),
  tool_calls: z.array(toolCallRecordSchema).optional(),
});
export type HistoryMessage = z.infer<typeof historyMessageSchema>;

export const historySchema = z.object({
  messages: z.array(historyMessageSchema),
  total: z.int().nonnegative(),
  has_more: z.boolean(),
});
export type History = z.infer<typeof historySchema>;

/** The most messages one `history` may carry. */
export const MAX_HISTORY_LIMIT = 500;
export const historyRequestData = z.object({
  before_seq: z.int().positive().optional(),
  limit: z.int().positive().max(MAX_HISTORY_LIMIT).optional(),
  roles: z.array(roleSchema).min(1).max(3).optional(),
});

/** Something worth telling after an absence. Translated by `code`. */
export const warningSchema = z.object({ code: z.string(), message: z.string() });
export type Warning = z.infer<typeof warningSchema>;

export const partialSchema = z.object({
  message_id: serverId,
  attempt: z.int().positive(),
  from_index: z.int().nonnegative(),
  chunks: z.array(chunkSchema),
});

/** The state at the position that `connection_success` named. */
export const sessionRestoredData = z.object({
  outcome: outcomeSchema,
  tier: tierSchema,
  mode: z.enum(['replay', 'snapshot']),
  previous_session_id: serverId.optional(),
  disconnected_ms: z.int().nonnegative(),
  away_ms: z.int().nonnegative(),
  /** How long the session would outlive the moment in which its last connection goes. */
  expires_in_ms: z.int().nonnegative(),
  warnings: z.array(warningSchema),
  context: contextSchema,
  history: historySchema,
  replay: z.object({ from_seq: z.int().positive(), to_seq: z.int().positive() }).nullable(),
  run: runViewSchema.nullable(),
  queued_runs: z.array(runViewSchema),
  partial: partialSchema.nullable(),
});
export type SessionRestoredData = z.infer<typeof sessionRestoredData>;
