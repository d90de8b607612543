/**
 * The most that each may have so that all of it fits into `capacity`, shared max-min fair: who asks for less than the
 * level gets all that it asks for, everybody else the level. `Infinity`: all demands fit. Demands may be `Infinity`.
 */
export function fairLevel(demands: Iterable<number>, capacity: number): number {
  const ascending = Float64Array.from(demands).sort();
  let left = capacity;
  for (const [i, demand] of ascending.entries()) {
    const share = left / (ascending.length - i);
    if (demand > share) return Math.max(0, share);
    left -= demand;
  }
  return Number.POSITIVE_INFINITY;
}
