import { request } from 'node:http';
import { afterAll, expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { KeyFile } from '../wire/support/key-file.ts';
import { describeStore } from '../wire/support/site.ts';
import { refusedUpgrade } from '../wire/support/upgrade.ts';

// A page of evil.example, whose name its owner led to 127.0.0.1 after it was loaded: its browser counts it as this
// server's own page, sends that name as Host, and lets it read what it is answered.

const NAMES = ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil.localhost'];

/** Sends a request under a host name of its own to a server of this machine; `fetch` would not let it choose. */
function statusOf(url: string, host: string, path: string, method = 'GET', body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host, authorization: 'Bearer development', 'content-type': 'application/json' };
    const sent = request(`${url}${path}`, { method, headers }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.once('error', reject).end(body);
  });
}

/** What a page of this origin sends with its socket, when its name leads to the server. */
const asPageOf = (name: string, url: string) => {
  const host = `${name}:${new URL(url).port}`;
  return { origin: `http://${host}`, headers: { host } };
};

describeStore('sqlite', 'in development', {}, (site) => {
  test.each(NAMES)('HEL-4 HTP-41 a page of %s opens no socket', async (name) => {
    for (const path of ['/client_page', '/debug/client_page'])
      expect((await refusedUpgrade(site.url, path, asPageOf(name, site.url))).status).toBe(421);
    // Nor does one that calls the server by its right name.
    const { origin } = asPageOf(name, site.url);
    expect((await refusedUpgrade(site.url, '/client_page', { origin })).status).toBe(403);
  });

  test.each(NAMES)('HTP-41 a page of %s reads nothing with the keys that everybody knows', async (name) => {
    const host = `${name}:${new URL(site.url).port}`;
    expect(await statusOf(site.url, 'localhost', '/api/chat/threads')).toBe(200);
    for (const path of ['/api/chat/threads', '/api/openapi.json', '/metrics', '/healthz', '/'])
      expect(await statusOf(site.url, host, path)).toBe(421);
    expect(await statusOf(site.url, host, '/api/chat/threads', 'POST', '{}')).toBe(421);
  });

  test.each(NAMES)('HTP-40 a page of %s does not move the clock', async (name) => {
    const host = `${name}:${new URL(site.url).port}`;
    const move = (to: string) => statusOf(site.url, to, '/debug/clock', 'POST', '{"advance_ms":1}');
    expect(await move('127.0.0.1')).toBe(200);
    expect(await move(host)).toBe(421);
  });

  test('HEL-4 pages of this server under a name of loopback, and of its development server, are let in', async () => {
    const { port } = new URL(site.url);
    for (const [origin, host] of [
      [`http://127.0.0.1:${port}`, `127.0.0.1:${port}`],
      [`http://localhost:${port}`, `localhost:${port}`],
      [`http://[::1]:${port}`, `[::1]:${port}`],
      // Behind a port that leads to the server's own.
      ['http://localhost:9999', 'localhost:9999'],
      // The development server hands the socket on as it is asked for it.
      ['http://localhost:5173', 'localhost:5173'],
      ['http://127.0.0.1:5173', '127.0.0.1:5173'],
    ] as const) {
      await using client = await WireClient.connect(site.url, {}, { origin, headers: { host } });
      await client.request('ping', {});
    }
  });
});

const file = await KeyFile.create([{ key: 'ada-key', subject: 'ada', permissions: ['chat', 'operate'] }]);
afterAll(() => file[Symbol.asyncDispose]());
const PRODUCTION = {
  NODE_ENV: 'production',
  SESSION_SECRET: 'a-secret-of-more-than-32-characters!',
  API_KEYS_FILE: file.path,
};

describeStore('sqlite', 'in production', PRODUCTION, (site) => {
  test.each(NAMES)('HEL-4 a page of %s opens no socket', async (name) => {
    expect((await refusedUpgrade(site.url, '/client_page', asPageOf(name, site.url))).status).toBe(403);
  });

  test('HTP-42 CFG-24 the log says it once, with what the operator must set', async () => {
    const lines = site.server.log.filter((line) => line.includes('origin_refused'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/evil\.example.*PUBLIC_HOSTS.*ALLOWED_ORIGINS/);
    expect(site.server.log.filter((line) => line.includes('PUBLIC_HOSTS and ALLOWED_ORIGINS'))).toHaveLength(
      1,
    );
  });
});

const PUBLIC = { ...PRODUCTION, PUBLIC_HOSTS: 'chat.example.org' };

describeStore('sqlite', 'in production under a public name', PUBLIC, (site) => {
  test('HEL-4 its own page is let in, whatever Host a proxy writes, and no other is', async () => {
    for (const host of ['chat.example.org', new URL(site.url).host]) {
      const headers = { host };
      const data = { api_key: 'ada-key' };
      await using client = await WireClient.connect(site.url, data, {
        origin: 'https://chat.example.org',
        headers,
      });
      await client.request('ping', {});
      for (const origin of [
        'https://evil.example',
        'https://chat.example.org.evil.example',
        'https://chat.example.org:8443',
      ])
        expect((await refusedUpgrade(site.url, '/client_page', { origin, headers })).status).toBe(403);
    }
    for (const name of NAMES)
      expect((await refusedUpgrade(site.url, '/client_page', asPageOf(name, site.url))).status).toBe(403);
  });
});
