import { expect, test } from 'vitest';
import { untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStore } from './support/site.ts';
import { refusedUpgrade } from './support/upgrade.ts';

const ORIGINS = { ALLOWED_ORIGINS: 'self,https://chat.example.org' };

describeStore('sqlite', 'before the socket opens', ORIGINS, (site) => {
  test.each(['a', 'Zz09_-', 'x'.repeat(64)])('HEL-1 %s is a client_id', async (label) => {
    await using client = await WireClient.open(site.url, { path: `/client_${label}` });
    await client.next('connection_established');
  });

  test.each(['', 'x'.repeat(65), 'a.b', 'a%20b', 'a%2Fb', 'ü', 'a/b'])(
    'HEL-1 "%s" is none: 404',
    async (label) => {
      for (const path of [`/client_${label}`, `/debug/client_${label}`]) {
        expect((await refusedUpgrade(site.url, encodeURI(decodeURI(path)))).status).toBe(404);
        expect((await fetch(`${site.url}${path}`)).status).toBe(404);
      }
    },
  );

  test('HEL-3 a plain GET of a socket path is 426', async () => {
    for (const path of ['/client_test', '/debug/client_test', '/ws', '/ws/ui', '/ws/agent']) {
      const response = await fetch(`${site.url}${path}`);
      expect(response.status).toBe(426);
      expect(response.headers.get('content-type')).toMatch('application/problem+json');
    }
  });

  test('HEL-4 a foreign origin is 403', async () => {
    for (const origin of [
      'https://evil.example.org',
      'http://localhost:5173',
      'null',
      'https://chat.example.org.evil',
    ])
      expect((await refusedUpgrade(site.url, '/client_test', { origin })).status).toBe(403);
  });

  test('HEL-4 its own, one that is allowed, and none are let in', async () => {
    for (const options of [{ origin: site.url }, { origin: 'https://chat.example.org' }, {}]) {
      await using client = await WireClient.open(site.url, options);
      await client.next('connection_established');
    }
  });

  test('HEL-6 without DEBUG_ENDPOINTS neither the debug path nor the clock is there', async () => {
    const server = await site.start({ DEBUG_ENDPOINTS: 'false' });
    expect((await refusedUpgrade(server.url, '/debug/client_test')).status).toBe(404);
    const body = JSON.stringify({ advance_ms: 1000 });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${server.url}/debug/clock`, { method: 'POST', headers, body });
    expect(answer.status).toBe(404);
    await site.end(server);
  });

  test('HEL-6 the clock is moved by this machine only', async () => {
    const answer = await fetch(`${site.url}/debug/clock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': '198.51.100.7' },
      body: JSON.stringify({ advance_ms: 1000 }),
    });
    expect(answer.status).toBe(404);
  });
});

describeStore('sqlite', 'too many', { MAX_CONNECTIONS: '3', MAX_UNAUTHENTICATED: '2' }, (site) => {
  test('HEL-5 beyond MAX_CONNECTIONS an upgrade is 503, until one has gone', async () => {
    await using one = await WireClient.connect(site.url);
    await using _two = await WireClient.connect(site.url);
    await using _three = await WireClient.connect(site.url);
    const { status, headers } = await refusedUpgrade(site.url, '/client_test');
    expect(status).toBe(503);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    one.cut();
    await untilConnections(site.url, 2);
    await using again = await WireClient.connect(site.url);
    await again.request('ping', {});
  });

  test('HEL-5 beyond MAX_UNAUTHENTICATED too, until one has authenticated', async () => {
    await untilConnections(site.url, 0);
    await using one = await WireClient.open(site.url);
    await using _two = await WireClient.open(site.url);
    expect((await refusedUpgrade(site.url, '/client_test')).status).toBe(503);
    await one.authenticate();
    await using three = await WireClient.open(site.url);
    await three.next('connection_established');
  });
});
