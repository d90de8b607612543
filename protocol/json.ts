import { z } from 'zod';
import { isPlainObject, type Json, type JsonObject } from './merge-patch.ts';

export { type Json, type JsonObject, mergePatch } from './merge-patch.ts';

/** How deep a JSON value from outside may nest; deeper ones could overflow a recursive serialiser. */
export const MAX_JSON_DEPTH = 64;

/** Why a parsed JSON value cannot be taken, or `undefined`. Iterative, so that depth itself cannot hurt. */
export function jsonFault(value: unknown): string | undefined {
  const stack: { value: unknown; depth: number }[] = [{ value, depth: 1 }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    // JSON.parse reads 1e400 as Infinity, which JSON.stringify writes as null: live and restored values would differ.
    if (typeof top.value === 'number' && !Number.isFinite(top.value))
      return 'must not hold a number beyond 1.8e308';
    if (typeof top.value !== 'object' || top.value === null) continue;
    if (top.depth > MAX_JSON_DEPTH) return `must not nest deeper than ${MAX_JSON_DEPTH}`;
    if (Object.hasOwn(top.value, '__proto__')) return 'must not use the key __proto__';
    for (const child of Object.values(top.value)) stack.push({ value: child, depth: top.depth + 1 });
  }
  return undefined;
}

/** A JSON object of bounded depth. Its values are not copied: a parsed frame is owned by whoever parsed it. */
export const jsonObject = z
  .custom<JsonObject>(isPlainObject, 'expected an object')
  .superRefine((value, ctx) => {
    const fault = jsonFault(value);
    if (fault !== undefined) ctx.addIssue({ code: 'custom', message: fault });
  })
  .meta({ type: 'object' });

/** Any JSON value of bounded depth. */
export const jsonValue = z
  .custom<Json>((v) => v !== undefined, 'expected a JSON value')
  .superRefine((value, ctx) => {
    const fault = jsonFault(value);
    if (fault !== undefined) ctx.addIssue({ code: 'custom', message: fault });
  })
  .meta({});
