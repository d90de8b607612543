import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ManualClock } from '../clock.ts';
import { SystemRandom } from '../random.ts';
import { openStore } from './open.ts';

test('STO-1 another data directory is another store', async () => {
  const clock = new ManualClock();
  const deps = { clock, random: new SystemRandom(clock) };
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-open-'));
  const open = (name: string) => openStore({ kind: 'sqlite', dataDir: join(folder, name, 'deep') }, deps);
  const stores = [await open('one'), await open('two')];
  expect(stores.map((store) => store.driver)).toEqual(['sqlite', 'sqlite']);
  expect(stores[0]?.storeId).not.toBe(stores[1]?.storeId);
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true });
});
