import type { Part } from '../../../protocol/chat/message.ts';
import type { Json } from '../../../protocol/json.ts';

/** The text of a message without its reasoning and data. */
export function textOf(parts: readonly Part[]): string {
  return parts
    .filter((part) => part.type === 'text')
    .map((part) => part.text)
    .join('\n\n');
}

/** One line of at most `length` characters. */
export function excerpt(text: string, length: number): string {
  // White space can shrink, but nobody waits for megabytes of it.
  const line = text
    .slice(0, 1_000 + 20 * length)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= length ? line : `${line.slice(0, length - 1).trimEnd()}…`;
}

/** The first `length` characters; one that takes two units is not cut in its middle. */
export function cut(text: string, length: number): string {
  const end = /[\uD800-\uDBFF]/.test(text[length - 1] ?? '') ? length - 1 : length;
  return text.slice(0, end);
}

/** Longer JSON is not indented: indentation could make it a hundred times as long. */
const MAX_INDENTED_CHARACTERS = 20_000;

/** A JSON value for people to read: texts without quotes, everything else indented. */
export function readable(value: Json | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  try {
    const compact = JSON.stringify(value);
    return compact.length > MAX_INDENTED_CHARACTERS ? compact : JSON.stringify(value, null, 2);
  } catch {
    return '(nested too deeply to be shown)';
  }
}
