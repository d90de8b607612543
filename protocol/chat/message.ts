import { z } from 'zod';
import { serverId, timestamp } from '../ids.ts';
import { jsonObject, jsonValue } from '../json.ts';

/** How many characters a person's message may have. */
export const MAX_CONTENT_CHARACTERS = 100_000;
/** How many bytes of JSON its metadata may have. */
export const MAX_METADATA_BYTES = 4096;

const characters = (s: string) => (s.length <= MAX_CONTENT_CHARACTERS ? s.length : [...s].length);

export const contentSchema = z
  .string()
  .min(1)
  // A cheap bound first: a character is at most two UTF-16 units.
  .max(2 * MAX_CONTENT_CHARACTERS, `must have at most ${MAX_CONTENT_CHARACTERS} characters`)
  .refine((s) => characters(s) <= MAX_CONTENT_CHARACTERS, {
    error: `must have at most ${MAX_CONTENT_CHARACTERS} characters`,
  });

export const metadataSchema = jsonObject.refine(
  (m) => new TextEncoder().encode(JSON.stringify(m)).length <= MAX_METADATA_BYTES,
  { error: `must have at most ${MAX_METADATA_BYTES} bytes as JSON`, when: (p) => p.issues.length === 0 },
);

export const roleSchema = z.enum(['user', 'assistant', 'system']);
export type Role = z.infer<typeof roleSchema>;

export const partSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('reasoning'), text: z.string() }),
  z.object({ type: z.literal('data'), name: z.string(), data: jsonValue }),
]);
export type Part = z.infer<typeof partSchema>;

/** One message of the conversation. `seq` is that of the event that brought it. */
export const messageSchema = z.object({
  id: z.string(),
  seq: z.int().positive(),
  role: roleSchema,
  parts: z.array(partSchema),
  status: z.enum(['completed', 'partial']),
  run_id: serverId.optional(),
  ts: timestamp,
  metadata: jsonObject.optional(),
});
export type Message = z.infer<typeof messageSchema>;

/** client -> server: a person's message. */
export const chatMessageData = z.object({
  content: contentSchema,
  on_busy: z.enum(['enqueue', 'reject', 'interrupt']).default('enqueue'),
  metadata: metadataSchema.optional(),
});
export type ChatMessageData = z.infer<typeof chatMessageData>;

/** In the log: a person's message was stored. */
export const messageCreatedData = z.object({ message: messageSchema });
/** Buffer: an answer began. */
export const messageStartedData = z.object({ message_id: serverId, run_id: serverId });

export const chunkSchema = z.object({
  index: z.int().nonnegative(),
  /** Which part of the message the text belongs to, counted from 0. */
  part: z.int().nonnegative(),
  kind: z.enum(['text', 'reasoning']),
  delta: z.string(),
});
export type Chunk = z.infer<typeof chunkSchema>;

/** Buffer: one stored chunk of the answer in flight. */
export const messageDeltaData = z.object({
  message_id: serverId,
  attempt: z.int().positive(),
  ...chunkSchema.shape,
});
export type MessageDeltaData = z.infer<typeof messageDeltaData>;

/** In the log: the answer begins anew; the text of earlier attempts is discarded. */
export const messageRestartedData = z.object({ message_id: serverId, attempt: z.int().positive() });
/** In the log: the whole answer; it replaces its chunks. */
export const messageCompletedData = z.object({ message: messageSchema });
