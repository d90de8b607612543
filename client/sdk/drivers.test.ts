import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { EVENTS } from '../../protocol/chat/down.ts';
import { MAX_CONTENT_CHARACTERS, MAX_METADATA_BYTES } from '../../protocol/chat/message.ts';
import { HoldfastClient } from './client.ts';
import { isKnownEvent } from './frames.ts';
import * as requests from './requests.ts';
import { webStorage } from './storage.ts';
import { established, success } from './testing/frames.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { seededRandom } from './testing/seeded-random.ts';
import { webSocketTransport } from './transport.ts';
import { uuidV7 } from './uuid.ts';

describe('the socket driver', () => {
  it('CLI-1 speaks over a real WebSocket, and is told how it was closed', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const paths: (string | undefined)[] = [];
    server.on('connection', (socket, request) => {
      paths.push(request.url);
      socket.send(JSON.stringify(established));
      socket.on('message', (data) => {
        const { type } = JSON.parse(String(data));
        if (type === 'connect') socket.send(JSON.stringify(success(0, { outcome: 'fresh' })));
        if (type === 'disconnect') socket.close(1000);
      });
    });
    try {
      const { port } = server.address() as { port: number };
      const client = new HoldfastClient({
        url: `ws://127.0.0.1:${port}/`,
        clientId: 'real',
        apiKey: 'key-1',
      });
      client.connect();
      await client.waitFor(({ state }) => state.name === 'connected');
      await client.close();
      expect(client.state).toMatchObject({ name: 'closed', by: 'client' });
      expect(paths).toEqual(['/client_real']);
    } finally {
      for (const socket of server.clients) socket.terminate();
      await new Promise((done) => server.close(done));
    }
  });

  it('CLI-2 tells a socket that cannot be had', async () => {
    for (const url of ['ws://127.0.0.1:1/', 'no url at all']) {
      const code = await new Promise((done) => {
        webSocketTransport.open(url, { onOpen: () => {}, onText: () => {}, onClose: done });
      });
      expect(code).toBe(1006);
    }
  });
});

describe('ids', () => {
  it('CLI-13 are UUIDv7: they carry the time, sort by it, and are unique', () => {
    const clock = new ManualClock(0x0198_7654_3210);
    const random = seededRandom(7);
    const first = uuidV7(clock, random);
    expect(first).toMatch(/^01987654-3210-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    clock.advance(1);
    expect(uuidV7(clock, random) > first).toBe(true);
    expect(new Set(Array.from({ length: 1000 }, () => uuidV7(clock, random))).size).toBe(1000);
  });
});

describe('the web storage driver', () => {
  it('CLI-15 keeps texts', () => {
    const items = new Map<string, string>();
    const storage = webStorage({
      getItem: (key) => items.get(key) ?? null,
      setItem: (key, value) => void items.set(key, value),
      removeItem: (key) => void items.delete(key),
    });
    storage.set('a', 'x');
    expect(storage.get('a')).toBe('x');
    storage.remove('a');
    expect(storage.get('a')).toBeUndefined();
  });
});

describe('what is repeated from the protocol', () => {
  it('CLI-13 limits are the same', () => {
    expect(requests.MAX_CONTENT_CHARACTERS).toBe(MAX_CONTENT_CHARACTERS);
    expect(requests.MAX_METADATA_BYTES).toBe(MAX_METADATA_BYTES);
  });

  it('CLI-10 the types of the log are the same', () => {
    for (const type of Object.keys(EVENTS)) expect(isKnownEvent({ type, data: {} })).toBe(true);
    expect(isKnownEvent({ type: 'message_delta', data: {} })).toBe(false);
  });

  it('CLI-1 no schema comes along into a browser', () => {
    const packages = new Set<string>();
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const source = readFileSync(file, 'utf8');
      for (const [, what = '', from = ''] of source.matchAll(
        /^(?:import|export)\s+([^;]*?)\s*from\s+'([^']+)';/gm,
      )) {
        if (what.startsWith('type ')) continue;
        if (from.startsWith('.')) visit(resolve(dirname(file), from));
        else packages.add(from);
      }
    };
    visit(fileURLToPath(new URL('./index.ts', import.meta.url)));
    expect(seen.size).toBeGreaterThan(20);
    expect([...packages]).toEqual([]);
  });
});
