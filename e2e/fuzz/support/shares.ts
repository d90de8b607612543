import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Redis, startRedis } from '../../../test-helpers/redis.ts';
import { ServerProcess } from '../../../test-helpers/server-process.ts';
import { MAX_FRAME_BYTES } from './frames.ts';
import { PROBED } from './memory.ts';

/** How many frames and requests there are in all: on both stores, of all kinds. */
const TOTAL = process.env.HOLDFAST_FULL === undefined ? 20_000 : 1_000_000;
/** What one store gets of each kind. */
export const SHARES = {
  answered: TOTAL * 0.25,
  rushed: TOTAL * 0.1,
  requests: TOTAL * 0.15,
} as const;
export const TIMEOUT_MS = 3_600_000;
export const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);

/** How many connections there are at a time. */
const LANES = 16;
/** So many samples are made at once. */
const BATCH = 200;

const OPEN_HOUSE = {
  AGENT: 'none',
  // Bytes that are the beginning of a frame by chance wait for so long.
  AUTH_TIMEOUT_MS: '5000',
  MESSAGE_RATE_PER_S: '0',
  CONNECTION_RATE_PER_S: '0',
  FAILED_AUTH_PER_MIN: '0',
  HTTP_RATE_PER_MIN: '0',
  MAX_SESSIONS_PER_SUBJECT: '0',
  MAX_CONTEXT_BYTES: '0',
  MAX_SESSION_BYTES: '0',
  MAX_FRAME_BYTES: String(MAX_FRAME_BYTES),
  SQLITE_SYNCHRONOUS: 'normal',
};

export const FUZZED_STORES = ['sqlite', 'redis'] as const;

/** Registers the tests with a server of their own, whose memory can be asked for. */
export function describeFuzzed(
  name: string,
  store: (typeof FUZZED_STORES)[number],
  tests: (server: () => ServerProcess) => void,
  env: Readonly<Record<string, string>> = {},
): void {
  describe(`${name} (${store}, seed ${SEED}; FUZZ_SEED repeats it)`, () => {
    let redis: undefined | Redis;
    let server: undefined | ServerProcess;
    const theServer = () => {
      if (server === undefined) throw new Error('the server was not started');
      return server;
    };
    beforeAll(async () => {
      redis = store === 'redis' ? await startRedis() : undefined;
      const address = redis === undefined ? {} : { REDIS_URL: redis.url };
      server = await ServerProcess.start({ env: { ...OPEN_HOUSE, ...address, ...env }, nodeArgs: PROBED });
    });
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]();
      await redis?.stop();
    });
    tests(theServer);
  });
}

/** Does something and answers whether it was the same process afterwards, without an error in its log. */
export async function unharmed(server: ServerProcess, doing: () => Promise<void>): Promise<void> {
  const { pid } = server;
  await doing();
  expect(server.pid).toBe(pid);
  expect(server.errors).toEqual([]);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
}

/** Takes sample after sample, in some lanes, until so many were sent. Answers how many these were. */
export async function inLanes<T>(
  samples: fc.Arbitrary<T>,
  count: number,
  seed: number,
  send: (sample: T) => Promise<number>,
): Promise<number> {
  let ready: T[] = [];
  let sent = 0;
  const lane = async () => {
    while (sent < count) {
      if (ready.length === 0) ready = fc.sample(samples, { seed: seed + sent, numRuns: BATCH });
      const sample = ready.pop();
      if (sample === undefined) continue;
      // Not in one step: what other lanes add meanwhile must count.
      const more = await send(sample);
      sent += more;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return sent;
}
