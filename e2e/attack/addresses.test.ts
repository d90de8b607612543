// Whose request it is, as far as limits go: what a client says of itself counts only behind a trusted proxy.
import { expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStore, type Site } from '../wire/support/site.ts';
import { ADA, productionEnv } from './support/customers.ts';

const LIMITS = { ...(await productionEnv()), FAILED_AUTH_PER_MIN: '3', HTTP_RATE_PER_MIN: '30' };
const ATTEMPTS = 12;

/** The statuses of attempts with bad keys, each with headers of its own. */
async function attempts(site: Site, headersOf: (i: number) => Record<string, string>): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < ATTEMPTS; i++) {
    const headers = { authorization: `Bearer bad-key-${i}`, ...headersOf(i) };
    const answer = await fetch(`${site.url}/api/chat/threads`, { headers });
    statuses.push(answer.status);
    await answer.arrayBuffer();
  }
  return statuses;
}

/** One address, however it calls itself: a few are looked at, all others wait. */
function expectOne(statuses: readonly number[]): void {
  const looked = statuses.filter((status) => status === 401).length;
  expect(looked).toBeLessThanOrEqual(4);
  expect(statuses.filter((status) => status === 429)).toHaveLength(ATTEMPTS - looked);
}

const forwarded = (value: string) => ({ 'x-forwarded-for': value });

describeStore('sqlite', 'addresses behind a proxy', { ...LIMITS, TRUST_PROXY: 'loopback' }, (site) => {
  const SPELLINGS = ['2001:DB8:5::1', '2001:0db8:0005::1', '2001:db8:5:0:0:0:0:1'];
  test.each<[string, (i: number) => string]>([
    ['one client', () => '198.51.100.1'],
    ['who writes other addresses before its own', (i) => `10.1.1.${i}, 198.51.100.2`],
    ['who writes loopback before its own', (i) => `127.0.0.${i + 1}, ::1, 198.51.100.3`],
    ['who writes garbage before its own', (i) => `garbage-${i}, 198.51.100.4`],
    ['who has a network of IPv6', (i) => `2001:db8:2::${i + 1}`],
    ['whose IPv4 address is written as IPv6', (i) => (i % 2 ? '198.51.100.5' : '::ffff:198.51.100.5')],
    ['whose IPv6 address is written otherwise each time', (i) => SPELLINGS[i % 3] ?? ''],
  ])('HTP-2 HTP-7 HTP-8 %s is one', async (_name, address) => {
    expectOne(await attempts(site, (i) => forwarded(address(i))));
  });

  test('HTP-8 another client is another', async () => {
    expectOne(await attempts(site, () => forwarded('198.51.100.7')));
    const headers = { authorization: 'Bearer bad', ...forwarded('198.51.100.8') };
    expect((await fetch(`${site.url}/api/chat/threads`, { headers })).status).toBe(401);
  });

  test('HTP-9 a subject is one, whatever addresses its requests come from', async () => {
    const statuses = new Map<number, number>();
    for (let i = 0; i < 40; i++) {
      const headers = { authorization: `Bearer ${ADA}`, ...forwarded(`203.0.113.${i}`) };
      const { status } = await fetch(`${site.url}/api/chat/threads`, { headers });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect(statuses.get(200)).toBe(30);
    expect(statuses.get(429)).toBe(10);
  });

  test('HTP-36 whoever comes by the proxy is not local, whoever that says it is', async () => {
    for (const address of ['127.0.0.1', '::1', '198.51.100.9, 127.0.0.1'])
      expect((await fetch(`${site.url}/metrics`, { headers: forwarded(address) })).status).toBe(401);
  });
});

describeStore('sqlite', 'addresses without a proxy', LIMITS, (site) => {
  test('HEL-33 HTP-2 HTP-8 what a client says of its address counts for nothing', async () => {
    // Sockets and requests fail on one account.
    for (let i = 0; i < 4; i++) {
      await using client = await WireClient.open(site.url, { headers: forwarded(`203.0.113.${i}`) });
      client.send('connect', { api_key: `bad-key-${i}` });
      await client.closed();
    }
    const names = [
      'x-forwarded-for',
      'x-real-ip',
      'x-client-ip',
      'cf-connecting-ip',
      'true-client-ip',
      'forwarded',
    ];
    const statuses = await attempts(site, (i) => ({
      [names[i % names.length] ?? '']: `203.0.113.${100 + i}`,
    }));
    expect(statuses.filter((status) => status !== 429)).toEqual([]);
  });
});

describeStore('sqlite', 'metrics outside production', {}, (site) => {
  test('HTP-36 a header that only a proxy adds takes the rights of loopback away, and gives none', async () => {
    expect((await fetch(`${site.url}/metrics`)).status).toBe(200);
    for (const name of ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'])
      for (const value of ['127.0.0.1', 'for=127.0.0.1', ''])
        expect((await fetch(`${site.url}/metrics`, { headers: { [name]: value } })).status).toBe(401);
  });
});
