import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import { proxyFault } from './checks.ts';

/** Whether the framework takes it as `trustProxy`: what it does not take would end the start with a stack trace. */
function isTaken(item: string): boolean {
  try {
    fastify({ trustProxy: [item] });
    return true;
  } catch {
    return false;
  }
}

describe('TRUST_PROXY', () => {
  it.each([
    'loopback',
    'linklocal',
    'uniquelocal',
    '10.0.0.1',
    '10.0.0.0/1',
    '10.0.0.0/8',
    '10.0.0.0/008',
    '10.0.0.0/32',
    '::1',
    '::/1',
    '2001:db8::/128',
    'fe80::1%eth0',
    'fe80::%eth0/64',
    '::ffff:10.0.0.1',
    '::ffff:10.0.0.0/104',
  ])('CFG-2 lets %s be, and the framework takes it', (item) => {
    expect(proxyFault(item)).toBeUndefined();
    expect(isTaken(item)).toBe(true);
  });

  it.each([
    '*',
    'true',
    'all',
    '1',
    '0.0.0.0/0',
    '10.0.0.0/00',
    '::/0',
    '::ffff:0.0.0.0/0',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0',
    '010.0.0.1',
    'proxy.example.org',
    'constructor',
    '__proto__',
  ])('CFG-2 refuses %s, whatever the framework makes of it', (item) => {
    expect(proxyFault(item)).toMatch(/^must list/);
  });
});
