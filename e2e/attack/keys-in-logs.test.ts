import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStore } from '../wire/support/site.ts';
import { Tcp, UPGRADE } from './support/tcp.ts';

const KEY = 'hunter2-a-key-in-the-wrong-place';
const AUTH = `Host: localhost\r\nAuthorization: Bearer ${KEY}\r\n`;

describeStore('sqlite', 'a key where none belongs', { LOG_LEVEL: 'trace', TEST_API_KEY: KEY }, (site) => {
  test('HTP-37 HEL-49 it reaches no log at any level', async () => {
    const requests = [
      // In a path, a query, beside a header that is none, in headers that are too large, in a body.
      `GET /client_${KEY} HTTP/1.1\r\n${AUTH}\r\n`,
      `GET /client_${KEY}?key=${KEY} HTTP/1.1\r\n${AUTH}${UPGRADE}\r\n`,
      `GET /debug/client_${KEY} HTTP/1.1\r\n${AUTH}${UPGRADE}Origin: http://evil.example\r\n\r\n`,
      `GET /api/chat/threads/${KEY} HTTP/1.1\r\n${AUTH}Connection: close\r\n\r\n`,
      `DELETE /api/chat/threads/${KEY}/x HTTP/1.1\r\n${AUTH}Connection: close\r\n\r\n`,
      `GET /assets/${KEY}.js HTTP/1.1\r\n${AUTH}Connection: close\r\n\r\n`,
      `GET /%zz${KEY} HTTP/1.1\r\n${AUTH}Connection: close\r\n\r\n`,
      `GET /ws/${KEY} HTTP/1.1\r\n${AUTH}${UPGRADE}\r\n`,
      `GET /healthz HTTP/1.1\r\n${AUTH}Bad Header\r\n\r\n`,
      `GET /healthz HTTP/1.1\r\n${AUTH}X: ${'a'.repeat(20_000)}\r\n\r\n`,
      `${KEY}\r\n\r\n`,
      `POST /api/chat/threads HTTP/1.1\r\n${AUTH}Connection: close\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"x": ${KEY}}`,
    ];
    for (const request of requests) {
      await using tcp = await Tcp.open(site.url);
      tcp.send(request);
      expect(await tcp.status()).toBeGreaterThan(0);
    }
    await using client = await WireClient.connect(site.url, { api_key: KEY }, { path: `/client_${KEY}` });
    await client.request('auth_refresh', { api_key: KEY });
    await client.request('ping', {});
    const log = site.server.log.join('\n');
    // The lines of these requests are there, and say by their routes which they were.
    expect(log).toContain('"route":"/api/chat/threads/:id"');
    expect(log).toContain('"event":"client_error"');
    for (const secret of [
      KEY,
      createHash('sha256').update(KEY).digest('hex'),
      [...Buffer.from(KEY)].join(','),
    ])
      expect(log).not.toContain(secret);
  });
});
