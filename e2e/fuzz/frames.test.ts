import fc from 'fast-check';
import { expect, test } from 'vitest';
import { untilConnections, untilMetric } from '../../test-helpers/server-process.ts';
import { conversation, MAX_FRAME_BYTES } from './support/frames.ts';
import { FuzzClient } from './support/fuzz-client.ts';
import { bytesLeftByEach, MAX_BYTES_EACH } from './support/memory.ts';
import type { FuzzFrame } from './support/oracle.ts';
import { endingsOf } from './support/rush-oracle.ts';
import {
  describeFuzzed,
  FUZZED_STORES,
  inLanes,
  SEED,
  SHARES,
  TIMEOUT_MS,
  unharmed,
} from './support/shares.ts';
import { describeFrames, talkTo } from './support/talk.ts';

for (const store of FUZZED_STORES)
  describeFuzzed('frames of any shape', store, (server) => {
    /** Sends frame after frame, each once the one before is answered. Answers how many were sent. */
    const talk = (frames: readonly FuzzFrame[]) => talkTo(server().url, frames);
    const rush = (frames: readonly FuzzFrame[]) => rushTo(server().url, frames);

    test(
      `MSG-5 MSG-6 MSG-7 ${SHARES.answered} are answered as the contract says, and nothing grows`,
      () =>
        unharmed(server(), async () => {
          const left = await bytesLeftByEach(server(), SHARES.answered, (count, round) =>
            inLanes(conversation, count, SEED + round, talk),
          );
          expect(left).toBeLessThan(MAX_BYTES_EACH);
          await untilMetric(server().url, 'holdfast_live_sessions', 0);
        }),
      TIMEOUT_MS,
    );

    test(
      `MSG-6 HEL-17 ${SHARES.rushed} that are sent at once end as they may, and nothing grows`,
      () =>
        unharmed(server(), async () => {
          const left = await bytesLeftByEach(server(), SHARES.rushed, (count, round) =>
            inLanes(conversation, count, SEED + 10 + round, rush),
          );
          expect(left).toBeLessThan(MAX_BYTES_EACH);
        }),
      TIMEOUT_MS,
    );

    test(
      'MSG-6 MSG-20 bytes that are no WebSocket frames',
      () =>
        unharmed(server(), async () => {
          const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
          await inLanes(bytes, SHARES.rushed / 10, SEED, async (sample) => {
            const client = await FuzzClient.open(server().url);
            client.sendBytes(sample);
            client.sendBytes(new Uint8Array(200).fill(0xff));
            // A mask bit, an opcode or a length that is wrong ends it; so does a close frame, whose code comes back. One
            // that is right by chance waits for the rest until its time is over.
            await client.ended();
            expect(client.checker.faults).toEqual([]);
            return 1;
          });
          await untilConnections(server().url, 0);
        }),
      TIMEOUT_MS,
    );
  });

const LAST_PING = 'the-last-ping';

/** Sends them all at once, and a ping behind them: either that is answered, or the connection ends as it may. */
async function rushTo(url: string, frames: readonly FuzzFrame[]): Promise<number> {
  const client = await FuzzClient.open(url);
  const ping = { text: JSON.stringify({ type: 'ping', data: {}, id: LAST_PING }) };
  for (const frame of [...frames, ping]) client.send(frame);
  const ending = await client.endingBehind(LAST_PING);
  const may = [...endingsOf([...frames, ping], MAX_FRAME_BYTES)];
  if (!may.includes(ending))
    throw new Error(`${describeFrames(frames)}\nended with ${ending}, not with ${may.join(' or ')}`);
  client.cut();
  expect(client.checker.faults).toEqual([]);
  return frames.length + 1;
}
