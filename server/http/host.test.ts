import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { hasLoopbackHost } from './host.ts';

const requestFor = (host: undefined | string) =>
  ({ raw: { headers: { host } } }) as unknown as FastifyRequest;

describe('the host that a request names', () => {
  it.each([
    ['localhost', true],
    ['LOCALHOST:8000', true],
    ['127.0.0.1:8000', true],
    ['127.9.9.9', true],
    ['127.1:8000', true],
    ['[::1]:8000', true],
    ['[0:0:0:0:0:0:0:1]', true],
    ['[::ffff:127.0.0.1]:8000', true],
    [undefined, false],
    ['', false],
    ['evil.example:8000', false],
    ['localhost.evil.example', false],
    ['evil.localhost', false],
    ['127.0.0.1.evil.example', false],
    ['localhost@evil.example', false],
    ['localhost/evil.example', false],
    ['localhost:8000, evil.example', false],
    ['localhost:99999', false],
    ['0.0.0.0:8000', false],
    ['[::]:8000', false],
    ['10.0.0.1', false],
  ])('HTP-40 %s is this machine: %s', (host, expected) => {
    expect(hasLoopbackHost(requestFor(host))).toBe(expected);
  });
});
