import jwt from 'jsonwebtoken';
import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { type ExpectedError, expectError, expectRefused } from './support/expect-frames.ts';
import { describeStore } from './support/site.ts';

const FORGED: ExpectedError = {
  error_type: 'invalid_session_token',
  code: 403,
  message: 'Invalid session token',
  retryable: false,
};
const SECRET = 'first-secret-that-is-long-enough-0001';
const OTHER_SECRET = 'second-secret-that-is-long-enough-002';
const env = { SESSION_SECRET: SECRET, SESSION_TOKEN_MAX_AGE_MS: '100000' };

describeStore('sqlite', 'session tokens', env, (site) => {
  const refused = async (session_token: string, expected: ExpectedError, data = {}) => {
    await using client = await WireClient.open(site.url);
    const id = client.send('connect', { api_key: 'development', session_token, ...data });
    await expectRefused(client, { ...expected, reply_to: id }, 4000);
  };

  test('HEL-23 one that is not of this server is refused', async () => {
    await using client = await WireClient.connect(site.url);
    const claims = jwt.decode(client.token) as Record<string, unknown>;
    const [head, body, signature] = client.token.split('.');
    const changed = Buffer.from(JSON.stringify({ ...claims, sid: 'another-session' })).toString('base64url');
    const { sid: _, ...withoutSession } = claims;
    for (const token of [
      'no token',
      'a.b.c',
      `${head}.${changed}.${signature}`,
      `${head}.${body}.`,
      jwt.sign(claims, OTHER_SECRET),
      jwt.sign({ ...claims, aud: 'holdfast-keys' }, SECRET),
      jwt.sign(claims, SECRET, { algorithm: 'HS512' }),
      jwt.sign(withoutSession, SECRET),
      'x'.repeat(8192),
    ])
      await refused(token, FORGED);
  });

  test('HEL-23 nor is one that was issued to another subject, domain or workspace', async () => {
    await using client = await WireClient.connect(site.url, { domain: 'home', workspace: 'garden' });
    const place = { domain: 'home', workspace: 'garden' };
    await refused(client.token, FORGED, { ...place, api_key: 'valid-test-key' });
    await refused(client.token, FORGED, { ...place, domain: 'personal' });
    await refused(client.token, FORGED, { ...place, workspace: 'personal' });
    await using again = await WireClient.resume(site.url, client, place);
    expect(again.success?.outcome).toBe('restored');
  });

  test('SES-3 a session is found by its id only in its own domain and workspace', async () => {
    await using client = await WireClient.connect(site.url, { domain: 'home', workspace: 'garden' });
    await using other = await WireClient.open(site.url);
    for (const place of [
      {},
      { domain: 'home' },
      { workspace: 'garden' },
      { domain: 'garden', workspace: 'home' },
    ]) {
      const reply = await other.request('connect', {
        api_key: 'development',
        session_id: client.sessionId,
        ...place,
      });
      expectError(reply, { error_type: 'not_found', code: 404 });
    }
    await other.authenticate({ session_id: client.sessionId, domain: 'home', workspace: 'garden' });
  });

  test('HEL-47 it is bound to no address, device or client_id', async () => {
    await using client = await WireClient.connect(site.url, {}, { path: '/client_phone' });
    await using again = await WireClient.resume(
      site.url,
      client,
      {},
      {
        path: '/client_laptop',
        headers: { 'x-forwarded-for': '203.0.113.9', 'user-agent': 'another' },
      },
    );
    expect(again.success?.outcome).toBe('restored');
    expect(again.sessionId).toBe(client.sessionId);
    expect(again.token).not.toBe(client.token);
    expect(JSON.stringify(jwt.decode(client.token))).not.toMatch(/127\.0\.0\.1|phone/);
  });

  test('HEL-22 an expired one is token_expired, and its session is there by its id', async () => {
    await using client = await WireClient.connect(site.url);
    await site.advance(101_000);
    await refused(client.token, {
      error_type: 'token_expired',
      code: 403,
      message: 'Token expired',
      retryable: false,
      credential: 'session_token',
    });
    await using again = await WireClient.connect(site.url, { session_id: client.sessionId });
    expect(again.success?.outcome).toBe('restored');
  });
});

describeStore('sqlite', 'rotated secrets', {}, (site) => {
  test('HEL-48 all secrets verify, the first signs, and one that is gone verifies no more', async () => {
    const first = await site.start({ SESSION_SECRET: SECRET });
    await using before = await WireClient.connect(first.url);
    await before.close();
    await first.stop();

    const both = await site.start(
      { SESSION_SECRET: `${OTHER_SECRET},${SECRET}` },
      { dataDir: first.dataDir },
    );
    await using during = await WireClient.resume(both.url, before);
    expect(during.success?.outcome).toBe('restored');
    await during.close();
    await both.stop();

    const second = await site.start({ SESSION_SECRET: OTHER_SECRET }, { dataDir: first.dataDir });
    await using after = await WireClient.resume(second.url, during);
    expect(after.success?.outcome).toBe('restored');
    await using late = await WireClient.open(second.url);
    late.send('connect', { api_key: 'development', session_token: before.token });
    await expectRefused(late, FORGED, 4000);
    await site.end(second);
  });

  test('HEL-48 without a setting the secret is kept with the data', async () => {
    const server = await site.start();
    await using before = await WireClient.connect(server.url);
    await server.restart();
    await using after = await WireClient.resume(server.url, before);
    expect(after.success?.outcome).toBe('restored');
    await site.end(server);
  });
});
