import jwt from 'jsonwebtoken';
import { expect, test } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStore, type Env } from '../wire/support/site.ts';

const GUESSES = 450;
const FAILED_AUTH_PER_MIN = 20;
const SECRET = 'the secret that signs keys of this test, long enough';
const SETTINGS: Env = {
  FAILED_AUTH_PER_MIN: String(FAILED_AUTH_PER_MIN),
  MAX_UNAUTHENTICATED_PER_ADDRESS: '0',
  JWT_SECRET: SECRET,
  JWT_AUDIENCE: 'holdfast-keys',
  TRUST_PROXY: 'loopback',
};

const claims = (sub: string) => ({
  iss: 'https://id.example.org',
  sub,
  aud: 'holdfast-keys',
  exp: Math.floor(Date.now() / 1000) + 3600,
});

/** How many tries an address has earned since: what a test took must not decide it. */
const earnedSince = (began: number) => Math.ceil((Date.now() - began) / (60_000 / FAILED_AUTH_PER_MIN));

const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

async function answerTo(client: WireClient, api_key: string): Promise<string> {
  client.send('connect', { api_key });
  const frame = await client.find(
    ({ type }) => type === 'error' || type === 'connection_success',
    'an answer to connect',
  );
  return frame.type === 'error' ? (frame.data as DownData<'error'>).error_type : 'connected';
}

describeStore('sqlite', 'guessing keys', SETTINGS, (site) => {
  test('HEL-33 sockets that were opened before give no more verdicts than others, and a good key gets in', async () => {
    const began = Date.now();
    const open = from('198.51.100.1');
    const clients = await Promise.all(Array.from({ length: GUESSES }, () => WireClient.open(site.url, open)));
    const answers: string[] = [];
    for (const [index, client] of clients.entries()) {
      answers.push(await answerTo(client, index % 2 === 0 ? `guess-${index}` : `guess.${index}.jwt`));
      if (index % 90 === 50) {
        // The same address, in the middle of it: with a key, with a JWT never seen before, and with that JWT again.
        const token = jwt.sign(claims(`ada-${index}`), SECRET);
        for (const api_key of ['development', token, token]) {
          await using good = await WireClient.connect(site.url, { api_key }, open);
          await good.request('ping', {});
        }
      }
    }
    const verdicts = answers.filter((answer) => answer === 'invalid_key').length;
    expect(verdicts).toBeGreaterThanOrEqual(FAILED_AUTH_PER_MIN);
    expect(verdicts).toBeLessThanOrEqual(FAILED_AUTH_PER_MIN + earnedSince(began));
    expect(answers.filter((answer) => answer === 'rate_limited')).toHaveLength(GUESSES - verdicts);
    for (const client of clients) await client[Symbol.asyncDispose]();
  });

  test('HTP-8 HTTP gives no more verdicts either, and a good key gets in', async () => {
    const began = Date.now();
    const ask = async (key: string) => {
      const headers = { authorization: `Bearer ${key}`, ...from('198.51.100.2').headers };
      return (await fetch(`${site.url}/api/chat/threads`, { headers })).status;
    };
    const answers: number[] = [];
    for (let i = 0; i < 100; i++) {
      answers.push(await ask(`guess-${i}`));
      if (i % 20 === 0) expect(await ask('development')).toBe(200);
      if (i % 20 === 0) expect(await ask(jwt.sign(claims(`bob-${i}`), SECRET))).toBe(200);
    }
    const verdicts = answers.filter((answer) => answer === 401).length;
    expect(verdicts).toBeLessThanOrEqual(FAILED_AUTH_PER_MIN + earnedSince(began));
    expect(answers.filter((answer) => answer === 429)).toHaveLength(100 - verdicts);
  });

  test.each<[string, (i: number) => string]>([
    ['ports', (i) => `198.51.100.3:${1000 + i}`],
    ['brackets and ports', (i) => `[2001:db8:1::1]:${1000 + i}`],
    ['zones', (i) => `fe80::1%eth${i}`],
    ['one network', (i) => `2001:db8:2::${i + 1}`],
    ['one address, spelt otherwise', (i) => ['2001:DB8:5::1', '2001:0db8:5:0:0:0:0:1'][i % 2] ?? ''],
    ['IPv4 in hex', (i) => (i % 2 === 0 ? '::ffff:c633:6404' : '198.51.100.4')],
    ['words', (i) => `unknown${i}`],
  ])('HTP-7 %s in X-Forwarded-For are no new address each', async (_what, forwardedFor) => {
    const began = Date.now();
    let verdicts = 0;
    for (let i = 0; i < 40; i++) {
      const headers = { authorization: 'Bearer wrong', 'x-forwarded-for': forwardedFor(i) };
      if ((await fetch(`${site.url}/api/chat/threads`, { headers })).status === 401) verdicts++;
    }
    expect(verdicts).toBeLessThanOrEqual(FAILED_AUTH_PER_MIN + earnedSince(began));
  });
});
