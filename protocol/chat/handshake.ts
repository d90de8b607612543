import { z } from 'zod';
import { label, messageId, serverId } from '../ids.ts';
import { positionSchema } from '../position.ts';

export const connectionEstablishedData = z.object({ message: z.string() });
export const CONNECTION_ESTABLISHED_MESSAGE = 'Connection established, waiting for authentication';

/** Where a client stands in the message in flight: it holds the chunks before `next_index` of that attempt. */
export const partialPositionSchema = z.object({
  message_id: serverId,
  attempt: z.int().positive(),
  next_index: z.int().nonnegative(),
});
export type PartialPosition = z.infer<typeof partialPositionSchema>;

/** The one message before authentication. An empty or missing `api_key` is `invalid_key`, checked apart. */
export const connectData = z
  .object({
    api_key: z.string().min(1).max(8192),
    connection_type: z.enum(['chat', 'dashboard']).default('chat'),
    domain: label.default('personal'),
    workspace: label.default('personal'),
    session_token: z.string().min(1).max(8192).optional(),
    session_id: serverId.optional(),
    position: positionSchema.optional(),
    partial: partialPositionSchema.optional(),
    protocol_version: z.int().optional(),
    client: z.object({ name: z.string().max(128), version: z.string().max(64) }).optional(),
  })
  .refine((c) => c.session_token === undefined || c.session_id === undefined, {
    error: 'must not go with session_token',
    path: ['session_id'],
    when: (p) => p.issues.length === 0,
  });
export type ConnectData = z.infer<typeof connectData>;

export const outcomeSchema = z.enum(['fresh', 'restored', 'expired', 'reset']);
export type Outcome = z.infer<typeof outcomeSchema>;
export const tierSchema = z.enum(['brief', 'medium', 'expired']);
export type Tier = z.infer<typeof tierSchema>;

export const permissionSchema = z.enum(['chat', 'operate', 'admin']);
export type Permission = z.infer<typeof permissionSchema>;
export const userSchema = z.object({ subject: z.string(), permissions: z.array(permissionSchema) });

export const connectionSuccessData = z.object({
  message: z.literal('Connected'),
  session_id: serverId,
  session_token: z.string(),
  position: positionSchema,
  outcome: outcomeSchema,
  tier: tierSchema,
  previous_session_id: serverId.optional(),
  user: userSchema,
  heartbeat_interval_ms: z.int().nonnegative(),
  reconnect: z.object({ min_ms: z.int(), max_ms: z.int(), jitter: z.literal('full') }),
  protocol_version: z.int(),
  node_id: z.string(),
});
export type ConnectionSuccessData = z.infer<typeof connectionSuccessData>;

/** The acknowledgement of a message: of `connect` (with `message`), and of each state-changing one (with the rest). */
export const messageDeliveredData = z.object({
  message: z.string().optional(),
  original_type: z.string(),
  message_id: messageId.optional(),
  /** The event that answers the message (its `message_created`, `run_finished`, ...); `null` when it led to none. */
  seq: z.int().positive().nullable().optional(),
  status: z.enum(['success', 'duplicate']),
});
export const AUTHENTICATED_MESSAGE = 'Authentication message received and processed';

export const authRefreshData = z.object({ api_key: z.string().min(1).max(8192) });
/** Both ways: a client says goodbye with `{}`, the server says why it is about to close. */
export const disconnectUpData = z.object({});
export const disconnectData = z.object({ reason: z.string() });
