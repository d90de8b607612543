import type { ContextPatch } from '../../protocol/chat/context.ts';
import { mergePatch } from '../../protocol/json.ts';
import { type Decide, refuse } from './decision.ts';

/** A merge patch of memory, preferences or both; refused whole when the outcome would be over the limit. */
export function decideContextUpdate(patch: ContextPatch, maxContextBytes: number): Decide {
  return (state) => {
    const memory = patch.memory === undefined ? state.memory : mergePatch(state.memory, patch.memory);
    const preferences =
      patch.preferences === undefined ? state.preferences : mergePatch(state.preferences, patch.preferences);
    const bytes = Buffer.byteLength(JSON.stringify(memory)) + Buffer.byteLength(JSON.stringify(preferences));
    if (maxContextBytes > 0 && bytes > maxContextBytes)
      return refuse(
        'limit_exceeded',
        `The context would be over ${maxContextBytes} bytes (MAX_CONTEXT_BYTES)`,
      );
    const data = {
      ...(patch.memory === undefined ? {} : { memory: patch.memory }),
      ...(patch.preferences === undefined ? {} : { preferences: patch.preferences }),
    };
    return { kind: 'append', events: [{ type: 'context_updated', data }], acknowledge: 0 };
  };
}
