import type { Json } from '../../../protocol/json.ts';

/** What is shown in the field: texts as they are, everything else as JSON. */
export function toEditable(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export type Edited =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly reason: string };

/**
 * What a person meant: a text stays a text, anything else stays JSON. `null` would delete the entry (RFC 7386), so it is
 * refused here; deleting is a button.
 */
export function fromEditable(text: string, before: Json | undefined): Edited {
  if (before === undefined || typeof before === 'string') return { ok: true, value: text };
  try {
    const value = JSON.parse(text) as Json;
    return value === null ? { ok: false, reason: 'To delete it, use Delete.' } : { ok: true, value };
  } catch {
    return { ok: false, reason: 'That is not JSON.' };
  }
}

/** A key that can be added, or why it cannot. */
export function keyFault(key: string, taken: readonly string[]): string | null {
  if (key === '') return 'A name is missing.';
  if (key === '__proto__') return 'That name is not allowed.';
  return taken.includes(key) ? 'That name is there already.' : null;
}
