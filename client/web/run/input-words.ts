import type { Json } from '../../../protocol/json.ts';
import type { Input } from '../../sdk/index.ts';
import { cut, excerpt, readable } from '../format/text.ts';
import { revealHidden } from '../markdown/invisible.ts';

/** How a question ended and who answered it: `Approved by ada, on this device.` `here`: it was answered on this page. */
export function resolutionWords(input: Input, here: boolean): string {
  const { resolved } = input;
  if (resolved === null) return '';
  switch (resolved.resolution) {
    case 'expired':
      return 'Nobody decided in time.';
    case 'canceled':
      return 'Called off before anybody decided.';
    case 'answered': {
      const who = resolved.by === null ? '' : ` by ${revealHidden(resolved.by)}`;
      const where = here ? ', on this device.' : ', on another device.';
      if (resolved.approved !== null) return `${resolved.approved ? 'Approved' : 'Declined'}${who}${where}`;
      const value =
        resolved.value === null
          ? ''
          : `: “${excerpt(revealHidden(cut(readable(resolved.value), 1_000)), 120)}”`;
      return `Answered${who}${where.slice(0, -1)}${value}.`;
    }
  }
}

/** More than these are shown as JSON. */
const MAX_FACTS = 12;

/** What is asked for, name by name, when it is that simple; otherwise `null`. */
export function flatFacts(value: Json | null): readonly (readonly [string, string])[] | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const entries = Object.entries(value);
  if (entries.length === 0 || entries.length > MAX_FACTS) return null;
  if (entries.some(([, v]) => typeof v === 'object' && v !== null)) return null;
  return entries.map(([name, v]) => [name, readable(v)]);
}
