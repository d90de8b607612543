import { z } from 'zod';
import { serverId, timestamp } from '../ids.ts';
import { jsonValue } from '../json.ts';

export const runOutcomeSchema = z.enum(['completed', 'failed', 'canceled', 'lost']);
export type RunOutcome = z.infer<typeof runOutcomeSchema>;

/** Why a run failed, in words that are safe to show. */
export const runErrorSchema = z.object({ code: z.string(), message: z.string() });

const runRef = {
  run_id: serverId,
  /** The person's message that the run answers. */
  message_id: z.string(),
  retry_of: serverId.optional(),
};

/** `ahead`: it was put before the runs that were queued already (an interrupt). */
export const runQueuedData = z.object({ ...runRef, ahead: z.boolean().optional() });
export const runStartedData = z.object({ ...runRef, attempt: z.int().positive() });
/** Another process took the run over. `handover` (a drain) does not count as a death, `executor_lost` does. */
export const runRecoveringData = z.object({
  ...runRef,
  attempt: z.int().positive(),
  reason: z.enum(['executor_lost', 'handover']),
});
export const runFinishedData = z.object({
  ...runRef,
  attempt: z.int().nonnegative(),
  outcome: runOutcomeSchema,
  error: runErrorSchema.optional(),
});

/** A workflow's position. `step` counts from 1 and is the one in hand; `pending` begins with it. */
export const workflowSchema = z.object({
  workflow_id: serverId,
  name: z.string(),
  step: z.int().nonnegative(),
  total_steps: z.int().positive(),
  completed: z.array(z.object({ name: z.string(), result: jsonValue })),
  pending: z.array(z.string()),
  status: z.enum(['running', 'waiting_input', 'completed', 'failed', 'canceled']),
});
export type Workflow = z.infer<typeof workflowSchema>;

export const stepSchema = z.object({
  index: z.int().positive(),
  name: z.string(),
  status: z.enum(['running', 'completed', 'failed', 'canceled']),
});
export const stepStartedData = z.object({ run_id: serverId, step: stepSchema, workflow: workflowSchema });
export const stepCompletedData = z.object({ run_id: serverId, step: stepSchema, workflow: workflowSchema });

export const toolErrorSchema = z.object({ code: z.string(), message: z.string() });
export const toolCallData = z.object({
  run_id: serverId,
  tool_call_id: serverId,
  name: z.string(),
  arguments: jsonValue,
});
export const toolResultData = z.object({
  run_id: serverId,
  tool_call_id: serverId,
  result: jsonValue.optional(),
  error: toolErrorSchema.optional(),
});

/** A tool call with its result, as `context` and `history` carry it. */
export const toolCallRecordSchema = z.object({
  ...toolCallData.shape,
  result: jsonValue.optional(),
  error: toolErrorSchema.optional(),
});
export type ToolCallRecord = z.infer<typeof toolCallRecordSchema>;

export const inputRequestedData = z.object({
  run_id: serverId,
  request_id: serverId,
  kind: z.enum(['approval', 'question']),
  prompt: z.string(),
  arguments: jsonValue.optional(),
  expires_at: timestamp.optional(),
});
export type InputRequest = z.infer<typeof inputRequestedData>;
export const inputResolvedData = z.object({
  run_id: serverId,
  request_id: serverId,
  resolution: z.enum(['answered', 'expired', 'canceled']),
  approved: z.boolean().optional(),
  value: jsonValue.optional(),
  /** The subject that answered. */
  resolved_by: z.string().optional(),
});

export const runCancelData = z.object({ run_id: serverId });
export const runRetryData = z.object({ run_id: serverId });
/** The most answers that one `input_respond` may carry. */
export const MAX_INPUT_RESPONSES = 64;
/** The most bytes of JSON that one answer's `value` may have. */
export const MAX_INPUT_VALUE_BYTES = 65_536;
export const inputResponseSchema = z
  .object({
    request_id: serverId,
    approved: z.boolean().optional(),
    value: jsonValue
      .refine((v) => new TextEncoder().encode(JSON.stringify(v)).length <= MAX_INPUT_VALUE_BYTES, {
        error: `must have at most ${MAX_INPUT_VALUE_BYTES} bytes as JSON`,
        when: (p) => p.issues.length === 0,
      })
      .optional(),
  })
  .refine((r) => r.approved !== undefined || r.value !== undefined, {
    error: 'must carry approved or value',
    when: (p) => p.issues.length === 0,
  });
export const inputRespondData = z.object({
  responses: z
    .array(inputResponseSchema)
    .min(1)
    .max(MAX_INPUT_RESPONSES)
    .refine((r) => new Set(r.map((x) => x.request_id)).size === r.length, {
      error: 'must not answer a request twice',
      when: (p) => p.issues.length === 0,
    }),
});
export type InputResponse = z.infer<typeof inputResponseSchema>;

/** A run as a restore shows it. */
export const runViewSchema = z.object({
  run_id: serverId,
  message_id: z.string(),
  state: z.enum(['queued', 'running', 'waiting_input', 'recovering']),
  retry_of: serverId.optional(),
  pending_inputs: z.array(inputRequestedData),
});
export type RunView = z.infer<typeof runViewSchema>;
