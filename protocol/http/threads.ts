import { z } from 'zod';
import { tierSchema } from '../chat/handshake.ts';
import { roleSchema } from '../chat/message.ts';
import { historySchema, MAX_HISTORY_LIMIT } from '../chat/restore.ts';
import { label, messageId, serverId, timestamp } from '../ids.ts';

export const MAX_TITLE_CHARACTERS = 200;
export const titleSchema = z.string().trim().min(1).max(MAX_TITLE_CHARACTERS);

/** A session as the list of threads shows it. */
export const threadSchema = z.object({
  session_id: serverId,
  title: z.string().nullable(),
  domain: label,
  workspace: label,
  last_message: z
    .object({ role: roleSchema, text: z.string(), ts: timestamp })
    .nullable()
    .meta({ description: 'The newest message, its text cut to 200 characters' }),
  message_count: z.int().nonnegative(),
  tier: tierSchema,
  /** `null` while a connection is attached (nothing runs out) and once it is archived. */
  expires_in_ms: z.int().nonnegative().nullable(),
  archived: z.boolean(),
  created_at: timestamp,
  updated_at: timestamp,
});
export type Thread = z.infer<typeof threadSchema>;

export const threadListQuery = z.object({
  domain: label.optional(),
  workspace: label.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(256).optional(),
});
export const threadListSchema = z.object({
  threads: z.array(threadSchema),
  next_cursor: z.string().nullable(),
});
export type ThreadList = z.infer<typeof threadListSchema>;

export const threadCreateSchema = z.object({
  /** Makes the creation repeatable: the same id gives the same thread. */
  id: messageId.optional(),
  title: titleSchema.optional(),
  domain: label.default('personal'),
  workspace: label.default('personal'),
});
export const threadPatchSchema = z.object({ title: titleSchema });

export const threadQuery = z.object({
  before_seq: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(MAX_HISTORY_LIMIT).optional(),
  /** A comma-separated list. */
  roles: z
    .string()
    .transform((s) => s.split(','))
    .pipe(z.array(roleSchema).min(1).max(3))
    .optional(),
});
export const threadDetailSchema = z.object({ ...threadSchema.shape, history: historySchema });
export type ThreadDetail = z.infer<typeof threadDetailSchema>;
