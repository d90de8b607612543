import { randomInt } from 'node:crypto';
import fc from 'fast-check';

/**
 * Checks a property over real processes. The seed is printed, and `HOLDFAST_SEED` (that number, or `SEED/PATH` for one
 * failing run alone) repeats it. A failing run is not made smaller: it would have to be lived through again each time.
 */
export async function check<T>(
  title: string,
  arbitrary: fc.Arbitrary<T>,
  runs: number,
  property: (value: T) => Promise<void>,
): Promise<void> {
  const [seed = '', path] = (process.env.HOLDFAST_SEED ?? String(randomInt(2 ** 31))).split('/');
  console.log(`${title}: HOLDFAST_SEED=${seed}`);
  const result = await fc.check(fc.asyncProperty(arbitrary, property), {
    seed: Number(seed),
    numRuns: runs,
    endOnFailure: true,
    ...(path === undefined ? {} : { path }),
  });
  if (!result.failed) return;
  const { errorInstance, counterexamplePath } = result;
  const message = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  throw new Error(`HOLDFAST_SEED=${seed}/${counterexamplePath} repeats this:\n${message}`);
}
