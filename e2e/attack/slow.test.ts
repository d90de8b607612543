// Those who take their time: all others are served all the while.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { OPCODES, RawSocket, upgradeRequest, webSocketFrame } from '../../test-helpers/raw-socket.ts';
import { untilConnections } from '../../test-helpers/server-process.ts';
import { describeStore } from '../wire/support/site.ts';
import { EVE, productionEnv } from './support/customers.ts';
import { othersAreServed } from './support/others.ts';
import { FULL } from './support/share.ts';

const env = { ...(await productionEnv()), AUTH_TIMEOUT_MS: '1500', MAX_FRAME_BYTES: '65536' };
/** How long a request may take to arrive, and how often the server looks. */
const REQUEST_TIMEOUT_MS = 30_000 + 30_000;
const CONNECT = JSON.stringify({ type: 'connect', data: { api_key: EVE } });

describeStore('sqlite', 'slowly', env, (site) => {
  const HOST = 'Host: 127.0.0.1\r\n';
  const json = `${HOST}Content-Type: application/json\r\n`;
  const REQUESTS: readonly (readonly [string, string, string])[] = [
    ['nothing', '', ''],
    ['a request line', 'GET /heal', 't'],
    ['headers', `GET /healthz HTTP/1.1\r\n${HOST}`, 'X-a: b\r\n'],
    ['a body', `POST /nope HTTP/1.1\r\n${json}Content-Length: 5000\r\n\r\n`, ' '],
    ['chunks', `POST /nope HTTP/1.1\r\n${json}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n'],
    [
      'a body with a key',
      `POST /api/chat/threads HTTP/1.1\r\n${json}Authorization: Bearer ${EVE}\r\nContent-Length: 5000\r\n\r\n`,
      ' ',
    ],
    ['the headers of an upgrade', upgradeRequest('http://127.0.0.1').slice(0, -2), 'X-a: b\r\n'],
  ];

  test.each(REQUESTS)('HEL-5 FLO-4 %s: 100 of them keep nobody out', async (_name, beginning, more) => {
    const held = await Promise.all(Array.from({ length: 100 }, () => RawSocket.open(site.url)));
    try {
      for (const socket of held) await socket.write(beginning);
      for (let i = 0; i < 3; i++) {
        for (const socket of held) await socket.write(more);
        await othersAreServed(site.url);
      }
      // They are no sockets yet, and take no room of those.
      await untilConnections(site.url, 0);
    } finally {
      for (const socket of held) await socket[Symbol.asyncDispose]();
    }
  });

  test('HTP-3 a request that does not arrive is ended', async () => {
    // In the short run only those that the server gives up by itself at once; the others take a minute.
    if (!FULL) return othersAreServed(site.url);
    await Promise.all(
      REQUESTS.slice(1).map(async ([, beginning, more]) => {
        await using socket = await RawSocket.open(site.url);
        await socket.write(beginning);
        const began = performance.now();
        while (!socket.isEnded && performance.now() - began < 2 * REQUEST_TIMEOUT_MS) {
          await socket.write(more);
          await sleep(500);
        }
        expect(socket.isEnded).toBe(true);
      }),
    );
  }, 200_000);

  test.each<[string, () => Iterable<Buffer>]>([
    ['nothing', () => []],
    ['a connect, byte by byte', () => bytesOf(webSocketFrame(OPCODES.text, CONNECT.padEnd(9000)))],
    ['a connect in fragments that do not end', () => fragmentsOf('{"type":', ' ', 9000)],
    ['a connect in fragments of nothing', () => fragmentsOf('', '', 9000)],
    ['pings', () => repeated(webSocketFrame(OPCODES.ping), 9000)],
    ['pongs', () => repeated(webSocketFrame(OPCODES.pong), 9000)],
  ])('HEL-24 after the upgrade %s: the time for connect is over all the same', async (_name, pieces) => {
    await using socket = await RawSocket.open(site.url);
    await socket.write(upgradeRequest(site.url));
    await socket.until(/connection_established/);
    for (const piece of pieces()) {
      if (/"disconnect"/.test(socket.text) || socket.isEnded) break;
      await socket.write(piece);
      await sleep(20);
    }
    expect(await socket.until(/"disconnect"/)).toMatch(/auth_timeout|rate_limited/);
    socket.tcp.end();
    await socket.ended();
    await untilConnections(site.url, 0);
  });

  test('HEL-11 whoever is slow and in time is let in', async () => {
    await using socket = await RawSocket.open(site.url);
    socket.tcp.setNoDelay(true);
    for (const character of upgradeRequest(site.url)) await socket.write(character);
    await socket.until(/connection_established/);
    for (const byte of bytesOf(webSocketFrame(OPCODES.text, CONNECT))) await socket.write(byte);
    await socket.until(/"status":"success"/);
    for (const piece of fragmentsOf('{"type":"pi', 'ng","data":{},"id":"slow"}', 1))
      await socket.write(piece);
    await socket.write(webSocketFrame(OPCODES.continuation));
    await socket.until(/"type":"pong".*"reply_to":"slow"/);
  });
});

function* bytesOf(buffer: Buffer): Generator<Buffer> {
  for (const byte of buffer) yield Buffer.from([byte]);
}

function* repeated(piece: Buffer, times: number): Generator<Buffer> {
  for (let i = 0; i < times; i++) yield piece;
}

/** A message in so many fragments more, that does not end. */
function* fragmentsOf(first: string, rest: string, times: number): Generator<Buffer> {
  yield webSocketFrame(OPCODES.text, first, { fin: false });
  yield* repeated(webSocketFrame(OPCODES.continuation, rest, { fin: false }), times);
}
