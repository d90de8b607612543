import type { RunContext } from '../../run/agent-port.ts';
import { stream } from './say.ts';

const PACE_MS = 50;

/** Streams `1 2 3 ... to`, a number at a time. */
export function count(ctx: RunContext, to: number): Promise<void> {
  const pieces = Array.from({ length: to }, (_, i) => (i === 0 ? '1' : ` ${i + 1}`));
  return stream(ctx, pieces, PACE_MS);
}
