import { createHash, generateKeyPairSync } from 'node:crypto';
import { ADA, EVE, SESSION_SECRET } from './customers.ts';
import { hmacToken, signedToken, unsignedToken } from './forgeries.ts';

/** What signs good JWTs (HS256), and what these say. */
export const JWT_SECRET = 'jwt-secret-that-is-long-enough-00000001';
export const AUDIENCE = 'holdfast-keys';
const SESSION_AUDIENCE = 'holdfast:session';
export const now: number = Math.floor(Date.now() / 1000);
export const CLAIMS = { iss: 'https://id.example.org', sub: 'ada', aud: AUDIENCE, exp: now + 36_000 };

/** A key that is not good: what it is like, and the key itself, of whatever type. */
export type Row = readonly [name: string, key: unknown];

const fullWidth = [...ADA].map((c) => String.fromCodePoint(c.charCodeAt(0) + 0xfee0)).join('');
/** Keys that are no JWTs. */
export const BAD_KEYS: readonly Row[] = [
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

/** A key pair that no server of HS256 has heard of. */
export const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
/** JWTs of other algorithms, secrets and keys. */
export const BAD_HEADS: readonly Row[] = [
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
/** JWTs that are signed well and say the wrong thing. */
export const BAD_CLAIMS: readonly Row[] = [
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
/** JWTs that were good once. */
export const EXPIRED: readonly Row[] = [
  claim('exp', 'past', { exp: now - 60 }),
  claim('exp', 'nothing', { exp: 0 }),
  claim('exp', 'before all time', { exp: -1 }),
  claim('exp', 'without end the wrong way', { exp: -1e300 }),
];
