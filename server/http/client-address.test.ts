import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { clientAddress, limitKey, peerKey, trustOf } from './client-address.ts';

describe('addresses', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['::2:3:4:5:6:7', '0:0:2:3::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('HTP-2 limits count %s as %s', (address, key) => {
    expect(limitKey(address)).toBe(key);
  });

  it.each([
    ['203.0.113.7:4711', '203.0.113.7'],
    [' 203.0.113.7 ', '203.0.113.7'],
    ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]:4711', '2001:db8:1:2::/64'],
    ['[fe80::1%eth0]:4711', 'fe80:0:0:0::/64'],
    ['2001:DB8:1:2:0:0:0:9', '2001:db8:1:2::/64'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:FFFF:CB00:7107', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:4711', '203.0.113.7'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
  ])('HTP-7 %s is the same address as %s', (text, key) => {
    expect(limitKey(text)).toBe(key);
  });

  it.each(['', 'unknown', '_hidden', '203.0.113', '203.0.113.07', '1.2.3.4:x', '[1.2.3.4', ':::', '1::2::3'])(
    'HTP-7 "%s" is no address',
    (text) => {
      expect(limitKey(text)).toBeUndefined();
    },
  );
});

describe('a peer that has gone', () => {
  it('HTP-7 has no address, and counts as unknown', () => {
    // What fastify and Node say of a socket that was destroyed: nothing, whatever the types promise.
    const gone = { ip: undefined, ips: undefined, raw: { socket: { remoteAddress: undefined } } };
    expect(clientAddress(gone as never)).toBe(peerKey(undefined));
    const trusts = trustOf(['loopback']);
    expect(trusts === false || trusts(undefined)).toBe(false);
  });
});

describe('the client behind proxies', () => {
  const keyOf = (proxies: false | string[], forwarded: undefined | string, remoteAddress = '127.0.0.1') => {
    const app = fastify({ trustProxy: trustOf(proxies) });
    app.get('/', (request) => clientAddress(request));
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    return new Promise<undefined | string>((resolve) => {
      app.inject({ url: '/', headers, remoteAddress }, (_error, reply) => resolve(reply?.body));
    });
  };

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:4711', '203.0.113.7'],
    ['[2001:db8::1]:4711', '2001:db8:0:0::/64'],
    ['10.9.9.9, 203.0.113.7', '203.0.113.7'],
    ['203.0.113.7, 127.0.0.5:4711', '203.0.113.7'],
    ['203.0.113.7, ::ffff:7f00:5', '203.0.113.7'],
  ])('HTP-7 "%s" from a trusted proxy counts as %s', async (forwarded, key) => {
    expect(await keyOf(['loopback'], forwarded)).toBe(key);
  });

  it.each(['garbage', 'unknown7', '', '203.0.113.7, garbage'])(
    'HTP-7 "%s" counts as the proxy that said it',
    async (forwarded) => {
      expect(await keyOf(['loopback', '10.0.0.0/8'], forwarded, '10.1.2.3')).toBe('10.1.2.3');
      expect(await keyOf(['loopback', '10.0.0.0/8'], `${forwarded}, 10.4.5.6:80`, '10.1.2.3')).toBe(
        '10.4.5.6',
      );
    },
  );

  it('HTP-7 nobody else is believed, and every range may be named', async () => {
    expect(await keyOf(false, '203.0.113.7')).toBe('127.0.0.1');
    expect(await keyOf(['10.0.0.0/8'], '203.0.113.7')).toBe('127.0.0.1');
    expect(await keyOf(['127.0.0.1'], '203.0.113.7')).toBe('203.0.113.7');
    expect(await keyOf(['0.0.0.0/0'], '203.0.113.7')).toBe('203.0.113.7');
    expect(await keyOf(['uniquelocal'], '203.0.113.7', 'fd00::1')).toBe('203.0.113.7');
    expect(await keyOf(['2001:db8::/32'], '203.0.113.7', '2001:db8::5')).toBe('203.0.113.7');
  });
});
