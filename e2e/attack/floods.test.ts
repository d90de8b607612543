// Those who send what costs them nothing: all others are served all the while, and nothing of it stays.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OPCODES, RawSocket, upgradeRequest, webSocketFrame } from '../../test-helpers/raw-socket.ts';
import { ServerProcess } from '../../test-helpers/server-process.ts';
import { bytesInUse, PROBED } from '../fuzz/support/memory.ts';
import { EVE, productionEnv } from './support/customers.ts';
import { othersAreServed } from './support/others.ts';
import { FULL } from './support/share.ts';

const env = { ...(await productionEnv()), AGENT: 'none', CONNECTION_RATE_PER_S: '0', HTTP_RATE_PER_MIN: '0' };
const MIB = 1024 * 1024;
/** How many rounds of looking at the others a flood lasts. */
const ROUNDS = FULL ? 100 : 5;
const CONNECT = webSocketFrame(OPCODES.text, JSON.stringify({ type: 'connect', data: { api_key: EVE } }));

const fin = { fin: false };
const FLOODS: readonly (readonly [string, Buffer, Buffer])[] = [
  ['pings', Buffer.alloc(0), webSocketFrame(OPCODES.ping)],
  ['pings of the greatest length', Buffer.alloc(0), webSocketFrame(OPCODES.ping, 'x'.repeat(125))],
  ['pongs that nobody asked for', Buffer.alloc(0), webSocketFrame(OPCODES.pong, 'x'.repeat(125))],
  [
    'fragments of nothing',
    webSocketFrame(OPCODES.text, '', fin),
    webSocketFrame(OPCODES.continuation, '', fin),
  ],
  [
    'fragments of a byte',
    webSocketFrame(OPCODES.text, 'a', fin),
    webSocketFrame(OPCODES.continuation, 'a', fin),
  ],
  [
    'fragments with pings between',
    webSocketFrame(OPCODES.text, '', fin),
    Buffer.concat([webSocketFrame(OPCODES.ping), webSocketFrame(OPCODES.continuation, '', fin)]),
  ],
  ['requests that cost nothing', Buffer.alloc(0), webSocketFrame(OPCODES.text, '{"type":"ping","data":{}}')],
];

describe('a flood', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ env, nodeArgs: PROBED });
    await othersAreServed(server.url);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    expect(server.errors).toEqual([]);
  });

  describeFloods('before authentication', false);
  describeFloods('of a customer', true);

  function describeFloods(when: string, authenticated: boolean): void {
    for (const reads of [true, false])
      test.each(FLOODS)(
        `FLO-4 HEL-28 of %s, ${when}, ${reads ? 'read' : 'unread'}`,
        async (_name, beginning, piece) => {
          const before = await bytesInUse(server);
          await using socket = await RawSocket.open(server.url);
          await socket.write(upgradeRequest(server.url));
          await socket.until(/connection_established/);
          if (authenticated) {
            await socket.write(CONNECT);
            await socket.until(/"status":"success"/);
          }
          if (!reads) socket.tcp.pause();
          await socket.write(beginning);
          const pieces = Buffer.concat(Array.from({ length: 1000 }, () => piece));
          const over = new AbortController();
          const flood = (async () => {
            while (!over.signal.aborted && !socket.isEnded) {
              await Promise.race([socket.write(pieces), new Promise((resolve) => setTimeout(resolve, 100))]);
              await new Promise((resolve) => setImmediate(resolve));
            }
          })();
          for (let i = 0; i < ROUNDS; i++) await othersAreServed(server.url);
          over.abort();
          await flood;
          // Whether it was ended or put up with: nothing of it stays.
          await socket[Symbol.asyncDispose]();
          expect(await bytesInUse(server)).toBeLessThan(before + 4 * MIB);
        },
      );
  }
});
