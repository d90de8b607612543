import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { clusterBusOffset, freePort, freePorts } from './ports.ts';

describe('free ports', () => {
  it('can be listened on, all at the same time', async () => {
    const ports = await freePorts(20);
    const servers = ports.map((port) => createServer().listen(port, '127.0.0.1'));
    await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
    expect(new Set(ports).size).toBe(20);
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  });

  it('leave room for the cluster bus', async () => {
    const ports = await freePorts(6, clusterBusOffset);
    const buses = ports.map((port) => port + clusterBusOffset);
    expect(new Set([...ports, ...buses]).size).toBe(12);
    expect(Math.max(...buses)).toBeLessThanOrEqual(65_535);
  });

  it('are not those of outgoing connections', async () => {
    expect(await freePort()).toBeLessThan(32_768);
  });
});
