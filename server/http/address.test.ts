import { describe, expect, it } from 'vitest';
import { isLoopback, originAllowed } from './address.ts';

const DEFAULT = ['self', 'http://localhost:5173', 'http://127.0.0.1:5173'];

describe('origins', () => {
  it.each([
    [undefined, 'h:8000', true],
    ['http://h:8000', 'h:8000', true],
    ['https://h', 'h', true],
    ['https://h', 'h:443', true],
    ['http://H', 'h', true],
    ['http://localhost:5173', 'h:8000', true],
    ['http://127.0.0.1:5173', 'h:8000', true],
    ['http://h:8001', 'h:8000', false],
    ['http://evil.example', 'h:8000', false],
    ['http://h:8000.evil.example', 'h:8000', false],
    ['null', 'h:8000', false],
    ['file://h:8000', 'h:8000', false],
    ['nonsense', 'nonsense', false],
    ['', 'h:8000', false],
  ])('HTP-1 a page of %s may open a socket to %s: %s', (origin, host, expected) => {
    expect(originAllowed(origin === undefined ? { host } : { origin, host }, DEFAULT)).toBe(expected);
  });

  it('HTP-1 ALLOWED_ORIGINS replaces the default, its own origin included', () => {
    const allowed = ['https://app.example'];
    expect(originAllowed({ origin: 'https://app.example', host: 'h' }, allowed)).toBe(true);
    expect(originAllowed({ origin: 'http://h', host: 'h' }, allowed)).toBe(false);
  });
});

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
