import { expect, test } from 'vitest';
import { askAll } from './support/ask.ts';
import { HttpLine } from './support/http-line.ts';
import { brokenRequest, requests, SENTINEL } from './support/http-requests.ts';
import { bytesLeftByEach, MAX_BYTES_EACH } from './support/memory.ts';
import {
  describeFuzzed,
  FUZZED_STORES,
  inLanes,
  SEED,
  SHARES,
  TIMEOUT_MS,
  unharmed,
} from './support/shares.ts';

/** What a peer that does not speak HTTP may be told at most. */
const UNREADABLE = [400, 408, 413, 417, 431, 505];

for (const store of FUZZED_STORES)
  describeFuzzed('requests of any shape', store, (server) => {
    test(
      `HTP-3 HTP-26 ${SHARES.requests} are answered as documented, and nothing grows`,
      () =>
        unharmed(server(), async () => {
          const left = await bytesLeftByEach(server(), SHARES.requests, (count, round) =>
            inLanes(requests, count, SEED + 20 + round, (sample) => askAll(server().url, sample)),
          );
          expect(left).toBeLessThan(MAX_BYTES_EACH);
          expect(server().log.join('\n')).not.toContain(SENTINEL);
        }),
      TIMEOUT_MS,
    );

    test(
      'HTP-3 what is no HTTP is told so at most, and ends',
      () =>
        unharmed(server(), async () => {
          await inLanes(brokenRequest, SHARES.requests / 10, SEED + 30, async (bytes) => {
            const line = await HttpLine.open(server().url);
            line.write(bytes);
            line.finish();
            const said = await line.ended();
            for (const [, status] of said.matchAll(/(?:^|\n)HTTP\/1\.1 (\d{3}) /g))
              if (Number(status) >= 500 && !UNREADABLE.includes(Number(status)) && !bytes.includes(' / '))
                throw new Error(`${JSON.stringify(bytes.toString('latin1'))}\nwas answered ${said}`);
            return 1;
          });
        }),
      TIMEOUT_MS,
    );
  });
