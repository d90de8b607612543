import { describe, expect, it } from 'vitest';
import { type ReadSettings, readSettings, SETTINGS_TABLE, type Settings } from './config.ts';

const PRODUCTION = {
  NODE_ENV: 'production',
  SESSION_SECRET: 's'.repeat(32),
  API_KEYS_FILE: 'keys.json',
  PUBLIC_HOSTS: 'chat.example.org',
};
/** Outside production, with other keys beside those of development. */
const ALLOWED = { ALLOW_DEVELOPMENT_KEYS: 'true' };

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
    expect(lines[0]).toBe('PORT must be a whole number from 0 to 65535');
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
    [{ TRUST_PROXY: '*' }, 'TRUST_PROXY'],
    [{ TRUST_PROXY: '10.0.0.0/33' }, 'TRUST_PROXY'],
    [{ TRUST_PROXY: '0.0.0.0/0' }, 'TRUST_PROXY'],
    [{ TRUST_PROXY: 'loopback,::/0' }, 'TRUST_PROXY'],
    [{ TRUST_PROXY: '10.0.0.0/00' }, 'TRUST_PROXY'],
    [{ PUBLIC_HOSTS: 'https://chat.example.org' }, 'PUBLIC_HOSTS'],
    [{ PUBLIC_HOSTS: '*.example.org' }, 'PUBLIC_HOSTS'],
    [{ PUBLIC_HOSTS: 'chat.example.org:99999' }, 'PUBLIC_HOSTS'],
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
    const lines = faults(readSettings({ ...ALLOWED, ...env }));
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

  it('CFG-3 repeats no value at all: a secret may stand in the wrong variable', () => {
    let refused = 0;
    for (const { name } of SETTINGS_TABLE)
      for (const NODE_ENV of ['development', 'production'])
        for (const value of ['hunter2', ' hunter2!*', '"hunter2"', '9hunter2', '{"hunter2":']) {
          const lines = faults(readSettings({ NODE_ENV, [name]: value }));
          if (lines.some((line) => line.startsWith(name))) refused++;
          expect(lines.join('\n')).not.toContain('hunter2');
        }
    expect(refused).toBeGreaterThan(250);
  });

  it('CFG-4 in production wants SESSION_SECRET, has no development keys, and no debug endpoints', () => {
    expect(faults(readSettings({ NODE_ENV: 'production' }))).toEqual([
      'SESSION_SECRET is required in production',
    ]);
    expect(faults(readSettings({ ...PRODUCTION, SESSION_SECRET: ' , ' }))).toEqual([
      'SESSION_SECRET is required in production',
    ]);
    expect(faults(readSettings({ ...PRODUCTION, ...ALLOWED }))).toEqual([
      'ALLOW_DEVELOPMENT_KEYS must not be true in production',
    ]);
    expect(faults(readSettings({ ...PRODUCTION, DEBUG_ENDPOINTS: 'true' }))).toEqual([
      'DEBUG_ENDPOINTS must not be true in production',
    ]);
    const inProduction = settings(PRODUCTION);
    expect(inProduction.debugEndpoints).toBe(false);
    expect(inProduction.auth.developmentKeys).toBeUndefined();
  });

  it('CFG-20 takes only the environments that it knows', () => {
    for (const NODE_ENV of ['development', 'test']) expect(settings({ NODE_ENV }).production).toBe(false);
    for (const NODE_ENV of ['prod', 'Production', 'production ', 'staging', ' '])
      for (const more of [{}, { HOST: '0.0.0.0', API_KEYS_FILE: 'keys.json' }])
        expect(faults(readSettings({ NODE_ENV, ...more }))).toEqual([
          'NODE_ENV must be one of development, test, production, written exactly so',
        ]);
  });

  describe('development keys and debug endpoints', () => {
    const JWT = { JWT_SECRET: 'x', JWT_AUDIENCE: 'a' };
    const PEM = { JWT_PUBLIC_KEY: 'x', JWT_AUDIENCE: 'a', JWT_ALGORITHM: 'ES256' };

    it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1'])(
      'CFG-21 hold on %s with nothing else set',
      (HOST) => {
        const { auth, debugEndpoints } = settings({ HOST });
        expect(auth.developmentKeys).toBeDefined();
        expect(debugEndpoints).toBe(true);
      },
    );

    it.each([
      [{ HOST: '0.0.0.0' }, 'HOST is not a loopback address'],
      [{ HOST: '::' }, 'HOST is not a loopback address'],
      [{ HOST: '10.0.0.1' }, 'HOST is not a loopback address'],
      [{ HOST: '127.0.0.1.example.org' }, 'HOST is not a loopback address'],
      [{ API_KEYS_FILE: 'keys.json' }, 'API_KEYS_FILE is set'],
      [JWT, 'JWT_SECRET is set'],
      [PEM, 'JWT_PUBLIC_KEY is set'],
      [{ TRUST_PROXY: 'loopback' }, 'TRUST_PROXY is set'],
      [{ PUBLIC_HOSTS: 'chat.example.org' }, 'PUBLIC_HOSTS is set'],
      [{ HOST: '::', API_KEYS_FILE: 'k' }, 'HOST is not a loopback address and API_KEYS_FILE is set'],
    ])('CFG-21 end the start with %j, unless a setting speaks of them', (env, why) => {
      for (const more of [
        {},
        { NODE_ENV: 'test' },
        { DEBUG_ENDPOINTS: 'true' },
        { DEBUG_ENDPOINTS: 'false' },
      ])
        expect(faults(readSettings({ ...env, ...more }))).toEqual([
          `NODE_ENV must be production where ${why}: otherwise keys that everybody knows would hold. To go on outside production, set ALLOW_DEVELOPMENT_KEYS=true to let them hold, or ALLOW_DEVELOPMENT_KEYS=false to do without them`,
        ]);
      expect(settings({ ...env, ...ALLOWED }).auth.developmentKeys).toBeDefined();
      expect(settings({ ...env, ALLOW_DEVELOPMENT_KEYS: 'false' }).auth.developmentKeys).toBeUndefined();
    });

    it('CFG-21 hold nowhere where a setting says so', () => {
      const { auth, debugEndpoints } = settings({ ALLOW_DEVELOPMENT_KEYS: 'false' });
      expect(auth.developmentKeys).toBeUndefined();
      expect(debugEndpoints).toBe(false);
    });

    it('CFG-22 debug endpoints are there by themselves on loopback only, and elsewhere only beside development keys', () => {
      const elsewhere = { HOST: '0.0.0.0' };
      expect(settings({ API_KEYS_FILE: 'k', ...ALLOWED }).debugEndpoints).toBe(true);
      expect(settings({ ...elsewhere, ...ALLOWED }).debugEndpoints).toBe(false);
      expect(settings({ ...elsewhere, ...ALLOWED, DEBUG_ENDPOINTS: 'true' }).debugEndpoints).toBe(true);
      const without = { ALLOW_DEVELOPMENT_KEYS: 'false', DEBUG_ENDPOINTS: 'true' };
      expect(settings(without).debugEndpoints).toBe(true);
      expect(faults(readSettings({ ...elsewhere, ...without }))).toEqual([
        expect.stringMatching(/^DEBUG_ENDPOINTS must not be true where HOST is not a loopback address/),
      ]);
    });
  });

  it.each([
    [{ SESSION_SECRET: 's'.repeat(31) }, 'SESSION_SECRET must have at least 32 bytes'],
    [{ SESSION_SECRET: `${'s'.repeat(32)},old` }, 'SESSION_SECRET must have at least 32 bytes'],
    [{ JWT_SECRET: 'j'.repeat(31), JWT_AUDIENCE: 'a' }, 'JWT_SECRET must have at least 32 bytes'],
    [{ JWT_SECRET: 's'.repeat(32), JWT_AUDIENCE: 'a' }, 'SESSION_SECRET must not be the same as JWT_SECRET'],
    [
      {
        SESSION_SECRET: `${'a'.repeat(32)},${'b'.repeat(32)}`,
        JWT_SECRET: 'b'.repeat(32),
        JWT_AUDIENCE: 'a',
      },
      'SESSION_SECRET must not be the same as JWT_SECRET',
    ],
    [{ METRICS_TOKEN: 'm'.repeat(15) }, 'METRICS_TOKEN must have at least 16 characters'],
  ])('CFG-23 in production refuses weak secrets: %j', (env, fault) => {
    const lines = faults(readSettings({ ...PRODUCTION, ...env }));
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^${fault} .*in production`))]);
    for (const value of Object.values(env)) if (value !== 'a') expect(lines.join('\n')).not.toContain(value);
    expect(readSettings({ ...ALLOWED, ...env })).toMatchObject({ ok: true });
  });

  it('CFG-23 takes secrets by their bytes, and different ones', () => {
    const env = { SESSION_SECRET: 'ö'.repeat(16), JWT_SECRET: 'ü'.repeat(16), JWT_AUDIENCE: 'a' };
    expect(readSettings({ ...PRODUCTION, ...env, METRICS_TOKEN: 'm'.repeat(16) })).toMatchObject({
      ok: true,
      warnings: [],
    });
  });

  it('CFG-24 warns in production when no page but those on loopback may open sockets', () => {
    const { PUBLIC_HOSTS: _, ...rest } = PRODUCTION;
    expect(readSettings(rest)).toMatchObject({
      ok: true,
      warnings: [expect.stringMatching(/^PUBLIC_HOSTS and ALLOWED_ORIGINS are unset/)],
    });
    for (const env of [
      PRODUCTION,
      { ...rest, ALLOWED_ORIGINS: 'https://chat.example.org' },
      { ...rest, NODE_ENV: 'test', ...ALLOWED },
    ])
      expect(readSettings(env)).toMatchObject({ ok: true, warnings: [] });
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
      ...ALLOWED,
      REDIS_URL: 'redis://a:1, redis://b:2',
      REDIS_MODE: 'cluster',
      TRUST_PROXY: 'loopback,10.0.0.0/8,::1',
      PUBLIC_HOSTS: 'chat.example.org, 192.0.2.7:8000,[2001:db8::7]:8000',
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
    expect(read.publicHosts).toEqual(['chat.example.org', '192.0.2.7:8000', '[2001:db8::7]:8000']);
    expect(read.auth.jwt?.secretOrPublicKey).toBe('-----BEGIN\nEND-----');
    expect(read.auth.sessionSecrets).toEqual(['new', 'old']);
    // A secret is taken as it is.
    const secret = settings({ ...ALLOWED, JWT_SECRET: 'one\\none', JWT_AUDIENCE: 'holdfast' });
    expect(secret.auth.jwt?.secretOrPublicKey).toBe('one\\none');
  });

  it('CFG-9 are all in the table that the documentation shows, with a default that reads as itself', () => {
    expect(SETTINGS_TABLE.map((row) => row.name)).toContain('MAX_UNAUTHENTICATED');
    for (const row of SETTINGS_TABLE) {
      expect(row.meaning).not.toBe('');
      if (row.unit === 'ms') expect(row.name).toMatch(/_MS$/);
      if (row.unit === 'bytes') expect(row.name).toMatch(/_BYTES$/);
      // What depends on other settings is said in words.
      if (row.default === 'unset' || row.default.includes(' ')) continue;
      expect(settings({ [row.name]: row.default })).toEqual(settings({}));
    }
  });
});
