import { generateKeyPairSync } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { ServerProcess } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { KeyFile } from '../wire/support/key-file.ts';
import type { Env } from '../wire/support/site.ts';
import { type Ended, StartAttempt } from '../wire/support/start-attempt.ts';

// What an operator forgets, misspells or puts into the wrong variable must not open the server to everybody.

const file = await KeyFile.create([{ key: 'ada-key', subject: 'ada' }]);
afterAll(() => file[Symbol.asyncDispose]());

const KEYS: Env = { API_KEYS_FILE: file.path };
const SECRET = 'hunter2-hunter2-hunter2-hunter2-hunter2';
const PRODUCTION: Env = { NODE_ENV: 'production', SESSION_SECRET: 's'.repeat(40), ...KEYS };

/** Starts a server that nothing is said to of development keys. Rejects when it listens. */
async function attempt(env: Env): Promise<Ended> {
  await using start = new StartAttempt({ ALLOW_DEVELOPMENT_KEYS: '', NODE_ENV: '', ...env });
  const listening = start.listening().then(() => {
    throw new Error(`it listens with ${JSON.stringify(env)}`);
  });
  return await Promise.race([start.ended(), listening]);
}

/** It ended by itself, with one line that begins with the variable, and showed no code and no secret. */
function expectFault({ code, lines, log }: Ended, name: string): void {
  expect(lines).toEqual([expect.stringMatching(new RegExp(`^${name} (must|is required)`))]);
  expect(code).toBe(1);
  expect(`${lines.join('\n')}${log}`).not.toMatch(/hunter2|PRIVATE KEY|\n\s+at /);
}

describe('an environment that is misspelt or forgotten', () => {
  test.each(['prod', 'Production', 'production ', 'PRODUCTION', 'staging'])(
    'CFG-20 NODE_ENV=%j with HOST=0.0.0.0 and a key file does not start',
    async (NODE_ENV) =>
      expectFault(
        await attempt({ NODE_ENV, HOST: '0.0.0.0', SESSION_SECRET: 's'.repeat(40), ...KEYS }),
        'NODE_ENV',
      ),
  );

  test.each<Env>([
    { HOST: '0.0.0.0' },
    { HOST: '::' },
    { HOST: '0.0.0.0', NODE_ENV: 'test', ...KEYS },
    KEYS,
    { JWT_SECRET: SECRET, JWT_AUDIENCE: 'a' },
    { TRUST_PROXY: 'loopback' },
  ])('CFG-21 none with %j does not start', async (env) => expectFault(await attempt(env), 'NODE_ENV'));

  const isLetIn = async (server: ServerProcess, api_key: string) => {
    await using client = await WireClient.open(server.url);
    return (await client.request('connect', { api_key })).type === 'connection_success';
  };
  const moveClock = async (server: ServerProcess) => {
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${server.url}/debug/clock`, { method: 'POST', headers, body: '{"advance_ms":0}' }))
      .status;
  };

  test('CFG-21 CFG-22 in so many words development keys hold beside a key file, or do not', async () => {
    await using both = await ServerProcess.start({ env: { ...KEYS, ALLOW_DEVELOPMENT_KEYS: 'true' } });
    expect(await isLetIn(both, 'development')).toBe(true);
    expect(await isLetIn(both, 'ada-key')).toBe(true);
    expect(await moveClock(both)).toBe(200);
    await using own = await ServerProcess.start({ env: { ...KEYS, ALLOW_DEVELOPMENT_KEYS: 'false' } });
    for (const key of ['development', 'valid-test-key']) expect(await isLetIn(own, key)).toBe(false);
    expect(await isLetIn(own, 'ada-key')).toBe(true);
    expect(await moveClock(own)).toBe(404);
  });
});

test.each<[string, Env]>([
  ['SESSION_SECRET', { SESSION_SECRET: 'hunter2' }],
  ['SESSION_SECRET', { SESSION_SECRET: `${SECRET},hunter2` }],
  ['JWT_SECRET', { JWT_SECRET: 'hunter2', JWT_AUDIENCE: 'a' }],
  ['SESSION_SECRET', { SESSION_SECRET: SECRET, JWT_SECRET: SECRET, JWT_AUDIENCE: 'a' }],
  ['METRICS_TOKEN', { METRICS_TOKEN: 'hunter2' }],
])('CFG-23 a weak %s in production does not start', async (name, env) =>
  expectFault(await attempt({ ...PRODUCTION, ...env }), name),
);

describe('a value in the wrong place', () => {
  test.each(['0.0.0.0/0', '::/0', '*', 'true', SECRET])(
    'CFG-2 TRUST_PROXY=%s is one line, and no stack trace',
    async (TRUST_PROXY) => expectFault(await attempt({ ...PRODUCTION, TRUST_PROXY }), 'TRUST_PROXY'),
  );

  test('CFG-3 a secret in the wrong variables is not repeated', async () => {
    const names = [
      ...['NODE_ENV', 'PORT', 'ALLOWED_ORIGINS', 'TRUST_PROXY', 'DEBUG_ENDPOINTS', 'LOG_LEVEL', 'REDIS_URL'],
      ...[
        'ALLOW_DEVELOPMENT_KEYS',
        'JWT_ALGORITHM',
        'RETENTION_POLICIES',
        'MAX_CONNECTIONS',
        'AUTH_TIMEOUT_MS',
      ],
    ];
    const { code, lines, log } = await attempt(Object.fromEntries(names.map((name) => [name, SECRET])));
    expect(code).toBe(1);
    expect(lines.map((line) => line.split(' ', 1)[0]).sort()).toEqual([...names].sort());
    expect(`${lines.join('\n')}${log}`).not.toMatch(/hunter2|\n\s+at /);
  });

  const pair = (modulusLength: number) =>
    generateKeyPairSync('rsa', {
      modulusLength,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
  test.each([
    ['a private key', pair(2048).privateKey],
    ['a key of 1 024 bits', pair(1024).publicKey],
    ['no key', SECRET],
  ])('KEY-15 %s as JWT_PUBLIC_KEY does not start', async (_name, JWT_PUBLIC_KEY) =>
    expectFault(
      await attempt({ ...PRODUCTION, JWT_ALGORITHM: 'RS256', JWT_AUDIENCE: 'a', JWT_PUBLIC_KEY }),
      'JWT_PUBLIC_KEY',
    ),
  );
});
