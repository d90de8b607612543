import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jwt from 'jsonwebtoken';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { type AuthSettings, readSettings } from '../config.ts';
import { createLog } from '../log.ts';
import { KEY_FILE_POLL_MS, KeyRing } from './key-ring.ts';
import { digestOf } from './key-table.ts';
import { may, mayUse } from './principal.ts';
import { SessionTokens } from './session-tokens.ts';

let folder: string;
let clock: ManualClock;
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-keys-'));
  clock = new ManualClock();
  lines = [];
});
afterEach(() => rm(folder, { recursive: true }));

const PRODUCTION = { NODE_ENV: 'production', SESSION_SECRET: 's'.repeat(32) };

/** Settings whose development keys hold beside others. */
function auth(env: Record<string, string>): AuthSettings {
  const allowed = { ALLOW_DEVELOPMENT_KEYS: 'true' };
  const read = readSettings({ ...(env.NODE_ENV === undefined && allowed), ...env });
  if (!read.ok) throw new Error(read.faults.join('\n'));
  return read.settings.auth;
}

function tryOpen(env: Record<string, string>) {
  const log = createLog({ logLevel: 'info' }, { write: (line) => lines.push(line) });
  return KeyRing.open({ auth: auth(env), policies: new Set(['enterprise']), clock, log });
}

async function open(env: Record<string, string>): Promise<KeyRing> {
  const opened = await tryOpen(env);
  if (!opened.ok) throw new Error(opened.faults.join('\n'));
  return opened.ring;
}

async function keyFile(...keys: object[]): Promise<string> {
  const path = join(folder, 'keys.json');
  await writeFile(path, JSON.stringify({ keys }));
  return path;
}
const ada = { sha256: digestOf('ada-key'), subject: 'ada' };

describe('development keys', () => {
  it('KEY-1 hold outside production, each its own subject', async () => {
    const ring = await open({});
    expect(ring.authenticate('development')).toMatchObject({
      kind: 'ok',
      principal: { subject: 'key:development', permissions: ['chat', 'operate', 'admin'] },
    });
    expect(ring.authenticate('valid-test-key')).toMatchObject({
      kind: 'ok',
      principal: { subject: 'key:valid-test-key', permissions: ['chat'] },
    });
  });

  it('KEY-1 do not hold in production, not even from the key file', async () => {
    const ring = await open(PRODUCTION);
    expect(ring.authenticate('development').kind).toBe('invalid');
    expect(ring.authenticate('valid-test-key').kind).toBe('invalid');
    const path = await keyFile({ sha256: digestOf('development'), subject: 'x' });
    expect(await tryOpen({ ...PRODUCTION, API_KEYS_FILE: path })).toEqual({
      ok: false,
      faults: ['API_KEYS_FILE keys.0: a development key does not hold here'],
    });
  });
});

describe('keys of the file', () => {
  it('KEY-2 speak for their subject, with their permissions, workspaces and retention', async () => {
    const path = await keyFile(ada, {
      sha256: digestOf('ops-key').toUpperCase(),
      subject: 'ops',
      permissions: ['operate'],
      workspaces: ['plant'],
      retention: 'enterprise',
    });
    const ring = await open({ ...PRODUCTION, API_KEYS_FILE: path });
    const one = ring.authenticate('ada-key');
    expect(one).toMatchObject({ kind: 'ok', principal: { subject: 'ada', permissions: ['chat'] } });
    const two = ring.authenticate('ops-key');
    if (two.kind !== 'ok') throw new Error(two.kind);
    expect(two.principal).toMatchObject({ subject: 'ops', retention: 'enterprise' });
    expect([may(two.principal, 'operate'), may(two.principal, 'chat')]).toEqual([true, false]);
    expect([mayUse(two.principal, 'plant'), mayUse(two.principal, 'home')]).toEqual([true, false]);
  });

  it('KEY-2 are invalid when unknown, empty, too long, revoked, or the digest itself', async () => {
    const path = await keyFile({ ...ada, revoked: true }, { sha256: digestOf('b'), subject: 'b' });
    const ring = await open({ API_KEYS_FILE: path });
    for (const key of ['', 'nobody', 'ada-key', 'x'.repeat(9000), digestOf('b'), 'a.b.c'])
      expect(ring.authenticate(key).kind).toBe('invalid');
  });

  it('KEY-3 expire by the clock', async () => {
    const at = new Date(clock.now() + 1000).toISOString();
    const ring = await open({ API_KEYS_FILE: await keyFile({ ...ada, expires_at: at }) });
    expect(ring.authenticate('ada-key').kind).toBe('ok');
    await clock.advance(1000);
    expect(ring.authenticate('ada-key').kind).toBe('expired');
  });

  it.each([
    ['{', 'is not JSON'],
    ['[]', 'the whole'],
    ['{"keys":[{"sha256":"ab","subject":"x"}]}', 'keys.0.sha256'],
    [JSON.stringify({ keys: [{ ...ada, expires: '2030-01-01T00:00:00Z' }] }), 'keys.0'],
    [JSON.stringify({ keys: [ada, ada] }), 'keys.1: the same key stands twice'],
    [JSON.stringify({ keys: [{ ...ada, retention: 'gold' }] }), 'keys.0: RETENTION_POLICIES'],
    [
      JSON.stringify({ keys: [{ ...ada, subject: 'jwt:https://id.example:ada' }] }),
      'keys.0.subject: must not',
    ],
    [
      JSON.stringify({ keys: [{ ...ada, subject: 'key:development' }] }),
      'keys.0.subject: must not begin with',
    ],
  ])('KEY-4 a key file that cannot be used is a fault at the start: %s', async (text, fault) => {
    const path = join(folder, 'bad.json');
    await writeFile(path, text);
    const opened = await tryOpen({ API_KEYS_FILE: path });
    expect(opened).toMatchObject({ ok: false, faults: [expect.stringContaining(`API_KEYS_FILE ${fault}`)] });
  });

  it('KEY-4 so is one that is not there', async () => {
    const opened = await tryOpen({ API_KEYS_FILE: join(folder, 'none.json') });
    expect(opened).toEqual({ ok: false, faults: ['API_KEYS_FILE cannot be read (ENOENT)'] });
  });

  it('KEY-5 are reread when the file changes, and connections are told', async () => {
    const ring = await open({ API_KEYS_FILE: await keyFile(ada) });
    const before = ring.authenticate('ada-key');
    if (before.kind !== 'ok') throw new Error(before.kind);
    const changed = new Promise<void>((resolve) => ring.onChange(resolve));
    const stop = new AbortController();
    ring.watch(stop.signal);
    await keyFile({ ...ada, sha256: digestOf('new-key') });
    await clock.advance(KEY_FILE_POLL_MS);
    await changed;
    stop.abort();
    expect(ring.authenticate('ada-key').kind).toBe('invalid');
    expect(ring.recheck(before.principal).kind).toBe('invalid');
    expect(ring.authenticate('new-key').kind).toBe('ok');
    expect(KEY_FILE_POLL_MS).toBeLessThan(5000);
  });

  it('KEY-5 recheck answers with what the key allows by now', async () => {
    const ring = await open({ API_KEYS_FILE: await keyFile({ ...ada, permissions: ['chat', 'operate'] }) });
    const before = ring.authenticate('ada-key');
    if (before.kind !== 'ok') throw new Error(before.kind);
    await keyFile(ada);
    await ring.reread();
    expect(ring.recheck(before.principal)).toMatchObject({
      kind: 'ok',
      principal: { permissions: ['chat'] },
    });
  });

  it('KEY-6 stay as they were when the file is spoilt or gone; that is logged once, without the file', async () => {
    const path = await keyFile(ada);
    const ring = await open({ API_KEYS_FILE: path });
    let told = 0;
    ring.onChange(() => told++);
    await writeFile(path, '{"keys":[{"sha256":"ada-key"');
    await ring.reread();
    await ring.reread();
    expect(lines).toHaveLength(1);
    await rm(path);
    await ring.reread();
    expect(lines).toHaveLength(2);
    expect(ring.authenticate('ada-key').kind).toBe('ok');
    expect(told).toBe(0);
    expect(lines.join('')).not.toContain('ada-key');
  });
});

describe('JWTs as keys', () => {
  const JWT = { JWT_SECRET: 'jwt-secret', JWT_AUDIENCE: 'holdfast' };
  const exp = () => Math.floor(clock.now() / 1000) + 60;
  const claims = () => ({ iss: 'https://id.example', sub: 'ada', aud: 'holdfast', exp: exp() });

  it('KEY-7 speak for issuer and subject, and may chat unless they say more', async () => {
    const ring = await open(JWT);
    expect(ring.authenticate(jwt.sign(claims(), 'jwt-secret'))).toMatchObject({
      kind: 'ok',
      principal: {
        subject: 'jwt:https://id.example:ada',
        permissions: ['chat'],
        workspaces: undefined,
        expiresAt: exp() * 1000,
      },
    });
    const more = { ...claims(), permissions: ['operate'], workspaces: ['plant'] };
    expect(ring.authenticate(jwt.sign(more, 'jwt-secret'))).toMatchObject({
      principal: { permissions: ['operate'], workspaces: ['plant'] },
    });
  });

  it('KEY-14 no two pairs of issuer and subject are one subject, and the usual ones stay readable', async () => {
    const ring = await open(JWT);
    const subjectOf = (iss: string, sub: string) => {
      const answer = ring.authenticate(jwt.sign({ ...claims(), iss, sub }, 'jwt-secret'));
      if (answer.kind !== 'ok') throw new Error(answer.kind);
      return answer.principal.subject;
    };
    expect(subjectOf('https://id.example', 'ada')).toBe('jwt:https://id.example:ada');
    expect(subjectOf('https://id.example', 'auth0|ada')).toBe('jwt:https://id.example:auth0|ada');
    expect(subjectOf('https://id.example', 'eu:ada%')).toBe('jwt:https://id.example:eu%3Aada%25');
    const parts = ['a', ':', '%', '%3A', '%25', 'a:', ':a', 'a:a', 'a%3Aa', ':%', '%:', '::', '%253A'];
    const subjects = parts.flatMap((iss) => parts.map((sub) => subjectOf(iss, sub)));
    expect(new Set(subjects).size).toBe(parts.length ** 2);
  });

  it('KEY-14 half a character in a name makes it invalid: stores would write another', async () => {
    const ring = await open(JWT);
    const half = String.fromCharCode(0xd83d);
    for (const more of [{ sub: `ada${half}` }, { iss: `https://${half}` }]) {
      // JSON writes it as an escape, which is what a token may hold.
      expect(ring.authenticate(jwt.sign({ ...claims(), ...more }, 'jwt-secret')).kind).toBe('invalid');
    }
    const whole = jwt.sign({ ...claims(), sub: 'ada 🛶' }, 'jwt-secret');
    expect(ring.authenticate(whole)).toMatchObject({
      principal: { subject: 'jwt:https://id.example:ada 🛶' },
    });
  });

  it('KEY-7 are refused with another secret, audience, algorithm or issuer, without exp, sub or iss', async () => {
    const ring = await open({ ...JWT, JWT_ISSUER: 'https://id.example' });
    expect(ring.authenticate(jwt.sign(claims(), 'jwt-secret')).kind).toBe('ok');
    const without = (name: string) => {
      const { [name]: _, ...rest } = claims() as Record<string, unknown>;
      return jwt.sign(rest, 'jwt-secret');
    };
    const bad = [
      jwt.sign(claims(), 'other'),
      jwt.sign({ ...claims(), aud: 'other' }, 'jwt-secret'),
      jwt.sign({ ...claims(), iss: 'other' }, 'jwt-secret'),
      jwt.sign({ ...claims(), permissions: ['everything'] }, 'jwt-secret'),
      jwt.sign({ ...claims(), nbf: exp() }, 'jwt-secret'),
      jwt.sign(claims(), 'jwt-secret', { algorithm: 'HS512' }),
      jwt.sign(claims(), null, { algorithm: 'none' }),
      without('exp'),
      without('sub'),
      without('iss'),
    ];
    for (const token of bad) expect(ring.authenticate(token).kind).toBe('invalid');
  });

  it('KEY-7 expire', async () => {
    const ring = await open(JWT);
    const token = jwt.sign(claims(), 'jwt-secret');
    const before = ring.authenticate(token);
    if (before.kind !== 'ok') throw new Error(before.kind);
    expect(ring.recheck(before.principal).kind).toBe('ok');
    await clock.advance(60_000);
    expect(ring.authenticate(token).kind).toBe('expired');
    expect(ring.recheck(before.principal).kind).toBe('expired');
  });

  it('KEY-8 a session token is no key, even where the same secret and audience would allow it', async () => {
    const ring = await open(JWT);
    const tokens = new SessionTokens({ secrets: ['jwt-secret'], maxAgeMs: 60_000, clock });
    const token = tokens.issue({
      sessionId: 's',
      subject: 'ada',
      domain: 'd',
      workspace: 'w',
      storeId: 'x',
      connectionId: 'c',
    });
    expect(ring.authenticate(token).kind).toBe('invalid');
    const both = jwt.sign({ ...claims(), aud: ['holdfast', 'holdfast:session'] }, 'jwt-secret');
    expect(ring.authenticate(both).kind).toBe('invalid');
  });

  it('KEY-9 are verified by a public key, which never serves as an HMAC secret', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const env = { JWT_PUBLIC_KEY: pem, JWT_AUDIENCE: 'holdfast', JWT_ALGORITHM: 'ES256' };
    const ring = await open(env);
    expect(ring.authenticate(jwt.sign(claims(), privateKey, { algorithm: 'ES256' })).kind).toBe('ok');
    expect(ring.authenticate(jwt.sign(claims(), Buffer.from(pem), { algorithm: 'HS256' })).kind).toBe(
      'invalid',
    );
    expect(await tryOpen({ ...env, JWT_ALGORITHM: 'RS256' })).toMatchObject({ ok: false });
    expect(await tryOpen({ ...env, JWT_ALGORITHM: 'ES384' })).toMatchObject({ ok: false });
    expect(await tryOpen({ ...env, JWT_PUBLIC_KEY: 'no key' })).toEqual({
      ok: false,
      faults: ['JWT_PUBLIC_KEY must be a public key in PEM form'],
    });
  });

  it('KEY-15 a private key where the public one belongs, and an RSA key of too few bits, are faults', async () => {
    const env = { JWT_AUDIENCE: 'holdfast', JWT_ALGORITHM: 'RS256' };
    const pair = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });
    const pem = (key: KeyObject, type: 'spki' | 'pkcs8' | 'pkcs1', secret?: string) =>
      key
        .export({
          format: 'pem',
          type,
          ...(secret && { cipher: 'aes-256-cbc', passphrase: secret }),
        } as never)
        .toString();
    const good = pair(2048);
    await open({ ...env, JWT_PUBLIC_KEY: pem(good.publicKey, 'spki').replaceAll('\n', '\\n') });
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    for (const text of [
      pem(good.privateKey, 'pkcs8'),
      pem(good.privateKey, 'pkcs1'),
      pem(good.privateKey, 'pkcs8', 'secret'),
      pem(ec.privateKey, 'pkcs8'),
      pem(good.publicKey, 'spki') + pem(good.privateKey, 'pkcs8'),
    ])
      expect(await tryOpen({ ...env, JWT_PUBLIC_KEY: text })).toEqual({
        ok: false,
        faults: ['JWT_PUBLIC_KEY must be the public key, not the private one that signs'],
      });
    for (const more of [{}, PRODUCTION])
      expect(await tryOpen({ ...env, ...more, JWT_PUBLIC_KEY: pem(pair(1024).publicKey, 'spki') })).toEqual({
        ok: false,
        faults: ['JWT_PUBLIC_KEY must have at least 2048 bits'],
      });
  });

  it('KEY-9 are no keys where they are not configured', async () => {
    expect((await open({})).authenticate(jwt.sign(claims(), 'jwt-secret')).kind).toBe('invalid');
  });
});
