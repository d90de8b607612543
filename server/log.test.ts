import { describe, expect, it } from 'vitest';
import { readSettings } from './config.ts';
import { createLog } from './log.ts';

const SECRET = 'a-secret-that-must-not-be-read';

function capture() {
  const lines: string[] = [];
  return { lines, log: createLog({ logLevel: 'trace' }, { write: (line) => lines.push(line) }) };
}

describe('log', () => {
  it('KEY-30 hides credentials wherever somebody logs them by accident', () => {
    const { lines, log } = capture();
    const fields = ['api_key', 'session_token', 'authorization', 'token', 'secret', 'password', 'keyId'];
    for (const field of fields) {
      log.info({ [field]: SECRET }, 'by itself');
      log.info({ data: { [field]: SECRET } }, 'in a frame');
      log.info({ frame: { data: { [field]: SECRET } } }, 'deeper');
      log.child({ [field]: SECRET }).info('in a child');
    }
    log.error({ err: Object.assign(new Error('x'), { command: { name: 'get', args: [SECRET] } }) }, 'Redis');
    log.info({ request: { headers: { authorization: `Bearer ${SECRET}` } } }, 'headers');
    expect(lines).toHaveLength(fields.length * 4 + 2);
    expect(lines.join('')).not.toContain(SECRET);
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  });

  it('KEY-30 hides the secrets of the settings', () => {
    const { lines, log } = capture();
    const read = readSettings({
      ALLOW_DEVELOPMENT_KEYS: 'true',
      SESSION_SECRET: SECRET,
      METRICS_TOKEN: SECRET,
      REDIS_URL: `redis://:${SECRET}@127.0.0.1`,
      JWT_SECRET: SECRET,
      JWT_AUDIENCE: 'a',
    });
    if (!read.ok) throw new Error(read.faults.join());
    log.info({ settings: read.settings }, 'settings');
    expect(lines.join('')).not.toContain(SECRET);
  });

  it('KEY-30 shows everything else', () => {
    const { lines, log } = capture();
    log.info({ url: 'http://127.0.0.1:8000' }, 'listening');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      msg: 'listening',
      url: 'http://127.0.0.1:8000',
    });
  });
});
