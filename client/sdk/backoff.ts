import type { ReconnectWindow } from './connection-types.ts';

/** Below this, doubling would take too long to matter. */
const SMALLEST_BASE_MS = 100;

/**
 * How long to wait before the next attempt, ms: drawn evenly from a part of the window that doubles with each failure, so
 * that clients that were cut together do not come back together.
 * `attempt` counts failures from 1; `random` is in [0, 1).
 */
export function backoffMs(window: ReconnectWindow, attempt: number, random: number): number {
  const base = Math.max(window.minMs, SMALLEST_BASE_MS);
  const doublings = Math.min(attempt, 30);
  if (window.jitter === 'half')
    return Math.round(Math.min(window.maxMs, base * 2 ** (doublings - 1)) * (0.5 + random / 2));
  const ceiling = Math.min(window.maxMs, base * 2 ** doublings);
  return Math.round(window.minMs + random * Math.max(0, ceiling - window.minMs));
}
