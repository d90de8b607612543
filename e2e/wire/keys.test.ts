import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { type ExpectedError, expectError, expectRefused } from './support/expect-frames.ts';
import { KeyFile, type TestKey } from './support/key-file.ts';
import { describeStore } from './support/site.ts';

const INVALID_KEY: ExpectedError = { error_type: 'invalid_key', code: 403, message: 'Invalid API key' };
const EXPIRED: ExpectedError = {
  error_type: 'token_expired',
  code: 403,
  message: 'Token expired',
  retryable: false,
  credential: 'api_key',
};
const FORBIDDEN: ExpectedError = { error_type: 'forbidden', code: 403, retryable: false };

const SOON = new Date(Date.now() + 3_600_000).toISOString();
const KEYS: readonly TestKey[] = [
  { key: 'ada-laptop-key', subject: 'ada' },
  { key: 'ada-phone-key', subject: 'ada', permissions: ['chat', 'operate'] },
  { key: 'ada-watcher-key', subject: 'ada', permissions: ['operate'] },
  { key: 'ada-office-key', subject: 'ada', workspaces: ['office', 'lab'] },
  { key: 'bob-key', subject: 'bob' },
  { key: 'ada-short-key', subject: 'ada', expires_at: SOON },
  { key: 'ada-former-key', subject: 'ada', expires_at: '2020-01-01T00:00:00Z' },
  { key: 'ada-lost-key', subject: 'ada', revoked: true },
  { key: 'eve-key', subject: 'eve', retention: 'enterprise' },
  { key: 'eve-plain-key', subject: 'eve' },
];
const file = await KeyFile.create(KEYS);
afterAll(() => file[Symbol.asyncDispose]());

describeStore('sqlite', 'development keys', {}, (site) => {
  test('HEL-40 both are good outside production, each a subject of its own', async () => {
    await using all = await WireClient.connect(site.url, { api_key: 'development' });
    await using chat = await WireClient.connect(site.url, { api_key: 'valid-test-key' });
    expect(all.success?.user.permissions).toEqual(['chat', 'operate', 'admin']);
    expect(chat.success?.user.permissions).toEqual(['chat']);
    expect(all.success?.user.subject).not.toBe(chat.success?.user.subject);
    expect(all.success?.user.subject).not.toContain('JWT');
  });

  test('HEL-40 in production neither is', async () => {
    const server = await site.start({
      NODE_ENV: 'production',
      SESSION_SECRET: 'a-secret-of-more-than-32-characters!',
      API_KEYS_FILE: file.path,
    });
    for (const api_key of ['development', 'valid-test-key']) {
      await using client = await WireClient.open(server.url);
      client.send('connect', { api_key });
      await expectRefused(client, INVALID_KEY, 4000);
    }
    await using client = await WireClient.connect(server.url, { api_key: 'ada-laptop-key' });
    expect(client.success?.user).toEqual({ subject: 'ada', permissions: ['chat'] });
    await site.end(server);
  });
});

describeStore('sqlite', 'keys of a file', { API_KEYS_FILE: file.path }, (site) => {
  beforeEach(() => file.write(KEYS));

  const refusedKey = async (api_key: string, expected: ExpectedError, data = {}) => {
    await using client = await WireClient.open(site.url);
    client.send('connect', { api_key, ...data });
    await expectRefused(client, expected, 4000);
  };

  test('HEL-21 a revoked key is invalid_key', () => refusedKey('ada-lost-key', INVALID_KEY));
  test('HEL-22 an expired key is token_expired', () => refusedKey('ada-former-key', EXPIRED));

  test('SES-3 all keys of a subject reach its sessions, and no other subject does', async () => {
    await using laptop = await WireClient.connect(site.url, { api_key: 'ada-laptop-key' });
    await using phone = await WireClient.connect(site.url, {
      api_key: 'ada-phone-key',
      session_id: laptop.sessionId,
    });
    expect(phone.success?.outcome).toBe('restored');
    await using bob = await WireClient.open(site.url);
    expectError(await bob.request('connect', { api_key: 'bob-key', session_id: laptop.sessionId }), {
      error_type: 'not_found',
      code: 404,
    });
    await refusedKey(
      'bob-key',
      { error_type: 'invalid_session_token', code: 403 },
      { session_token: laptop.token },
    );
  });

  test('HEL-41 a key without chat, or that does not reach the workspace, is forbidden', async () => {
    await using client = await WireClient.open(site.url);
    expectError(await client.request('connect', { api_key: 'ada-watcher-key' }), FORBIDDEN);
    expectError(await client.request('connect', { api_key: 'ada-office-key' }), FORBIDDEN);
    await client.authenticate({ api_key: 'ada-office-key', workspace: 'lab' });
  });

  describe('auth_refresh', () => {
    test('HEL-43 another key of the subject renews in place', async () => {
      await using client = await WireClient.connect(site.url, { api_key: 'ada-laptop-key' });
      const reply = await client.request('auth_refresh', { api_key: 'ada-phone-key' });
      expect(reply.type).toBe('message_delivered');
      expect(reply.data).toEqual({ original_type: 'auth_refresh', status: 'success' });
      expect(await client.say('still here')).toBe(1);
    });

    test('HEL-43 fewer permissions apply at once, and are given back by the next one', async () => {
      await using client = await WireClient.connect(site.url, { api_key: 'ada-laptop-key' });
      await client.request('auth_refresh', { api_key: 'ada-watcher-key' });
      for (const [type, data] of [
        ['chat_message', { content: 'x' }],
        ['context_request', {}],
        ['history_request', {}],
      ] as const) {
        const reply = await client.request(type, data as never);
        expectError(reply, FORBIDDEN);
      }
      // MSG-5: the form is looked at before the permission.
      expectError(await client.request('chat_message', {} as never), {
        error_type: 'invalid_message',
        code: 422,
      });
      expect((await client.request('ping', {})).type).toBe('pong');
      await client.request('auth_refresh', { api_key: 'ada-laptop-key' });
      expect(await client.say('again')).toBe(1);
    });

    test('MSG-15 a client that may not chat may still say goodbye', async () => {
      await using client = await WireClient.connect(site.url, { api_key: 'ada-laptop-key' });
      await client.request('auth_refresh', { api_key: 'ada-watcher-key' });
      client.send('disconnect', {});
      expect(await client.closed()).toMatchObject({ code: 1000 });
    });

    test('HEL-44 a key of another subject, or for other workspaces, is forbidden', async () => {
      await using client = await WireClient.connect(site.url, { api_key: 'ada-laptop-key' });
      expectError(await client.request('auth_refresh', { api_key: 'bob-key' }), FORBIDDEN);
      expectError(await client.request('auth_refresh', { api_key: 'ada-office-key' }), FORBIDDEN);
      expect(await client.say('as before')).toBe(1);
    });

    test.each([
      ['unknown', 'no-such-key', INVALID_KEY],
      ['revoked', 'ada-lost-key', INVALID_KEY],
      ['expired', 'ada-former-key', EXPIRED],
    ])('HEL-44 an %s one is the end', async (_name, api_key, expected) => {
      await using client = await WireClient.connect(site.url, { api_key: 'ada-laptop-key' });
      const id = client.send('auth_refresh', { api_key });
      await expectRefused(client, { ...expected, reply_to: id }, 4000);
    });
  });

  test('HEL-42 a key that is revoked, taken out or narrowed ends its sockets, and only these', async () => {
    await using revoked = await WireClient.connect(site.url, { api_key: 'ada-laptop-key' });
    await using removed = await WireClient.connect(site.url, { api_key: 'ada-phone-key' });
    await using narrowed = await WireClient.connect(site.url, { api_key: 'eve-key' });
    await using other = await WireClient.connect(site.url, { api_key: 'bob-key' });
    await file.write(
      KEYS.flatMap((key) => {
        if (key.key === 'ada-laptop-key') return [{ ...key, revoked: true }];
        if (key.key === 'eve-key') return [{ ...key, workspaces: ['elsewhere'] }];
        return key.key === 'ada-phone-key' ? [] : [key];
      }),
    );
    await expectRefused(revoked, INVALID_KEY, 4000);
    await expectRefused(removed, INVALID_KEY, 4000);
    await expectRefused(narrowed, FORBIDDEN, 4000);
    await other.say('not me');
    await refusedKey('ada-laptop-key', INVALID_KEY);
  });

  test('HEL-42 a key that is added holds without a restart', async () => {
    await file.write([...KEYS, { key: 'new-key', subject: 'new' }]);
    const deadline = performance.now() + 10_000;
    for (;;) {
      await using client = await WireClient.open(site.url);
      const reply = await client.request('connect', { api_key: 'new-key' }).catch(() => undefined);
      if (reply?.type === 'connection_success') break;
      expect(performance.now()).toBeLessThan(deadline);
    }
  });

  test('HEL-42 a key whose time runs out ends its sockets', async () => {
    await using client = await WireClient.connect(site.url, { api_key: 'ada-short-key' });
    await using other = await WireClient.connect(site.url, { api_key: 'ada-laptop-key' });
    await site.advance(3_600_000);
    await expectRefused(client, EXPIRED, 4000);
    await refusedKey('ada-short-key', EXPIRED);
    await other.request('ping', {});
  });

  test('SES-16 the retention of a key holds for the sessions that it opens', async () => {
    await using enterprise = await WireClient.connect(site.url, { api_key: 'eve-key' });
    await using usual = await WireClient.connect(site.url, { api_key: 'bob-key' });
    await enterprise.say('keep this');
    await usual.say('keep this');
    enterprise.cut();
    usual.cut();
    await untilConnections(site.url, 0);
    await site.advance(86_400_000 - 60_000);
    await using back = await WireClient.resume(site.url, enterprise, { api_key: 'eve-key' });
    expect(back.success).toMatchObject({ outcome: 'restored', tier: 'medium' });
    expect(back.restored?.expires_in_ms).toBe(86_400_000);
    await using gone = await WireClient.resume(site.url, usual, { api_key: 'bob-key' });
    expect(gone.success).toMatchObject({ outcome: 'expired', tier: 'expired' });
    back.cut();
    gone.cut();
    await untilConnections(site.url, 0);
    await site.advance(86_400_000 + 1);
    await using late = await WireClient.resume(site.url, back, { api_key: 'eve-key' });
    expect(late.success).toMatchObject({ outcome: 'expired', previous_session_id: enterprise.sessionId });
  });

  test('SES-19 a session that a key with another retention comes back to is told the new limit', async () => {
    await using plain = await WireClient.connect(site.url, { api_key: 'eve-plain-key' });
    await using back = await WireClient.resume(site.url, plain, { api_key: 'eve-key' });
    expect(back.restored?.expires_in_ms).toBe(86_400_000);
    await using again = await WireClient.resume(site.url, back, { api_key: 'eve-plain-key' });
    expect(again.restored?.expires_in_ms).toBe(300_000);
  });
});
