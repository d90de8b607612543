// SIGTERM while somebody holds the server as they can: it ends with status 0, and in time, which is what 0 means (it
// ends itself with another status when its time is over).
import { afterEach, expect, test } from 'vitest';
import { OPCODES, RawSocket, upgradeRequest, webSocketFrame } from '../../test-helpers/raw-socket.ts';
import { ServerProcess } from '../../test-helpers/server-process.ts';
import { ADA, productionEnv } from './support/customers.ts';

const env = {
  ...(await productionEnv()),
  DRAIN_MS: '2000',
  MAX_UNAUTHENTICATED: '0',
  CONNECTION_RATE_PER_S: '0',
};
const CONNECT = webSocketFrame(OPCODES.text, JSON.stringify({ type: 'connect', data: { api_key: ADA } }));
const MANY = 50;

const open: RawSocket[] = [];
afterEach(async () => {
  for (const socket of open.splice(0)) await socket[Symbol.asyncDispose]();
});

async function sockets(url: string, first = ''): Promise<RawSocket[]> {
  const made = await Promise.all(Array.from({ length: MANY }, () => RawSocket.open(url)));
  open.push(...made);
  for (const socket of made) if (first !== '') await socket.write(first);
  return made;
}

/** WebSockets, greeted and not authenticated. */
async function greeted(url: string): Promise<RawSocket[]> {
  const made = await sockets(url, upgradeRequest(url));
  await Promise.all(made.map((socket) => socket.until(/connection_established/)));
  return made;
}

const STATES: readonly (readonly [string, (url: string) => Promise<unknown>])[] = [
  ['connections that say nothing', (url) => sockets(url)],
  [
    'requests whose headers do not end',
    (url) => sockets(url, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-'),
  ],
  [
    'requests whose bodies do not end',
    (url) =>
      sockets(
        url,
        `POST /api/chat/threads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ADA}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
      ),
  ],
  ['sockets that have not authenticated', greeted],
  [
    'sockets that have not authenticated and do not read',
    async (url) => {
      for (const socket of await greeted(url)) socket.tcp.pause();
    },
  ],
  [
    'connects that are looked at',
    async (url) => {
      for (const socket of await greeted(url)) void socket.write(CONNECT);
    },
  ],
  [
    'clients that never answer a close',
    async (url) => {
      const made = await greeted(url);
      for (const socket of made) await socket.write(CONNECT);
      await Promise.all(made.map((socket) => socket.until(/"status":"success"/)));
    },
  ],
  [
    'clients in the middle of a frame',
    async (url) => {
      const made = await greeted(url);
      for (const socket of made) await socket.write(CONNECT);
      await Promise.all(made.map((socket) => socket.until(/"status":"success"/)));
      for (const socket of made)
        await socket.write(webSocketFrame(OPCODES.text, 'x'.repeat(1000)).subarray(0, 500));
    },
  ],
];

test.each(STATES)('FLO-10 SIGTERM with %s', async (_name, hold) => {
  await using server = await ServerProcess.start({ env });
  await hold(server.url);
  expect(await server.stop()).toBe(0);
  expect(server.errors).toEqual([]);
});

test('FLO-10 SIGTERM while more and more come', async () => {
  await using server = await ServerProcess.start({ env });
  const stopping = new AbortController();
  const comers = (async () => {
    while (!stopping.signal.aborted) {
      // Once it listens no more nobody gets in, and that is the end of it.
      const made = await RawSocket.open(server.url).catch(() => undefined);
      if (made === undefined) return;
      open.push(made);
      void made.write(upgradeRequest(server.url));
      made.tcp.once('data', () => void made.write(CONNECT));
    }
  })();
  while (open.length < MANY) await new Promise((resolve) => setImmediate(resolve));
  expect(await server.stop()).toBe(0);
  stopping.abort();
  await comers;
  expect(server.errors).toEqual([]);
});
