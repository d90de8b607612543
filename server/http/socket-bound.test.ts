import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { descriptorLimit, socketBound } from './socket-bound.ts';

const UNSET = { maxOpenSockets: undefined, maxConnections: 100_000 };

describe('the bound of sockets', () => {
  it.each([
    [Infinity, Infinity, 100_000],
    [1_048_576, 1_048_320, 100_000],
    [20_000, 19_744, 18_510],
    [1024, 768, 720],
    [512, 384, 360],
    [64, 48, 45],
  ])(
    'HTP-51 with %d descriptors there are %d sockets, %d of them connections',
    (limit, sockets, connections) => {
      expect(socketBound(UNSET, limit)).toEqual({ sockets, connections, isLowered: false });
    },
  );

  it('HTP-51 a setting holds as far as the descriptors allow', () => {
    const bound = (maxOpenSockets: number, limit: number) =>
      socketBound({ maxOpenSockets, maxConnections: 1000 }, limit);
    expect(bound(200, 1024)).toEqual({ sockets: 200, connections: 187, isLowered: false });
    expect(bound(5000, 1024)).toEqual({ sockets: 768, connections: 720, isLowered: true });
    expect(bound(Infinity, 1024)).toEqual({ sockets: 768, connections: 720, isLowered: false });
    expect(bound(5000, Infinity)).toEqual({ sockets: 5000, connections: 1000, isLowered: false });
  });

  it('HTP-51 the limit is what the system says of this process', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-limits-'));
    const file = join(folder, 'limits');
    await writeFile(
      file,
      'Limit   Soft Limit   Hard Limit   Units\nMax open files            1024                 4096                 files\n',
    );
    expect(descriptorLimit(file)).toBe(1024);
    await writeFile(file, 'Max open files            unlimited            unlimited            files\n');
    expect(descriptorLimit(file)).toBe(Infinity);
    expect(descriptorLimit(join(folder, 'none'))).toBe(Infinity);
    await rm(folder, { recursive: true });
  });
});
