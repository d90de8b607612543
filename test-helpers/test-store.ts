import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../server/clock.ts';
import { SystemRandom } from '../server/random.ts';
import { openStore } from '../server/store/open.ts';
import type { Store } from '../server/store/store.ts';

/** An embedded store in a folder of its own, which goes with it. */
export async function openTestStore(): Promise<Store & AsyncDisposable> {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-store-'));
  const clock = new SystemClock();
  const options = { kind: 'sqlite', dataDir, synchronous: 'normal' } as const;
  const store = await openStore(options, { clock, random: new SystemRandom(clock) });
  return Object.assign(store, {
    [Symbol.asyncDispose]: async () => {
      await store.close();
      rmSync(dataDir, { recursive: true });
    },
  });
}
