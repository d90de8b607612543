import jwt from 'jsonwebtoken';
import { expect, test, vi } from 'vitest';
import { ServerProcess } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { KeyFile } from '../wire/support/key-file.ts';
import { describeStores } from '../wire/support/site.ts';
import { StartAttempt } from '../wire/support/start-attempt.ts';

// A server that takes keys of several issuers: one of them must not be able to name a person of another.

const SECRET = 'the secret that signs keys of this test, long enough';
const JWT = { JWT_SECRET: SECRET, JWT_AUDIENCE: 'holdfast-keys' };
const exp = Math.floor(Date.now() / 1000) + 3600;
const keyOf = (iss: string, sub: string) => jwt.sign({ iss, sub, aud: JWT.JWT_AUDIENCE, exp }, SECRET);

describeStores('subjects of JWTs', JWT, (site) => {
  test.each([
    ['https://id.example', 'ann:x', 'https://id.example:ann', 'x'],
    ['https://id.example', ':x', 'https://id.example:', 'x'],
    ['https://id.example', 'ann%3Ax', 'https://id.example', 'ann:x'],
    ['https://id.example', 'ann%3Ax', 'https://id.example:ann', 'x'],
  ])('KEY-14 %s and %s is nobody else than %s and %s', async (iss, sub, otherIss, otherSub) => {
    await using victim = await WireClient.connect(site.url, { api_key: keyOf(iss, sub) });
    await victim.say('a secret');
    await using thief = await WireClient.open(site.url);
    const api_key = keyOf(otherIss, otherSub);
    const reply = await thief.request('connect', { api_key, session_id: victim.sessionId });
    expect(reply.data).toMatchObject({ error_type: 'not_found' });
    const headers = { authorization: `Bearer ${api_key}` };
    const answer = await fetch(`${site.url}/api/chat/threads/${victim.sessionId}`, { headers });
    expect(answer.status).toBe(404);
    const list = await fetch(`${site.url}/api/chat/threads`, { headers });
    expect(await list.text()).not.toContain(victim.sessionId);
    // The one whose it is finds it again.
    await using again = await WireClient.connect(site.url, {
      api_key: keyOf(iss, sub),
      session_id: victim.sessionId,
    });
    expect(again.success?.outcome).toBe('restored');
  });
});

test.each(['jwt:https://id.example:ann', 'key:development', 'JWT:x'])(
  'KEY-4 a key file that gives the subject %s to somebody does not start a server',
  async (subject) => {
    await using file = await KeyFile.create([{ key: 'thief-key', subject }]);
    await using start = new StartAttempt({ ...JWT, API_KEYS_FILE: file.path });
    const { code, lines } = await start.ended();
    expect(lines).toEqual(['API_KEYS_FILE keys.0.subject: must not begin with jwt: or key:']);
    expect(code).toBe(1);
  },
);

test('KEY-6 one that does so later changes nothing', async () => {
  const key = { key: 'ann-key', subject: 'ann' };
  await using file = await KeyFile.create([key]);
  await using server = await ServerProcess.start({ env: { ...JWT, API_KEYS_FILE: file.path } });
  await using before = await WireClient.connect(server.url, { api_key: 'ann-key' });
  expect(before.success?.user.subject).toBe('ann');
  await file.write([{ ...key, subject: 'key:development' }]);
  await vi.waitFor(
    () => expect(server.errors.filter((line) => line.includes('keys_unusable'))).toHaveLength(1),
    {
      timeout: 10_000,
    },
  );
  await using after = await WireClient.connect(server.url, { api_key: 'ann-key' });
  expect(after.success?.user.subject).toBe('ann');
});
