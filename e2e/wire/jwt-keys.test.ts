import { createHmac, generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { type ExpectedError, expectRefused } from './support/expect-frames.ts';
import { describeStore, type Site } from './support/site.ts';

const INVALID_KEY: ExpectedError = { error_type: 'invalid_key', code: 403, message: 'Invalid API key' };
const SECRET = 'the secret that signs keys of this test, long enough';
const AUDIENCE = 'holdfast-keys';
const now = Math.floor(Date.now() / 1000);
const claims = { iss: 'https://id.example.org', sub: 'ada', aud: AUDIENCE, exp: now + 3600 };

async function refused(site: Site, api_key: string, expected = INVALID_KEY): Promise<void> {
  await using client = await WireClient.open(site.url);
  client.send('connect', { api_key });
  await expectRefused(client, expected, 4000);
}

const HS = { JWT_SECRET: SECRET, JWT_AUDIENCE: AUDIENCE, SESSION_SECRET: SECRET };

// The session tokens are signed with the same secret: what keeps them apart is their audience alone.
describeStore('sqlite', 'JWTs as keys (HS256)', HS, (site) => {
  test('HEL-45 a good one speaks for its issuer and subject', async () => {
    const api_key = jwt.sign({ ...claims, permissions: ['chat', 'operate'] }, SECRET);
    await using client = await WireClient.connect(site.url, { api_key });
    expect(client.success?.user).toEqual({
      subject: 'jwt:https://id.example.org:ada',
      permissions: ['chat', 'operate'],
    });
    await client.say('hello');
  });

  test('HEL-45 the same subject of another issuer is somebody else', async () => {
    await using ada = await WireClient.connect(site.url, { api_key: jwt.sign(claims, SECRET) });
    const api_key = jwt.sign({ ...claims, iss: 'https://other.example.org' }, SECRET);
    await using other = await WireClient.open(site.url);
    const reply = await other.request('connect', { api_key, session_id: ada.sessionId });
    expect(reply.data).toMatchObject({ error_type: 'not_found' });
  });

  test('HEL-22 an expired one is token_expired', () =>
    refused(site, jwt.sign({ ...claims, exp: now - 60 }, SECRET), {
      error_type: 'token_expired',
      code: 403,
      message: 'Token expired',
      credential: 'api_key',
    }));

  const without = (name: keyof typeof claims) => {
    const { [name]: _, ...rest } = claims;
    return jwt.sign(rest, SECRET);
  };
  const unsigned = (header: object, payload: object) =>
    `${[header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  test.each([
    ['signed with another secret', jwt.sign(claims, 'not the secret')],
    ['for another audience', jwt.sign({ ...claims, aud: 'somebody-else' }, SECRET)],
    ['without an audience', without('aud')],
    ['without an end', without('exp')],
    ['without a subject', without('sub')],
    ['without an issuer', without('iss')],
    ['of a stronger algorithm that is not the pinned one', jwt.sign(claims, SECRET, { algorithm: 'HS512' })],
    ['of another kind of algorithm', jwt.sign(claims, privateKey, { algorithm: 'RS256' })],
    ['of the algorithm none', unsigned({ alg: 'none', typ: 'JWT' }, claims)],
    ['of the algorithm None, with a signature', `${unsigned({ alg: 'None', typ: 'JWT' }, claims)}c2ln`],
    ['not valid yet', jwt.sign({ ...claims, nbf: now + 600 }, SECRET)],
    ['with permissions that do not exist', jwt.sign({ ...claims, permissions: ['root'] }, SECRET)],
    ['for the audience of session tokens', jwt.sign({ ...claims, aud: 'holdfast:session' }, SECRET)],
    ['for both audiences', jwt.sign({ ...claims, aud: [AUDIENCE, 'holdfast:session'] }, SECRET)],
    ['cut off', jwt.sign(claims, SECRET).slice(0, -5)],
  ])('HEL-45 one %s is invalid_key', (_name, api_key) => refused(site, api_key));

  test('HEL-46 a session token is no key, and a key no session token', async () => {
    const api_key = jwt.sign(claims, SECRET);
    await using client = await WireClient.connect(site.url, { api_key });
    await refused(site, client.token);
    await using other = await WireClient.open(site.url);
    other.send('connect', { api_key, session_token: api_key });
    await expectRefused(other, { error_type: 'invalid_session_token', code: 403 }, 4000);
  });

  test('HEL-42 it ends its sockets when its time is over', async () => {
    const api_key = jwt.sign({ ...claims, exp: now + 7200 }, SECRET);
    await using client = await WireClient.connect(site.url, { api_key });
    await site.advance(7_200_000);
    await expectRefused(client, { error_type: 'token_expired', code: 403 }, 4000);
  });
});

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PUBLIC = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const ES = {
  JWT_ALGORITHM: 'ES256',
  JWT_PUBLIC_KEY: PUBLIC.replaceAll('\n', '\\n'),
  JWT_AUDIENCE: AUDIENCE,
  JWT_ISSUER: claims.iss,
};

describeStore('sqlite', 'JWTs as keys (ES256)', ES, (site) => {
  test('HEL-45 one signed with the private key is good', async () => {
    const api_key = jwt.sign(claims, pair.privateKey, { algorithm: 'ES256' });
    await using client = await WireClient.connect(site.url, { api_key });
    expect(client.success?.user.subject).toBe('jwt:https://id.example.org:ada');
  });

  test('HEL-45 the public key is no secret: nothing signed with it as one is good', () =>
    refused(site, signedByHand(jwt.sign(claims, 'x'), PUBLIC)));

  test('HEL-45 another issuer is not the one that is trusted', () =>
    refused(
      site,
      jwt.sign({ ...claims, iss: 'https://other.example.org' }, pair.privateKey, { algorithm: 'ES256' }),
    ));
});

/** The token as HS256 would sign it with this secret; the library refuses to use a public key for that. */
function signedByHand(token: string, secret: string): string {
  const signed = token.slice(0, token.lastIndexOf('.'));
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
