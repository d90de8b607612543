import { describe, expect, it } from 'vitest';
import { type ReadSettings, readSettings, SETTINGS_TABLE, type Settings } from './config.ts';

const PRODUCTION = { NODE_ENV: 'production', SESSION_SECRET: 's'.repeat(32), API_KEYS_FILE: 'keys.json' };

function settings(env: Record<string, string>): Settings {
  const read = readSettings(env);
  if (!read.ok) throw new Error(read.faults.join('\n'));
  return read.settings;
}
const faults = (read: ReadSettings) => (read.ok ? [] : read.faults);

describe('settings', () => {
  it('CFG-1 have a default each: an empty environment starts', () => {
    expect(settings({})).toMatchObject({
      production: false,
      host: '127.0.0.1',
      port: 8000,
      nodeId: undefined,
      trustProxy: false,
      debugEndpoints: true,
      store: { kind: 'sqlite', dataDir: '.data', synchronous: 'full' },
      agent: 'demo',
      sessions: {
        retention: { briefMs: 30_000, mediumMs: 300_000, archiveMs: 30 * 86_400_000 },
        replayMaxEvents: 1000,
        historyPage: 50,
        attachBeatMs: 10_000,
        attachTtlMs: 25_000,
      },
      runs: {
        leaseMs: 10_000,
        maxMs: 900_000,
        maxAttempts: 5,
        maxQueued: 16,
        maxConcurrent: 1000,
        chunkCoalesceMs: 40,
      },
      sockets: { authTimeoutMs: 10_000, heartbeatIntervalMs: 25_000, silenceTimeoutMs: 60_000 },
      auth: { developmentKeys: { all: 'development', chat: 'valid-test-key' }, sessionSecrets: [] },
    });
  });

  it('CFG-1 takes an empty variable as unset', () => {
    expect(settings({ PORT: '', REDIS_URL: '' }).port).toBe(8000);
  });

  it('CFG-2 answers one line for each fault, naming the variable', () => {
    const lines = faults(
      readSettings({ PORT: '80000', AUTH_TIMEOUT_MS: '-1', LOG_LEVEL: 'loud', DEBUG_ENDPOINTS: 'yes' }),
    );
    expect(lines).toHaveLength(4);
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      'PORT',
      'DEBUG_ENDPOINTS',
      'LOG_LEVEL',
      'AUTH_TIMEOUT_MS',
    ]);
    expect(lines[0]).toBe('PORT must be a whole number from 0 to 65535, not "80000"');
    for (const line of lines) expect(line).not.toContain('\n');
  });

  it.each([
    [{ HISTORY_PAGE: '1.5' }, 'HISTORY_PAGE'],
    [{ RUN_LEASE_MS: '9999999999' }, 'RUN_LEASE_MS'],
    [{ REDIS_URL: 'http://here' }, 'REDIS_URL'],
    [{ REDIS_URL: 'redis://a,redis://b' }, 'REDIS_URL'],
    [{ REDIS_MODE: 'many' }, 'REDIS_MODE'],
    [{ ALLOWED_ORIGINS: 'https://example.org/path' }, 'ALLOWED_ORIGINS'],
    [{ TRUST_PROXY: 'true' }, 'TRUST_PROXY'],
    [{ TRUST_PROXY: '10.0.0.0/33' }, 'TRUST_PROXY'],
    [{ NODE_ID: 'a node' }, 'NODE_ID'],
    [{ RETENTION_POLICIES: '{"gold":{"medium":1}}' }, 'RETENTION_POLICIES'],
    [{ RETENTION_POLICIES: 'gold' }, 'RETENTION_POLICIES'],
    [{ RETENTION_POLICIES: '{"gold":{"brief_ms":2,"medium_ms":1}}' }, 'RETENTION_POLICIES'],
    [{ SESSION_TIER_BRIEF_MS: '2', SESSION_TIER_MEDIUM_MS: '1' }, 'SESSION_TIER_BRIEF_MS'],
    [{ ATTACH_BEAT_MS: '20', ATTACH_TTL_MS: '20' }, 'ATTACH_BEAT_MS'],
    [{ HEARTBEAT_INTERVAL_MS: '20', SILENCE_TIMEOUT_MS: '20' }, 'HEARTBEAT_INTERVAL_MS'],
    [{ RECONNECT_MAX_MS: '20' }, 'RECONNECT_MIN_MS'],
    [{ AGENT: 'llm' }, 'AGENT=llm is not built yet'],
    [{ AGENT: 'remote' }, 'AGENT=remote is not built yet'],
    [{ JWT_SECRET: 'x' }, 'JWT_AUDIENCE'],
    [{ JWT_SECRET: 'x', JWT_AUDIENCE: 'holdfast:session' }, 'JWT_AUDIENCE'],
    [{ JWT_SECRET: 'x', JWT_AUDIENCE: 'a', JWT_ALGORITHM: 'RS256' }, 'JWT_SECRET'],
    [{ JWT_SECRET: 'x', JWT_AUDIENCE: 'a', JWT_ALGORITHM: 'none' }, 'JWT_ALGORITHM'],
    [{ JWT_AUDIENCE: 'a' }, 'JWT_AUDIENCE'],
  ])('CFG-2 refuses %j', (env, beginning) => {
    const lines = faults(readSettings(env));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(new RegExp(`^${beginning}\\b`));
  });

  it('CFG-3 repeats no secret in a fault line', () => {
    const lines = faults(
      readSettings({
        REDIS_URL: 'http://:hunter2@here',
        NODE_ENV: 'production',
        SESSION_SECRET: 'hunter2',
        JWT_SECRET: 'hunter2',
        METRICS_TOKEN: 'hunter2',
        DEBUG_ENDPOINTS: 'true',
      }),
    );
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join('\n')).not.toContain('hunter2');
  });

  it('CFG-4 in production wants SESSION_SECRET, has no development keys, and no debug endpoints', () => {
    expect(faults(readSettings({ NODE_ENV: 'production' }))).toEqual([
      'SESSION_SECRET is required in production',
    ]);
    expect(faults(readSettings({ ...PRODUCTION, DEBUG_ENDPOINTS: 'true' }))).toEqual([
      'DEBUG_ENDPOINTS must not be true in production',
    ]);
    const inProduction = settings(PRODUCTION);
    expect(inProduction.debugEndpoints).toBe(false);
    expect(inProduction.auth.developmentKeys).toBeUndefined();
  });

  it('CFG-4 warns of a session secret that could be guessed', () => {
    const read = readSettings({ ...PRODUCTION, SESSION_SECRET: 'short' });
    expect(read).toMatchObject({ ok: true, warnings: [expect.stringContaining('SESSION_SECRET')] });
    expect(readSettings(PRODUCTION)).toMatchObject({ ok: true, warnings: [] });
  });

  it('CFG-5 reads 0 as no limit', () => {
    const off = settings({ MAX_CONNECTIONS: '0', MAX_SESSIONS_PER_SUBJECT: '0', AUTH_TIMEOUT_MS: '0' });
    expect(off.sockets.maxConnections).toBe(Infinity);
    expect(off.sessions.maxPerSubject).toBe(Infinity);
    expect(off.sockets.authTimeoutMs).toBe(0);
    expect(settings({ SESSION_TOKEN_MAX_AGE_MS: '0' }).auth.sessionTokenMaxAgeMs).toBe(Infinity);
    expect(settings({ THREAD_ARCHIVE_DAYS: '0' }).sessions.retention.archiveMs).toBe(0);
  });

  it('CFG-6 lets a default give way to what was set', () => {
    expect(settings({ SESSION_TIER_MEDIUM_MS: '1000' }).sessions.retention.briefMs).toBe(1000);
    expect(settings({ SESSION_TIER_BRIEF_MS: '400000' }).sessions.retention.mediumMs).toBe(400_000);
    expect(settings({ ATTACH_TTL_MS: '1000' }).sessions.attachBeatMs).toBe(400);
    expect(settings({ ATTACH_BEAT_MS: '60000' }).sessions.attachTtlMs).toBe(150_000);
    expect(settings({ SILENCE_TIMEOUT_MS: '2400' }).sockets.heartbeatIntervalMs).toBe(1000);
    expect(settings({ HEARTBEAT_INTERVAL_MS: '90000' }).sockets.silenceTimeoutMs).toBe(216_000);
  });

  it('CFG-7 knows retention policies; what one leaves out is as for everybody', () => {
    expect(settings({}).sessions.policies.get('enterprise')).toEqual({
      briefMs: 30_000,
      mediumMs: 86_400_000,
      archiveMs: 30 * 86_400_000,
    });
    const own = settings({
      RETENTION_POLICIES: '{"gold":{"brief_ms":1,"archive_days":2}}',
      THREAD_ARCHIVE_DAYS: '9',
    });
    expect([...own.sessions.policies]).toEqual([
      ['gold', { briefMs: 1, mediumMs: 300_000, archiveMs: 2 * 86_400_000 }],
    ]);
  });

  it('CFG-8 reads lists, Redis addresses and keys with written line ends', () => {
    const read = settings({
      REDIS_URL: 'redis://a:1, redis://b:2',
      REDIS_MODE: 'cluster',
      TRUST_PROXY: 'loopback,10.0.0.0/8,::1',
      JWT_PUBLIC_KEY: '-----BEGIN\\nEND-----',
      JWT_ALGORITHM: 'ES256',
      JWT_AUDIENCE: 'holdfast',
      SESSION_SECRET: 'new, old',
    });
    expect(read.store).toEqual({
      kind: 'redis',
      mode: 'cluster',
      url: 'redis://a:1,redis://b:2',
      sentinelName: 'mymaster',
      commandTimeoutMs: 5000,
    });
    expect(read.trustProxy).toEqual(['loopback', '10.0.0.0/8', '::1']);
    expect(read.auth.jwt?.secretOrPublicKey).toBe('-----BEGIN\nEND-----');
    expect(read.auth.sessionSecrets).toEqual(['new', 'old']);
  });

  it('CFG-9 are all in the table that the documentation shows, with a default that reads as itself', () => {
    expect(SETTINGS_TABLE.map((row) => row.name)).toContain('MAX_UNAUTHENTICATED');
    for (const row of SETTINGS_TABLE) {
      expect(row.meaning).not.toBe('');
      if (row.unit === 'ms') expect(row.name).toMatch(/_MS$/);
      if (row.unit === 'bytes') expect(row.name).toMatch(/_BYTES$/);
      if (row.default === 'unset' || row.name === 'DEBUG_ENDPOINTS') continue;
      expect(settings({ [row.name]: row.default })).toEqual(settings({}));
    }
  });
});
