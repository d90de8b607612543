import { expect, test } from 'vitest';
import { conversation } from './support/frames.ts';
import { askAll } from './support/ask.ts';
import { requests } from './support/http-requests.ts';
import { bytesLeftByEach, MAX_BYTES_EACH, slopeOf } from './support/memory.ts';
import { describeFuzzed, inLanes, SEED, TIMEOUT_MS } from './support/shares.ts';
import { talkTo } from './support/talk.ts';

test('what each frame leaves behind is the slope of a straight line', () => {
  const noisy = [0, 1, 2, 3, 4, 5].map((i) => ({
    count: i * 100,
    bytes: 5_000_000 + i * 30_000 + (i % 2) * 500,
  }));
  expect(slopeOf(noisy)).toBeGreaterThan(295);
  expect(slopeOf(noisy)).toBeLessThan(305);
});

// The same checks as in frames.test.ts and http.test.ts, on a server that keeps 1 KB a frame: they must not hold.
describeFuzzed(
  'the check itself',
  'sqlite',
  (server) => {
    test(
      'sees a leak of 1 KB a frame',
      async () => {
        const left = await bytesLeftByEach(server(), 3000, (count, round) =>
          inLanes(conversation, count, SEED + round, (frames) => talkTo(server().url, frames)),
        );
        expect(left).toBeGreaterThan(MAX_BYTES_EACH);
      },
      TIMEOUT_MS,
    );

    test(
      'sees a leak of 1 KB a request',
      async () => {
        const left = await bytesLeftByEach(server(), 3000, (count, round) =>
          inLanes(requests, count, SEED + round, (sample) => askAll(server().url, sample)),
        );
        expect(left).toBeGreaterThan(MAX_BYTES_EACH);
      },
      TIMEOUT_MS,
    );
  },
  { PLANTED_LEAK_BYTES: '1024' },
);
