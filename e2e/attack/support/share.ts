/** Whether everything is tried, or only the short run's share of it. */
export const FULL = process.env.HOLDFAST_FULL !== undefined;

/** All of the list in the full run; otherwise about `count` of it, evenly spread. */
export function shareOf<T>(all: readonly T[], count: number): readonly T[] {
  if (FULL || all.length <= count) return all;
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)] as T);
}
