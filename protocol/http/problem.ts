import { z } from 'zod';
import { errorTypeSchema, issueSchema } from '../errors.ts';

/** An error over HTTP: an RFC 9457 problem document, `application/problem+json`. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  error_type: errorTypeSchema.optional(),
  issues: z.array(issueSchema).optional(),
  retry_after_ms: z.int().optional(),
});
export type Problem = z.infer<typeof problemSchema>;
