import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WalSync } from './wal-sync.ts';

test('STO-146 what is read after a commit is answered after that commit is on disk', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-sync-'));
  const path = join(dir, 'wal');
  closeSync(openSync(path, 'w'));
  const sync = await WalSync.open(path);
  expect(sync.settled()).toBeUndefined();
  const order: string[] = [];
  const first = sync.committed().then(() => order.push('first commit'));
  const read = sync.settled()?.then(() => order.push('read after it'));
  const second = sync.committed().then(() => order.push('second commit'));
  const later = sync.settled()?.then(() => order.push('read after the second'));
  expect(read).toBeDefined();
  await Promise.all([first, read, second, later]);
  expect(order).toEqual(['first commit', 'read after it', 'second commit', 'read after the second']);
  expect(sync.settled()).toBeUndefined();
  await sync.close();
  rmSync(dir, { recursive: true });
});
