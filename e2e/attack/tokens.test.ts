// Keys and tokens that are nearly good. What is good of each kind is in e2e/wire/{keys,jwt-keys,session-tokens}.test.ts.
import { createHash, generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { expect, test } from 'vitest';
import { listThreads } from '../wire/support/threads.ts';
import { describeStore, type Site } from '../wire/support/site.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
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

const JWT_SECRET = 'jwt-secret-that-is-long-enough-00000001';
const AUDIENCE = 'holdfast-keys';
const SESSION_AUDIENCE = 'holdfast:session';
const now = Math.floor(Date.now() / 1000);
const CLAIMS = { iss: 'https://id.example.org', sub: 'ada', aud: AUDIENCE, exp: now + 36_000 };
/** How many of the many flips the short run tries. */
const FLIPS = 45;

type Row = readonly [name: string, key: unknown];
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

const fullWidth = [...ADA].map((c) => String.fromCodePoint(c.charCodeAt(0) + 0xfee0)).join('');
const OPAQUE: readonly Row[] = [
  ['that is none', undefined],
  ['that is null', null],
  ['that is empty', ''],
  ['that is a space', ' '],
  ['that is a number', 1],
  ['that is true', true],
  ['in a list', [ADA]],
  ['in an object', { toString: ADA }],
  ['in capitals', ADA.toUpperCase()],
  ['with a space before it', ` ${ADA}`],
  ['with a space behind it', `${ADA} `],
  ['with a tab behind it', `${ADA}\t`],
  ['with a line end behind it', `${ADA}\r\n`],
  ['with a NUL behind it', `${ADA}\u0000`],
  ['with a NUL inside', `${ADA.slice(0, 5)}\u0000${ADA.slice(5)}`],
  ['with a zero-width space', `${ADA}\u200b`],
  ['with a byte order mark', `\ufeff${ADA}`],
  ['with a letter of another alphabet', ADA.replace('a', '\u0430')],
  ['in full-width letters', fullWidth],
  ['with a combining mark', `${ADA}\u0301`],
  ['with a lone surrogate', `${ADA}\ud800`],
  ['without its last character', ADA.slice(0, -1)],
  ['without its first character', ADA.slice(1)],
  ['twice', ADA + ADA],
  ['backwards', [...ADA].toReversed().join('')],
  ['as its digest', createHash('sha256').update(ADA).digest('hex')],
  ['as its digest in base64', createHash('sha256').update(ADA).digest('base64')],
  ['in base64', Buffer.from(ADA).toString('base64')],
  ['as a basic credential', `Basic ${Buffer.from(`:${ADA}`).toString('base64')}`],
  ['with "Bearer" before it', `Bearer ${ADA}`],
  ['two in one', `${ADA},${EVE}`],
  ['that everybody knows', 'development'],
  ['of the tests', 'valid-test-key'],
  ['that is the subject', 'ada'],
  ['that is the secret of sessions', SESSION_SECRET],
  ['that is the secret of JWTs', JWT_SECRET],
  ['called __proto__', '__proto__'],
  ['called constructor', 'constructor'],
  ['called undefined', 'undefined'],
  ['called null', 'null'],
  ['that is an asterisk', '*'],
  ['that is a pattern', '.*'],
  ['that is SQL', "' OR '1'='1"],
  ['that is a path', '../../keys.json'],
  ['of the greatest length', 'k'.repeat(8192)],
  ['that is too long', 'k'.repeat(8193)],
];

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const HEADS: readonly Row[] = [
  ...['none', 'None', 'nOnE', 'NONE', '', 'HS1', 'hs256'].map(
    (alg): Row => [`of the algorithm "${alg}"`, unsignedToken(CLAIMS, { alg, typ: 'JWT' })],
  ),
  ['of the algorithm none, with a good signature', hmacToken(CLAIMS, JWT_SECRET, { alg: 'none' })],
  ['without an algorithm', hmacToken(CLAIMS, JWT_SECRET, { alg: undefined })],
  ['whose algorithm is a list', hmacToken(CLAIMS, JWT_SECRET, { alg: ['HS256'] })],
  ['whose algorithm is null', hmacToken(CLAIMS, JWT_SECRET, { alg: null })],
  ['whose algorithm is a number', hmacToken(CLAIMS, JWT_SECRET, { alg: 256 })],
  ['of HS384', hmacToken(CLAIMS, JWT_SECRET, { alg: 'HS384' }, 'sha384')],
  ['of HS512', hmacToken(CLAIMS, JWT_SECRET, { alg: 'HS512' }, 'sha512')],
  ['of HS512 that says HS256', hmacToken(CLAIMS, JWT_SECRET, {}, 'sha512')],
  ['of RS256', signedToken(CLAIMS, rsa.privateKey, { alg: 'RS256' })],
  ['of RS256 that says HS256', signedToken(CLAIMS, rsa.privateKey, { alg: 'HS256' })],
  ['signed with another secret', hmacToken(CLAIMS, 'not the secret')],
  ['signed with no secret', hmacToken(CLAIMS, '')],
  ['signed with the secret of sessions', hmacToken(CLAIMS, SESSION_SECRET)],
  ['signed with the secret and a line end', hmacToken(CLAIMS, `${JWT_SECRET}\n`)],
  ['that names a file as its key', hmacToken(CLAIMS, '', { kid: '../../../../dev/null' })],
  ['that names SQL as its key', hmacToken(CLAIMS, 'x', { kid: "' UNION SELECT 'x" })],
  ['that brings its key along', hmacToken(CLAIMS, 'mine', { jwk: { kty: 'oct', k: 'bWluZQ' } })],
  [
    'that brings its public key along',
    signedToken(CLAIMS, rsa.privateKey, { alg: 'RS256', jwk: rsa.publicKey.export({ format: 'jwk' }) }),
  ],
  ['that says where its key is', hmacToken(CLAIMS, 'mine', { jku: 'http://127.0.0.1:1/jwks.json' })],
  ['that says where its certificate is', hmacToken(CLAIMS, 'mine', { x5u: 'http://127.0.0.1:1/c' })],
  ['that brings its certificate along', hmacToken(CLAIMS, 'mine', { x5c: ['MIIB'] })],
  ['whose head is a list', `W10.${hmacToken(CLAIMS, JWT_SECRET).split('.').slice(1).join('.')}`],
  ['whose head is no JSON', `e3.${hmacToken(CLAIMS, JWT_SECRET).split('.').slice(1).join('.')}`],
];

const claim = (name: string, what: string, claims: object): Row => [
  `whose ${name} is ${what}`,
  hmacToken({ ...CLAIMS, ...claims }, JWT_SECRET),
];
const BAD_CLAIMS: readonly Row[] = [
  ...(['sub', 'iss'] as const).flatMap((name) => [
    claim(name, 'missing', { [name]: undefined }),
    claim(name, 'null', { [name]: null }),
    claim(name, 'a number', { [name]: 7 }),
    claim(name, 'empty', { [name]: '' }),
    claim(name, 'a list', { [name]: ['ada'] }),
    claim(name, 'an object', { [name]: {} }),
    claim(name, 'too long', { [name]: 'x'.repeat(257) }),
  ]),
  claim('aud', 'missing', { aud: undefined }),
  claim('aud', 'another', { aud: 'somebody-else' }),
  claim('aud', 'in capitals', { aud: AUDIENCE.toUpperCase() }),
  claim('aud', 'longer', { aud: `${AUDIENCE}2` }),
  claim('aud', 'a number', { aud: 7 }),
  claim('aud', 'an empty list', { aud: [] }),
  claim('aud', 'a list in a list', { aud: [[AUDIENCE]] }),
  claim('aud', 'an object', { aud: { [AUDIENCE]: true } }),
  claim('aud', 'that of sessions', { aud: SESSION_AUDIENCE }),
  claim('aud', 'that of sessions as well', { aud: [AUDIENCE, SESSION_AUDIENCE] }),
  claim('exp', 'missing', { exp: undefined }),
  claim('exp', 'null', { exp: null }),
  claim('exp', 'a text', { exp: String(now + 600) }),
  claim('exp', 'true', { exp: true }),
  claim('exp', 'a list', { exp: [now + 600] }),
  claim('nbf', 'to come', { nbf: now + 600 }),
  claim('nbf', 'a text', { nbf: String(now - 600) }),
  claim('permissions', 'a text', { permissions: 'chat' }),
  claim('permissions', 'empty', { permissions: [] }),
  claim('permissions', 'of another name', { permissions: ['root'] }),
  claim('permissions', 'null', { permissions: null }),
  claim('permissions', 'good and bad', { permissions: ['chat', 'root'] }),
  claim('workspaces', 'a text', { workspaces: 'office' }),
  claim('workspaces', 'empty', { workspaces: [] }),
  claim('workspaces', 'of two words', { workspaces: ['two words'] }),
  claim('retention', 'a number', { retention: 7 }),
  claim('retention', 'too long', { retention: 'x'.repeat(65) }),
  ['whose payload is a list', hmacToken([CLAIMS], JWT_SECRET)],
  ['whose payload is a text', hmacToken('"ada"', JWT_SECRET)],
  ['whose payload is null', hmacToken('null', JWT_SECRET)],
  ['whose payload is a number', hmacToken('7', JWT_SECRET)],
  ['whose payload is no JSON', hmacToken('{', JWT_SECRET)],
  ['whose payload is empty', hmacToken('{}', JWT_SECRET)],
];
const EXPIRED: readonly Row[] = [
  claim('exp', 'past', { exp: now - 60 }),
  claim('exp', 'nothing', { exp: 0 }),
  claim('exp', 'before all time', { exp: -1 }),
  claim('exp', 'without end the wrong way', { exp: -1e300 }),
];

const HS = { ...env, JWT_SECRET, JWT_AUDIENCE: AUDIENCE };
describeStore('sqlite', 'keys that are nearly good', HS, (site) => {
  const good = hmacToken(CLAIMS, JWT_SECRET);

  test('HEL-45 HTP-5 those that they were made of are good', async () => {
    for (const api_key of [ADA, good]) {
      expect(await connectVerdict(site.url, { api_key })).toBe('in');
      expect(await bearerVerdict(site.url, api_key)).toBe('in');
    }
  });

  refusesAll(site, OPAQUE);
  refusesAll(site, HEADS);
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
