import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type ServerProcess, untilConnections } from '../../../test-helpers/server-process.ts';

/** Arguments of Node with which a server can be asked for its memory. */
export const PROBED = [
  '--expose-gc',
  '--no-flush-bytecode',
  '--import',
  fileURLToPath(new URL('./heap-probe.ts', import.meta.url)),
] as const;

/**
 * How many bytes each frame or request may leave behind at most: well below the 1 KB that must be seen. Some stay for a
 * while, all of them bounded: sessions that were left a short time ago, compiled code.
 */
export const MAX_BYTES_EACH = 384;

/** One reading: after so many frames so many bytes were in use, on the heap and beside it. */
interface Reading {
  readonly count: number;
  readonly bytes: number;
}

const ROUNDS = 6;
/** Code is still being compiled, and caches filled, before so many. */
const MIN_WARM_UP = 3000;

/**
 * Sends `count` frames or requests: the first half, or a little more, warms up, then come rounds with a reading after each. Answers how
 * many bytes each of them left behind, by a straight line through the readings (least squares).
 * @param send sends about so many, and answers how many these were
 */
export async function bytesLeftByEach(
  server: ServerProcess,
  count: number,
  send: (count: number, round: number) => Promise<number>,
): Promise<number> {
  await send(Math.max(Math.ceil(count / 2), MIN_WARM_UP), 0);
  const readings: Reading[] = [{ count: 0, bytes: await bytesInUse(server) }];
  const began = performance.now();
  let sent = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    sent += await send(Math.ceil(count / 2 / ROUNDS), round);
    readings.push({ count: sent, bytes: await bytesInUse(server) });
  }
  const rate = Math.round((sent * 1000) / (performance.now() - began));
  const left = slopeOf(readings);
  console.log(
    `${expect.getState().currentTestName}: ${rate} a second, ${Math.round(left)} bytes left by each`,
  );
  return left;
}

/** What the server's process holds once nobody is connected and nothing is left to collect. */
export async function bytesInUse(server: ServerProcess): Promise<number> {
  await untilConnections(server.url, 0);
  const { heapUsed, external } = (await server.ask('memory')) as NodeJS.MemoryUsage;
  return heapUsed + external;
}

/** The slope of the straight line that fits best. */
export function slopeOf(readings: readonly Reading[]): number {
  const mean = (of: (reading: Reading) => number) =>
    readings.reduce((sum, reading) => sum + of(reading), 0) / readings.length;
  const [x, y] = [mean((r) => r.count), mean((r) => r.bytes)];
  const along = mean((r) => (r.count - x) * (r.bytes - y));
  return along / mean((r) => (r.count - x) ** 2);
}
