import { describe, expect, it } from 'vitest';
import { isLoopback } from '../config/hosts.ts';

describe('addresses', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['10.0.0.1', false],
    ['::ffff:10.0.0.1', false],
    [undefined, false],
  ])('HTP-2 %s is loopback: %s', (address, expected) => {
    expect(isLoopback(address)).toBe(expected);
  });
});
