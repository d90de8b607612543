// Secrets in logs, errors and answers, at every level, on servers that have something to say: refusals, bad tokens,
// faults of their own, a store that goes away, a drain.
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import jwt from 'jsonwebtoken';
import { expect, test } from 'vitest';
import { RawSocket } from '../../test-helpers/raw-socket.ts';
import { startRedis } from '../../test-helpers/redis.ts';
import { ServerProcess, untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { KeyFile } from '../wire/support/key-file.ts';

const KEY = 'file-key-hunter2-0123456789abcdef';
const SECRETS = {
  METRICS_TOKEN: 'metrics-token-hunter2-0123456789abcdef',
  SESSION_SECRET: 'session-secret-hunter2-0123456789abcdef',
  JWT_SECRET: 'jwt-secret-hunter2-0123456789abcdef0123',
  JWT_AUDIENCE: 'holdfast-keys',
};
const SAID = 'words that are nobody else’s business';
const KEYS = [{ key: KEY, subject: 'ada', permissions: ['chat', 'operate'] }] as const;
const env = (level: string, keys: KeyFile) => ({
  ...SECRETS,
  NODE_ENV: 'production',
  API_KEYS_FILE: keys.path,
  LOG_LEVEL: level,
  AGENT: 'none',
  DRAIN_MS: '1500',
  FAILED_AUTH_PER_MIN: '0',
});

/** Whatever must not be found anywhere: keys and secrets by their word, tokens by how they all begin, and what was said. */
const SECRET = /hunter|eyJ|nobody else|4111-1111|dear diary/;

/** Everything that goes wrong, or right, with credentials. Answers the tokens that were given out. */
async function comeAndGo(url: string): Promise<string[]> {
  await using client = await WireClient.connect(url, { api_key: KEY });
  await client.say(SAID, { metadata: { card: '4111-1111' } });
  await client.request('context_update', { memory: { diary: 'dear diary' } });
  client.sendRaw(`{"type":"auth_refresh","data":{"api_key":"${KEY}"`);
  await client.closed();
  await using other = await WireClient.resume(url, client, { api_key: KEY });
  other.send('auth_refresh', { api_key: 'wrong-key-hunter3' });
  await other.closed();
  const claims = { iss: 'me', sub: 'ada-hunter4', aud: 'holdfast-keys', exp: 1 };
  for (const data of [
    { api_key: 'wrong-key-hunter5' },
    { api_key: 'hunter6'.repeat(2000) },
    { api_key: jwt.sign(claims, SECRETS.JWT_SECRET) },
    { api_key: jwt.sign(claims, 'not the secret') },
    { api_key: KEY, session_token: `${client.token}x` },
    { api_key: KEY, session_token: jwt.sign({ ...claims, sid: 'x' }, SECRETS.SESSION_SECRET) },
    { api_key: KEY, session_token: 'hunter7', session_id: 'hunter8' },
    { api_key: 'wrong-key-hunter9', session_token: client.token },
  ]) {
    await using refused = await WireClient.open(url, { path: '/client_test?token=hunter5' });
    refused.sendRaw(JSON.stringify({ type: 'connect', data }));
    await refused.closed();
    expect(refused.frames.map((frame) => frame.raw).join('\n')).not.toMatch(SECRET);
  }
  await overHttp(url, client.token);
  await untilConnections(url, 0);
  return [client.token, other.token];
}

async function overHttp(url: string, token: string): Promise<void> {
  for (const authorization of [`Bearer ${KEY}`, 'Bearer wrong-hunter10', `Bearer ${token}`, `Basic hunter11`])
    for (const path of [
      '/api/chat/threads',
      `/api/chat/threads?api_key=${KEY}&token=${token}`,
      '/api/chat/threads?limit=hunter12',
      '/healthz',
      '/metrics',
      '/client_test',
      '/nowhere?hunter13',
    ]) {
      const answer = await fetch(`${url}${path}`, { headers: { authorization } });
      // A thread tells its owner what was said last.
      if (!answer.ok) expect(await answer.text()).not.toMatch(SECRET);
      else if (path !== '/api/chat/threads') expect(await answer.text()).not.toMatch(/hunter|eyJ/);
    }
  const post = await fetch(`${url}/api/chat/threads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: `{"title": ${KEY}}`,
  });
  expect(post.status).toBe(400);
  expect(await post.text()).not.toMatch(SECRET);
  // What the parser of HTTP gives up on.
  for (const rest of [
    'Bad Header\r\n\r\n',
    `X: ${'a'.repeat(20_000)}\r\n\r\n`,
    'Content-Length: -1\r\n\r\n',
  ]) {
    await using socket = await RawSocket.open(url);
    await socket.write(
      `GET /api/chat/threads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${KEY}\r\n${rest}`,
    );
    expect(await socket.ended()).not.toMatch(SECRET);
  }
}

/** Makes the embedded store refuse events while `during` runs, with a text that shows that somebody logged it. */
async function withFault(server: ServerProcess, during: () => Promise<void>): Promise<void> {
  const name = (await readdir(server.dataDir)).find((one) => /\.(db|sqlite3?)$/.test(one)) ?? '';
  const database = new DatabaseSync(join(server.dataDir, name), { timeout: 10_000 });
  const refuse = "BEGIN SELECT RAISE(ABORT, 'a planted fault'); END";
  database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON event ${refuse}`);
  await during();
  database.exec('DROP TRIGGER refuse');
  database.close();
}

function expectNoSecret(log: string, tokens: readonly string[]): void {
  expect(log).not.toMatch(SECRET);
  // Nor as the bytes of a packet.
  expect(log).not.toContain([...Buffer.from('hunter')].join(','));
  for (const token of tokens) expect(log).not.toContain(token);
}

/** What a server of this level has at least logged in the end. */
const LOGGED: Readonly<Record<string, readonly RegExp[]>> = {
  trace: [/listening/, /"event":"request"/, /a planted fault/, /stopped/],
  debug: [/listening/, /"event":"request"/, /a planted fault/, /stopped/],
  info: [/listening/, /a planted fault/, /keys_unusable/, /stopped/],
  warn: [/a planted fault/, /keys_unusable/],
  error: [/a planted fault/, /keys_unusable/],
};

/** Resolves once the server has logged it. */
async function untilLogged(server: ServerProcess, what: RegExp): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!server.log.some((line) => what.test(line))) {
    if (performance.now() > deadline) throw new Error(`${what} was not logged`);
    await sleep(20);
  }
}

test.concurrent.each(Object.entries(LOGGED))(
  'HEL-49 HTP-37 nothing secret is logged at the level %s',
  async (level, said) => {
    await using keys = await KeyFile.create(KEYS);
    await using server = await ServerProcess.start({ env: env(level, keys) });
    const tokens = await comeAndGo(server.url);
    await withFault(server, async () => {
      await using client = await WireClient.connect(server.url, { api_key: KEY });
      client.send('chat_message', { content: SAID });
      expect(await client.closed()).toMatchObject({ code: 1011 });
      expect(client.frames.map((frame) => frame.raw).join('\n')).not.toMatch(/planted|nobody else/);
    });
    await writeFile(keys.path, `{"keys":[{"sha256":"hunter14","hunter15":"${KEY}"}]}`);
    await untilLogged(server, /keys_unusable/);
    await using last = await WireClient.connect(server.url, { api_key: KEY });
    expect(await server.stop()).toBe(0);
    expect(await last.closed()).toMatchObject({ code: 1012 });
    const log = server.log.join('\n');
    for (const line of said) expect(log).toMatch(line);
    expectNoSecret(log, [...tokens, last.token]);
  },
);

test('HEL-49 nor when Redis goes away in the middle of it all', async () => {
  await using keys = await KeyFile.create(KEYS);
  await using redis = await startRedis();
  await using server = await ServerProcess.start({
    env: { ...env('trace', keys), REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '500' },
  });
  const tokens = await comeAndGo(server.url);
  await using client = await WireClient.connect(server.url, { api_key: KEY });
  await redis.kill9();
  for (let i = 0; i < 20; i++) client.send('chat_message', { content: SAID });
  expect(await client.next('error')).toMatchObject({ data: { error_type: 'server_error', code: 503 } });
  client.send('context_update', { memory: { diary: 'dear diary' } });
  const headers = { authorization: `Bearer ${KEY}` };
  expect((await fetch(`${server.url}/api/chat/threads`, { headers })).status).toBe(503);
  await using late = await WireClient.open(server.url);
  late.send('connect', { api_key: KEY, session_token: client.token });
  await late.next('error');
  expect(await server.stop()).toBe(0);
  const log = server.log.join('\n');
  expect(log).toMatch(/stopped/);
  expect(log).toMatch(/"level":"(warn|error)"/);
  expectNoSecret(log, [...tokens, client.token]);
});
