import { z } from 'zod';
import { jsonObject } from '../json.ts';
import { positionSchema } from '../position.ts';
import { toolCallRecordSchema, workflowSchema } from './run.ts';

/** What a session knows besides its log: agent memory, preferences, workflow, newest tool calls (oldest first). */
export const contextSchema = z.object({
  memory: jsonObject,
  preferences: jsonObject,
  workflow: workflowSchema.nullable(),
  tool_calls: z.array(toolCallRecordSchema),
});

/** Both directions: a merge patch by RFC 7386 for memory, preferences or both. */
export const contextPatchSchema = z
  .object({ memory: jsonObject.optional(), preferences: jsonObject.optional() })
  .refine((p) => p.memory !== undefined || p.preferences !== undefined, {
    error: 'must carry memory or preferences',
    when: (p) => p.issues.length === 0,
  });
export type ContextPatch = {
  memory?: z.infer<typeof jsonObject> | undefined;
  preferences?: z.infer<typeof jsonObject> | undefined;
};

export const contextRequestData = z.object({});
export const contextData = z.object({ ...contextSchema.shape, position: positionSchema });
