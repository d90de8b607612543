import { expect, test } from 'vitest';
import { describeStore } from '../wire/support/site.ts';
import { Tcp, UPGRADE } from './support/tcp.ts';

const JSON_BODY = 'Content-Type: application/json\r\nContent-Length: 5000\r\n';

/** Upgrades that nobody takes: what they ask for, and what they are answered. */
const REFUSED: readonly (readonly [what: string, request: string, status: number])[] = [
  ['a path that is no socket', `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}\r\n`, 200],
  ['a path that is nothing', `GET /socket HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}\r\n`, 404],
  ['a bad client id', `GET /client_a.b HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}\r\n`, 404],
  ['a path that cannot be read', `GET /client_%zz HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}\r\n`, 400],
  [
    'the debug path where there is none',
    `GET /debug/client_x HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}\r\n`,
    404,
  ],
  ['a socket that is not built', `GET /ws/ui HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}\r\n`, 501],
  ['HEAD', `HEAD /client_x HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}\r\n`, 426],
  [
    'POST with a body that never comes',
    `POST /nope HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}${JSON_BODY}\r\n`,
    404,
  ],
  ['POST of a socket path', `POST /client_x HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}${JSON_BODY}\r\n`, 404],
  [
    'POST of another protocol',
    'POST /nope HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
    404,
  ],
  [
    'another protocol',
    'GET /client_x HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
    426,
  ],
  ['a bad handshake', `GET /client_x HTTP/1.1\r\nHost: localhost\r\n${UPGRADE.replace('dGhl', '')}\r\n`, 400],
  [
    'a foreign origin',
    `GET /client_x HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}Origin: http://evil.example\r\n\r\n`,
    403,
  ],
  ['the API without a key', `GET /api/chat/threads HTTP/1.1\r\nHost: localhost\r\n${UPGRADE}\r\n`, 401],
];

describeStore('sqlite', 'upgrades that are not taken', { DEBUG_ENDPOINTS: 'false' }, (site) => {
  test.each(REFUSED)('HTP-50 %s: answered, and its connection ends', async (_what, request, status) => {
    await using tcp = await Tcp.open(site.url);
    tcp.send(request);
    expect(await tcp.status()).toBe(status);
    await tcp.closed();
  });

  test('HTP-50 FLO-10 one that reads nothing does not keep the server from stopping in time', async () => {
    const server = await site.start();
    const sockets: Tcp[] = [];
    for (const [, request] of REFUSED) {
      const tcp = await Tcp.open(server.url);
      tcp.socket.pause();
      tcp.send(request);
      sockets.push(tcp);
    }
    // Whatever was sent before was looked at by now.
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(await server.stop()).toBe(0);
    for (const tcp of sockets) tcp.socket.destroy();
  });
});

describeStore('sqlite', 'an upgrade while there is no room', { MAX_CONNECTIONS: '1' }, (site) => {
  test('HTP-50 503: answered, and its connection ends', async () => {
    await using first = await Tcp.upgrade(site.url, '/client_x');
    await first.has('connection_established');
    await using second = await Tcp.upgrade(site.url, '/client_x', '127.0.0.2');
    expect(await second.status()).toBe(503);
    expect(second.received.toLowerCase()).toContain('retry-after: 1');
    await second.closed();
  });
});
