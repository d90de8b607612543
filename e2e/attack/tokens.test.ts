// Keys and tokens that are nearly good. What is good of each kind is in e2e/wire/{keys,jwt-keys,session-tokens}.test.ts.
import { generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { expect, test } from 'vitest';
import { listThreads } from '../wire/support/threads.ts';
import { describeStore, type Site } from '../wire/support/site.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import {
  AUDIENCE,
  BAD_CLAIMS,
  BAD_HEADS,
  BAD_KEYS,
  CLAIMS,
  EXPIRED,
  JWT_SECRET,
  now,
  type Row,
  rsa,
} from './support/bad-keys.ts';
import { ADA, EVE, productionEnv, SESSION_SECRET } from './support/customers.ts';
import {
  bitFlips,
  hmacToken,
  mangled,
  signedToken,
  unsignedToken,
  withSignature,
} from './support/forgeries.ts';
import { shareOf } from './support/share.ts';
import { bearerVerdict, connectVerdict, fitsHeader } from './support/way-in.ts';

/** How many of the many flips the short run tries. */
const FLIPS = 45;

const env = await productionEnv();

/** Neither over a socket nor over HTTP is anybody let in by these. */
function refusesAll(site: Site, rows: readonly Row[], expired = false): void {
  const why = expired ? 'token_expired' : 'invalid_key';
  test.each(rows)('HEL-21 HEL-26 HEL-45 HTP-5 a key %s', async (_name, key) => {
    const isText = typeof key === 'string' && key.length <= 8192;
    // `null`, like no key at all, is no key; what is of another type or too long is no connect.
    expect(await connectVerdict(site.url, { api_key: key })).toBe(
      isText || key === null || key === undefined ? `${why} 4000` : 'invalid_message 4002',
    );
    if (typeof key === 'string' && fitsHeader(key))
      expect(await bearerVerdict(site.url, key)).toBe(`401 ${why}`);
  });
}

const HS = { ...env, JWT_SECRET, JWT_AUDIENCE: AUDIENCE };
describeStore('sqlite', 'keys that are nearly good', HS, (site) => {
  const good = hmacToken(CLAIMS, JWT_SECRET);

  test('HEL-45 HTP-5 those that they were made of are good', async () => {
    for (const api_key of [ADA, good]) {
      expect(await connectVerdict(site.url, { api_key })).toBe('in');
      expect(await bearerVerdict(site.url, api_key)).toBe('in');
    }
  });

  refusesAll(site, BAD_KEYS);
  refusesAll(site, BAD_HEADS);
  refusesAll(site, BAD_CLAIMS);
  refusesAll(site, EXPIRED, true);
  refusesAll(site, mangled(good));
  refusesAll(site, shareOf(bitFlips(good), FLIPS));

  test('HEL-46 HTP-5 a session token is no key over HTTP either', async () => {
    await using client = await WireClient.connect(site.url, { api_key: ADA });
    expect(await bearerVerdict(site.url, client.token)).toBe('401 invalid_key');
    expect(await connectVerdict(site.url, { api_key: client.token })).toBe('invalid_key 4000');
    expect(await connectVerdict(site.url, { api_key: client.token, session_token: client.token })).toBe(
      'invalid_key 4000',
    );
  });

  test('HEL-21 nobody who was refused has made a session', async () => {
    // By the good key of the file, and by the one from above.
    expect((await listThreads(site.url, ADA)).threads).toHaveLength(2);
    expect((await listThreads(site.url, EVE)).threads).toEqual([]);
    expect((await listThreads(site.url, good)).threads).toHaveLength(1);
  });
});

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const otherEc = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
for (const [alg, pair, other] of [
  ['ES256', ec, otherEc],
  ['RS256', rsa, generateKeyPairSync('rsa', { modulusLength: 2048 })],
] as const) {
  const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const der = pair.publicKey.export({ type: 'spki', format: 'der' });
  const settings = { ...env, JWT_ALGORITHM: alg, JWT_PUBLIC_KEY: pem, JWT_AUDIENCE: AUDIENCE };
  describeStore('sqlite', `keys that are nearly good (${alg})`, settings, (site) => {
    const good = signedToken(CLAIMS, pair.privateKey, { alg });
    const bytes = alg === 'ES256' ? 64 : 256;

    test('HEL-45 the one that they were made of is good', async () => {
      expect(await connectVerdict(site.url, { api_key: good })).toBe('in');
      expect(await bearerVerdict(site.url, good)).toBe('in');
    });

    refusesAll(site, [
      ['signed with the public key as a secret', hmacToken(CLAIMS, pem)],
      ['signed with the public key without its last line end', hmacToken(CLAIMS, pem.trimEnd())],
      ['signed with the public key as one line', hmacToken(CLAIMS, pem.replaceAll('\n', '\\n'))],
      ['signed with the bytes of the public key', hmacToken(CLAIMS, der.toString('latin1'))],
      ['signed with the public key in base64', hmacToken(CLAIMS, der.toString('base64'))],
      [`signed with the public key, and ${alg} in its head`, hmacToken(CLAIMS, pem, { alg })],
      ['signed with another private key', signedToken(CLAIMS, other.privateKey, { alg })],
      [
        'signed with a key on another curve',
        signedToken(CLAIMS, p384.privateKey, { alg: 'ES384' }, 'sha384'),
      ],
      ['of the algorithm none', unsignedToken(CLAIMS, { alg: 'none' })],
      ['that says PS256', signedToken(CLAIMS, pair.privateKey, { alg: 'PS256' })],
      ['that says RS512', signedToken(CLAIMS, pair.privateKey, { alg: 'RS512' }, 'sha512')],
      ['whose signature is zeros', withSignature(good, new Uint8Array(bytes))],
      ['whose signature is one', withSignature(good, new Uint8Array(bytes).fill(1))],
      ['whose signature is too short', withSignature(good, new Uint8Array(bytes - 1).fill(1))],
      ['whose signature is all ones', withSignature(good, new Uint8Array(bytes).fill(0xff))],
      [
        'whose signature is of another token',
        withSignature(good, signedToken({}, pair.privateKey, { alg }).split('.')[2] ?? ''),
      ],
    ]);
    refusesAll(site, shareOf(bitFlips(good), FLIPS / 3));
  });
}

describeStore('sqlite', 'session tokens that are nearly good', env, (site) => {
  const FORGED = 'invalid_session_token 4000';
  const verdict = (session_token: unknown, api_key = ADA) =>
    connectVerdict(site.url, { api_key, session_token });

  test('HEL-23 one bit, one character, one claim or one secret that differs is enough', async () => {
    await using client = await WireClient.connect(site.url, { api_key: ADA });
    const claims = jwt.decode(client.token) as Record<string, unknown>;
    const resign = (changes: object, head: object = {}) =>
      hmacToken({ ...claims, ...changes }, SESSION_SECRET, head);
    expect(await verdict(resign({}))).toBe('in');
    const bad = [
      ...shareOf(bitFlips(client.token), FLIPS),
      ...mangled(client.token),
      ['without a signature', unsignedToken(claims, { alg: 'none' })],
      ['of HS512', hmacToken(claims, SESSION_SECRET, { alg: 'HS512' }, 'sha512')],
      ['signed with another secret', hmacToken(claims, `${SESSION_SECRET}x`)],
      ['for keys', resign({ aud: AUDIENCE })],
      ...['sub', 'sid', 'dom', 'wsp', 'sto', 'con'].flatMap((name) => [
        [`without ${name}`, resign({ [name]: undefined })],
        [`with a number as ${name}`, resign({ [name]: 7 })],
        [`with a list as ${name}`, resign({ [name]: [claims[name]] })],
      ]),
      ['of another subject', resign({ sub: 'eve' })],
      ['of a subject in capitals', resign({ sub: 'ADA' })],
      ['of another domain', resign({ dom: 'home' })],
      ['of another workspace', resign({ wsp: 'office' })],
    ] as readonly (readonly [string, string])[];
    for (const [name, token] of bad) expect([name, await verdict(token)]).toEqual([name, FORGED]);
    expect(await verdict(resign({ exp: now - 60 }))).toBe('token_expired 4000');
    for (const token of [7, true, [client.token], {}, 'x'.repeat(8193), '', null])
      expect(await verdict(token)).toBe('invalid_message 4002');
  });

  test('HEL-23 it is of no use to another subject, and names nobody', async () => {
    await using client = await WireClient.connect(site.url, { api_key: ADA });
    expect(await verdict(client.token, EVE)).toBe(FORGED);
    expect(await connectVerdict(site.url, { session_token: client.token })).toBe('invalid_key 4000');
    expect(await verdict(EVE)).toBe(FORGED);
    expect((await listThreads(site.url, EVE)).threads).toEqual([]);
  });

  test('RES-3 SES-5 one of another store finds nothing of that store here, and nothing of anybody else', async () => {
    const elsewhere = await site.start();
    await using there = await WireClient.connect(elsewhere.url, { api_key: ADA });
    await there.say('only there');
    await using here = await WireClient.connect(site.url, { api_key: ADA, session_token: there.token });
    expect(here.success).toMatchObject({ outcome: 'reset', position: { seq: 0 } });
    expect(here.restored?.history.messages).toEqual([]);
    // The id is Ada's here as well: a token that names it and another subject is none.
    const claims = jwt.decode(there.token) as Record<string, unknown>;
    expect(await verdict(hmacToken({ ...claims, sub: 'eve' }, SESSION_SECRET), ADA)).toBe(FORGED);
    await site.end(elsewhere);
  });
});
