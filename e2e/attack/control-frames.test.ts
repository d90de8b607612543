import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStore } from '../wire/support/site.ts';
import { connectFrame, frame, OPCODE, Tcp } from './support/tcp.ts';

describeStore('sqlite', 'pings and pongs', {}, (site) => {
  const flooded = async (opcode: number) => {
    const tcp = await Tcp.upgrade(site.url, '/client_x');
    await tcp.has('connection_established');
    tcp.send(connectFrame('development'));
    await tcp.has('connection_success');
    // Far more than is read of it.
    const flood = Buffer.concat(Array.from({ length: 5000 }, () => frame(opcode)));
    for (let i = 0; i < 10; i++) tcp.send(flood);
    return tcp;
  };

  test('FLO-40 pongs that nobody asked for are rate_limited beyond their budget, and not read any more', async () => {
    await using tcp = await flooded(OPCODE.pong);
    await tcp.has('"error_type":"rate_limited"');
    await tcp.closed();
  });

  test('FLO-40 so are pings, or they are dropped before their answers fill the socket', async () => {
    await using tcp = await flooded(OPCODE.ping);
    await tcp.closed();
  });

  test('FLO-40 so they are before anybody has authenticated', async () => {
    await using tcp = await Tcp.upgrade(site.url, '/client_x');
    await tcp.has('connection_established');
    tcp.send(Buffer.concat(Array.from({ length: 500 }, () => frame(OPCODE.pong))));
    await tcp.has('"error_type":"rate_limited"');
    await tcp.closed();
  });

  test('FLO-40 as many as a client has a use for are none', async () => {
    await using client = await WireClient.connect(site.url);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 50; i++) {
        client.socket.ping();
        client.socket.pong();
      }
      await client.request('ping', {});
      await site.advance(10_000);
    }
    expect(client.frames.filter((one) => one.type === 'error')).toEqual([]);
  });
});

describeStore('sqlite', 'pings and pongs without a limit', { CONTROL_FRAME_RATE_PER_S: '0' }, (site) => {
  test('FLO-40 FLO-8 0 turns it off', async () => {
    await using client = await WireClient.connect(site.url);
    for (let i = 0; i < 2000; i++) client.socket.pong();
    await client.request('ping', {});
  });
});
