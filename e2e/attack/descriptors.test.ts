import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ServerProcess } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { endAll, Tcp } from './support/tcp.ts';

const DESCRIPTORS = 512;
const GOOD = { api_key: 'a-key-of-the-file' };
const VICTIM = { localAddress: '127.0.0.2' };
const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');

async function writeKeys(file: string, revoked: boolean): Promise<void> {
  const keys = [
    { sha256: sha256(GOOD.api_key), subject: 'ada' },
    { sha256: sha256('mallory'), subject: 'mallory', revoked },
  ];
  await writeFile(file, JSON.stringify({ keys }));
}

/** More connections than the server has descriptors, from one address. */
async function flood(url: string, send: string): Promise<Tcp[]> {
  const sockets: Tcp[] = [];
  for (let i = 0; i < DESCRIPTORS + 100; i += 50)
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const tcp = await Tcp.open(url);
        tcp.send(send);
        sockets.push(tcp);
      }),
    );
  return sockets;
}

test.each([
  ['that ask nothing', ''],
  ['whose request never ends', 'GET / HTTP/1.1\r\nHost: localhost\r\n'],
  ['that idle after an answer', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'],
])('HTP-51 sockets %s take neither the descriptors nor the room of others', async (_what, send) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-keys-'));
  const file = join(folder, 'keys.json');
  await writeKeys(file, false);
  await using server = await ServerProcess.start({
    descriptors: DESCRIPTORS,
    env: { API_KEYS_FILE: file, HTTP_HEADERS_TIMEOUT_MS: '0', HTTP_REQUEST_TIMEOUT_MS: '0' },
  });
  await using revoked = await WireClient.connect(server.url, { api_key: 'mallory' });
  const sockets = await flood(server.url, send);
  // Newcomers of another address are let in, over HTTP and as sockets, and nothing that is open was cut.
  await using victim = await WireClient.connect(server.url, GOOD, VICTIM);
  await victim.say('hello');
  await revoked.request('ping', {});
  // The key file can be opened: a key that is revoked now holds no longer.
  await writeKeys(file, true);
  expect((await revoked.closed()).code).toBe(4000);
  expect(sockets.filter((tcp) => !tcp.isClosed).length).toBeLessThan(DESCRIPTORS);
  expect(server.errors).toEqual([]);
  await endAll(sockets);
  expect(await server.stop()).toBe(0);
  await rm(folder, { recursive: true });
});

test('HTP-51 where WebSockets have taken what they may, HTTP is answered and one more is 503', async () => {
  const env = { MAX_OPEN_SOCKETS: '32', CONNECTION_RATE_PER_S: '0' };
  await using server = await ServerProcess.start({ env });
  const clients: WireClient[] = [];
  for (let i = 0; i < 30; i++) clients.push(await WireClient.connect(server.url));
  await using more = await Tcp.upgrade(server.url, '/client_x', '127.0.0.2');
  expect(await more.status()).toBe(503);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  for (const client of clients) await client.request('ping', {});
  for (const client of clients) await client[Symbol.asyncDispose]();
});
