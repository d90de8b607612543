import type { z } from 'zod';
import type { Issue } from '../errors.ts';
import { MESSAGE_ID_PATTERN } from '../ids.ts';
import { isStateChanging, UP, type UpData, type UpType } from './up.ts';

export type UpMessage = { [T in UpType]: { readonly type: T; readonly data: UpData<T> } }[UpType];

export type ParsedUp =
  | { readonly ok: true; readonly message: UpMessage }
  | { readonly ok: false; readonly issues: Issue[] };

/**
 * Reads `data` by the schema of a known type, and checks the `id` that state-changing types need.
 * Issues name the place (`id`, `data.content`) and the rule, never the value.
 */
export function parseUp(type: UpType, data: unknown, id: string | undefined): ParsedUp {
  const issues: Issue[] = [];
  if (isStateChanging(type) && (id === undefined || !MESSAGE_ID_PATTERN.test(id)))
    issues.push({ path: 'id', message: 'must be 8 to 64 of A-Z a-z 0-9 _ -' });
  const result = (UP[type] as z.ZodType).safeParse(data, { reportInput: false });
  if (!result.success)
    for (const issue of result.error.issues)
      issues.push({ path: ['data', ...issue.path].join('.'), message: issue.message });
  if (issues.length > 0) return { ok: false, issues: issues.slice(0, 20) };
  return { ok: true, message: { type, data: result.data } as UpMessage };
}
