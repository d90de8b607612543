/** Prints what a test case measured, one line, for the test report. */
export function printFigures(
  testCase: string,
  store: string,
  figures: Readonly<Record<string, unknown>>,
): void {
  const words = Object.entries(figures).map(([name, value]) => `${name} ${inWords(value)}`);
  console.log(`${testCase} (${store}): ${words.join(', ')}`);
}

function inWords(value: unknown): string {
  if (typeof value === 'number') return String(Number(value.toFixed(4)));
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The share of the named aspects that are as they were: 1 when all are. */
export function shareKept(aspects: Readonly<Record<string, boolean>>): number {
  const all = Object.values(aspects);
  return all.filter(Boolean).length / all.length;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? upper)) / 2 : upper;
}

/** Whether the median lies on one side of `limit` for sure (19 times out of 20), as far as these values can tell. */
export function isClear(values: readonly number[], limit: number): boolean {
  const sorted = [...values].sort((a, b) => a - b);
  // The ranks between which the median of what the values are drawn from lies, whatever its distribution.
  const reach = 0.98 * Math.sqrt(sorted.length);
  const low = sorted[Math.floor(sorted.length / 2 - reach)] ?? Number.NEGATIVE_INFINITY;
  const high = sorted[Math.ceil(sorted.length / 2 + reach)] ?? Number.POSITIVE_INFINITY;
  return high < limit || low > limit;
}

/**
 * How much `y` grows from one element to the next: the median of the slopes between all pairs (Theil and Sen), which a
 * few outliers do not move.
 */
export function slope(y: readonly number[]): number {
  const slopes = y.flatMap((to, j) => y.slice(0, j).map((from, i) => (to - from) / (j - i)));
  return median(slopes);
}

/** What `work` comes to, and how long it took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const began = performance.now();
  const value = await work();
  return { value, ms: performance.now() - began };
}
