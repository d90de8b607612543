import { hash } from 'node:crypto';
import type { Json } from '../../protocol/json.ts';

/** A person's answer to a request. */
export interface GivenAnswer {
  readonly approved?: undefined | boolean;
  readonly value?: undefined | Json;
}

/** What equal answers have in common, however their objects are ordered: kept in place of a value, which may be large. */
export function answerDigest({ approved, value }: GivenAnswer): string {
  const text = `${approved ?? ''} ${value === undefined ? '' : canonical(value)}`;
  return hash('sha1', text, 'base64url');
}

/** JSON with the members of objects in one order. Values from outside are bounded in depth. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`);
  return `{${members.join(',')}}`;
}
