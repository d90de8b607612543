import { expect, test } from 'vitest';
import { metric, untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStore } from '../wire/support/site.ts';
import { endAll, Tcp } from './support/tcp.ts';

const VICTIM = { localAddress: '127.0.0.2' };

/** Upgrades that never authenticate, as many at once as are asked for; answers those that were taken. */
async function idle(url: string, count: number, address = '127.0.0.1', headers = ''): Promise<Tcp[]> {
  const all = await Promise.all(
    Array.from({ length: count }, () => Tcp.upgrade(url, '/client_x', address, headers)),
  );
  const taken: Tcp[] = [];
  for (const tcp of all) if ((await tcp.status()) === 101) taken.push(tcp);
  return taken;
}

describeStore('sqlite', 'one address that does not authenticate', { MAX_UNAUTHENTICATED: '40' }, (site) => {
  test('HEL-35 it cannot keep the others out, however many connections it has and opens', async () => {
    const server = await site.start({ MAX_UNAUTHENTICATED_PER_ADDRESS: '0' });
    const sockets = await idle(server.url, 40);
    expect(sockets).toHaveLength(40);
    for (let i = 0; i < 20; i++) {
      // It fills up again whatever was given to others.
      sockets.push(...(await idle(server.url, 5)));
      await using victim = await WireClient.connect(server.url, {}, VICTIM);
      await victim.request('ping', {});
    }
    expect(await metric(server.url, 'holdfast_connections_unauthenticated')).toBeLessThanOrEqual(40);
    await endAll(sockets);
    await site.end(server);
  });

  test('HEL-35 the one that has waited for longest makes room, and is told so', async () => {
    const server = await site.start({ MAX_UNAUTHENTICATED: '3', MAX_UNAUTHENTICATED_PER_ADDRESS: '0' });
    await using oldest = await WireClient.open(server.url);
    await using second = await WireClient.open(server.url);
    await using _third = await WireClient.open(server.url);
    await using victim = await WireClient.open(server.url, VICTIM);
    expect((await oldest.closed()).code).toBe(4001);
    const error = oldest.frames.find((frame) => frame.type === 'error');
    expect(error?.data).toMatchObject({ error_type: 'rate_limited', retry_after_ms: 1000 });
    await second.authenticate();
    await victim.authenticate();
    await site.end(server);
  });

  test('HEL-34 beyond its share it is 429 before a socket opens, and others find room', async () => {
    const server = await site.start({ MAX_UNAUTHENTICATED_PER_ADDRESS: '10' });
    const sockets = await idle(server.url, 30);
    expect(sockets).toHaveLength(10);
    await using refused = await Tcp.upgrade(server.url, '/client_x');
    expect(await refused.status()).toBe(429);
    expect(refused.received.toLowerCase()).toContain('retry-after: 1');
    await refused.closed();
    await using victim = await WireClient.connect(server.url, {}, VICTIM);
    await victim.request('ping', {});
    await endAll(sockets);
    await untilConnections(server.url, 1);
    await using again = await WireClient.connect(server.url);
    await again.request('ping', {});
    await site.end(server);
  });

  test('HEL-34 HEL-35 behind a proxy it is the client that counts', async () => {
    const server = await site.start({ TRUST_PROXY: 'loopback', MAX_UNAUTHENTICATED_PER_ADDRESS: '30' });
    const behind = (address: string) => `X-Forwarded-For: ${address}\r\n`;
    const sockets = [
      ...(await idle(server.url, 35, '127.0.0.1', behind('198.51.100.1'))),
      // Of one customer's network, however they are written.
      ...(await idle(server.url, 5, '127.0.0.1', behind('[2001:db8::1]:4711'))),
      ...(await idle(server.url, 5, '127.0.0.1', behind('2001:DB8:0:0::2'))),
    ];
    expect(sockets).toHaveLength(40);
    for (let i = 0; i < 5; i++) {
      const headers = { 'x-forwarded-for': `203.0.113.${i}` };
      await using victim = await WireClient.connect(server.url, {}, { headers });
      await victim.request('ping', {});
    }
    await endAll(sockets);
    await site.end(server);
  });
});
