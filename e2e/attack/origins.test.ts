// Pages of other origins. Which hosts `self` stands for is in the unit tests of server/http/address.ts and HEL-4.
import { expect, test } from 'vitest';
import { RawSocket, upgradeRequest } from '../../test-helpers/raw-socket.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStore } from '../wire/support/site.ts';
import { refusedUpgrade } from '../wire/support/upgrade.ts';

const ORIGINS = { ALLOWED_ORIGINS: 'self,https://chat.example.org' };

describeStore('sqlite', 'a page of another origin', ORIGINS, (site) => {
  const PORT = 'PORT';
  test.each([
    ['of an attacker', 'http://evil.example'],
    ['of an attacker, with the same port', `http://evil.example:${PORT}`],
    ['without a name (a sandbox, a file)', 'null'],
    ['of nothing', ''],
    ['of a file', 'file://'],
    ['of an extension', 'chrome-extension://abcdefghijklmnop'],
    ['of a document in the address', 'data:text/html,x'],
    ['of a blank page', 'about:blank'],
    ['of a blob', `blob:http://127.0.0.1:${PORT}/x`],
    ['that begins like this server', `http://127.0.0.1:${PORT}.evil.example`],
    ['with this server as its user', `http://127.0.0.1:${PORT}@evil.example`],
    ['with this server behind a hash', `http://evil.example#@127.0.0.1:${PORT}`],
    ['with this server in its path', `http://evil.example/127.0.0.1:${PORT}`],
    ['of this host by another scheme', `ws://127.0.0.1:${PORT}`],
    ['of this host as a script', `javascript://127.0.0.1:${PORT}`],
    ['of this host on another port', 'http://127.0.0.1:1'],
    ['in a list behind this server', `http://127.0.0.1:${PORT}, http://evil.example`],
    ['in a list before this server', `http://evil.example, http://127.0.0.1:${PORT}`],
    ['that ends like an allowed one', 'https://evil-chat.example.org'],
    ['that begins like an allowed one', 'https://chat.example.org.evil.example'],
    ['of an allowed host by another scheme', 'http://chat.example.org'],
    ['of an allowed host on another port', 'https://chat.example.org:8443'],
    ['of a host below an allowed one', 'https://a.chat.example.org'],
    ['of a host above an allowed one', 'https://example.org'],
    ['with an allowed one as its user', 'https://chat.example.org@evil.example'],
    ['of an allowed one in capitals', 'HTTPS://CHAT.EXAMPLE.ORG'],
    ['of an allowed one with a dot behind it', 'https://chat.example.org.'],
    ['of an allowed one with a user', 'https://user@chat.example.org'],
  ])('HEL-4 HTP-1 %s opens no socket', async (_name, origin) => {
    const headers = { origin: origin.replaceAll(PORT, new URL(site.url).port) };
    for (const path of ['/client_page', '/debug/client_page']) {
      const answer = await refusedUpgrade(site.url, path, { headers });
      expect(answer.status).toBe(403);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  test('HEL-4 of two origins in one request none counts', async () => {
    for (const pair of [
      [site.url, 'http://evil.example'],
      ['http://evil.example', site.url],
    ] as const) {
      await using socket = await RawSocket.open(site.url);
      await socket.write(
        upgradeRequest(site.url, '/client_page', pair.map((one) => `Origin: ${one}\r\n`).join('')),
      );
      expect(await socket.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 403 /);
    }
  });

  test('HTP-1 other pages may not read an answer, whatever they ask first', async () => {
    for (const path of ['/api/chat/threads', '/healthz', '/api/openapi.json', '/client_page'])
      for (const method of ['OPTIONS', 'GET']) {
        const answer = await fetch(`${site.url}${path}`, {
          method,
          headers: {
            origin: 'http://evil.example',
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'authorization',
          },
        });
        expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
        expect(answer.headers.get('cross-origin-resource-policy')).toBe('same-origin');
        await answer.arrayBuffer();
      }
  });

  test('HTP-23 a form of another page does not move the clock', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      '',
    ]) {
      await using socket = await RawSocket.open(site.url);
      const body = '{"advance_ms":3600000}';
      const head = [
        'POST /debug/clock HTTP/1.1',
        `Host: ${new URL(site.url).host}`,
        'Origin: http://evil.example',
      ];
      if (type !== '') head.push(`Content-Type: ${type}`);
      await socket.write(
        `${[...head, `Content-Length: ${body.length}`, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`,
      );
      expect(await socket.ended()).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
    await using client = await WireClient.connect(site.url);
    await client.say('hello');
    const ts = client.events.at(-1)?.ts ?? '';
    expect(Math.abs(Date.parse(ts) - Date.now())).toBeLessThan(600_000);
  });

  test('HTP-26 a host that the request makes up gets nothing into the policy', async () => {
    for (const host of ['a;script-src *', "x' 'unsafe-inline'", 'a b', 'a,b', `${'a'.repeat(300)}`]) {
      await using socket = await RawSocket.open(site.url);
      await socket.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      const policy = /content-security-policy: (.*)\r\n/i.exec(await socket.ended())?.[1];
      if (policy !== undefined) expect(policy).not.toMatch(/script-src \*|unsafe-inline|a b|a,b|aaa/);
    }
  });
});
