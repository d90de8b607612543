import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { createLog } from '../log.ts';
import { originAllowed, originGuard } from './origin.ts';

const DEFAULT = {
  allowedOrigins: ['self', 'http://localhost:5173', 'http://127.0.0.1:5173'],
  publicHosts: [] as string[],
};

describe('origins', () => {
  it.each([
    [undefined, 'h:8000', true],
    ['http://localhost:8000', 'localhost:8000', true],
    ['http://127.0.0.1:8000', '127.0.0.1:8000', true],
    ['http://127.9.9.9:8000', '127.9.9.9:8000', true],
    ['http://[::1]:8000', '[::1]:8000', true],
    ['https://localhost', 'localhost', true],
    ['https://localhost', 'localhost:443', true],
    ['http://LOCALHOST:8000', 'localhost:8000', true],
    ['http://localhost:5173', 'h:8000', true],
    ['http://127.0.0.1:5173', '127.0.0.1:8000', true],
    ['http://localhost:8001', 'localhost:8000', false],
    ['http://localhost:8000', '127.0.0.1:8000', false],
    ['http://evil.example', '127.0.0.1:8000', false],
    ['http://localhost:8000.evil.example', 'localhost:8000', false],
    ['http://localhost.evil.example:8000', 'localhost:8000', false],
    ['null', 'localhost:8000', false],
    ['file://localhost:8000', 'localhost:8000', false],
    ['nonsense', 'nonsense', false],
    ['', 'localhost:8000', false],
  ])('HTP-1 a page of %s may open a socket to %s: %s', (origin, host, expected) => {
    expect(originAllowed(origin === undefined ? { host } : { origin, host }, DEFAULT)).toBe(expected);
  });

  it.each([
    ['http://evil.example:8000', 'evil.example:8000'],
    ['http://evil.example', 'evil.example'],
    ['http://localhost.evil.example:8000', 'localhost.evil.example:8000'],
    ['http://evil.localhost:8000', 'evil.localhost:8000'],
    ['http://127.0.0.1.evil.example:8000', '127.0.0.1.evil.example:8000'],
    ['http://10.0.0.1:8000', '10.0.0.1:8000'],
    ['http://0.0.0.0:8000', '0.0.0.0:8000'],
    ['http://evil.example:8000', 'localhost:8000@evil.example:8000'],
  ])('HTP-1 a page of %s, whose name was led to this machine, may not', (origin, host) => {
    expect(originAllowed({ origin, host }, DEFAULT)).toBe(false);
    expect(originAllowed({ origin, host }, { ...DEFAULT, publicHosts: ['chat.example.org'] })).toBe(false);
  });

  it.each([
    ['https://chat.example.org', true],
    ['http://chat.example.org', true],
    ['https://chat.example.org:8443', true],
    ['https://chat.example.org:8000', false],
    ['https://chat.example.org.evil.example', false],
    ['https://sub.chat.example.org', false],
  ])('HTP-1 with its host in PUBLIC_HOSTS a page of %s may: %s', (origin, expected) => {
    const rule = { ...DEFAULT, publicHosts: ['chat.example.org', 'Chat.example.org:8443'] };
    // A proxy may have written its own name for this server into Host.
    for (const host of ['chat.example.org', '127.0.0.1:8000', 'upstream', undefined])
      expect(originAllowed(host === undefined ? { origin } : { origin, host }, rule)).toBe(expected);
  });

  it('HTP-1 ALLOWED_ORIGINS replaces the default, its own origin included', () => {
    const rule = { allowedOrigins: ['https://app.example'], publicHosts: ['chat.example.org'] };
    expect(originAllowed({ origin: 'https://app.example', host: 'h' }, rule)).toBe(true);
    expect(originAllowed({ origin: 'http://localhost', host: 'localhost' }, rule)).toBe(false);
    expect(originAllowed({ origin: 'https://chat.example.org', host: 'h' }, rule)).toBe(false);
  });
});

describe('the line about refused pages', () => {
  function guard() {
    const clock = new ManualClock();
    const lines: string[] = [];
    const log = createLog({ logLevel: 'info' }, { write: (line) => lines.push(line) });
    const allowed = originGuard(DEFAULT, clock, log);
    const ask = (origin: string) =>
      allowed({ raw: { headers: { origin, host: 'localhost:8000' } } } as unknown as FastifyRequest);
    return { clock, lines, ask };
  }

  it('HTP-42 is one a minute, however many there are, and names origin and settings', async () => {
    const { clock, lines, ask } = guard();
    for (let i = 0; i < 500; i++) expect(ask(`https://evil-${i}.example`)).toBe(false);
    expect(ask('http://localhost:5173')).toBe(true);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'warn',
      event: 'origin_refused',
      origin: 'https://evil-0.example',
      others: 0,
      msg: expect.stringMatching(/PUBLIC_HOSTS.*ALLOWED_ORIGINS/),
    });
    await clock.advance(60_000);
    ask('https://evil.example');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ origin: 'https://evil.example', others: 499 });
  });

  it('HTP-42 is one line of printable characters, whatever the origin holds', () => {
    const { lines, ask } = guard();
    ask(`https://evil\n{"level":"fatal"}\u001b[2J\u009b31m"\\é${'x'.repeat(9000)}`);
    const [line = ''] = lines;
    expect(lines).toHaveLength(1);
    expect(line.trimEnd()).toMatch(/^[ -~]{1,800}$/);
    expect((JSON.parse(line) as { origin: string }).origin).toHaveLength(200);
  });
});
