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
            // Some are requests all the same. The page is 503 where it was not built, and no problem.
            const statuses = [...said.matchAll(/(?:^|\n)HTTP\/1\.1 (\d{3}) /g)].map(([, status]) =>
              Number(status),
            );
            const faults = statuses.filter(
              (status) => status >= 500 && !(status === 503 && said.includes('content-type: text/plain')),
            );
            if (faults.length > 0 || said.includes(SENTINEL))
              throw new Error(`${JSON.stringify(bytes.toString('latin1'))}\nwas answered ${said}`);
            return 1;
          });
        }),
      TIMEOUT_MS,
    );
  });
