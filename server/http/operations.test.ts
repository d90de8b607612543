import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { bearer, type HttpApp, type HttpAppOptions, openHttpApp } from '../../test-helpers/http-app.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { healthSchema, readySchema } from '../../protocol/http/health.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';
import { OTHER_SOCKET_PATHS } from './sockets.ts';

const ELSEWHERE = { remoteAddress: '203.0.113.7' };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(options: HttpAppOptions = {}, wrap = (store: Store): Store => store): Promise<HttpApp> {
  const store = await openTestStore();
  cleanups.push(() => store[Symbol.asyncDispose]());
  const http = await openHttpApp(wrap(store), options);
  cleanups.push(() => http[Symbol.asyncDispose]());
  return http;
}

/** The store, but its `probe` is scripted. */
const withProbe = (probe: () => Promise<void>) => (store: Store) =>
  new Proxy(store, {
    get: (target, name) => {
      if (name === 'probe') return probe;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

describe('health', () => {
  it('HTP-20 says what store it has, that it is there, and how long it has been up', async () => {
    const { inject, clock } = await open();
    await clock.advance(2500);
    const reply = await inject('/healthz');
    expect(reply.statusCode).toBe(200);
    expect(healthSchema.parse(reply.json())).toEqual({
      status: 'ok',
      store: 'sqlite',
      database: 'connected',
      uptime: 2.5,
    });
  });

  it('HTP-20 lives on without its store, and says so', async () => {
    const { inject } = await open(
      {},
      withProbe(() => Promise.reject(new StoreUnavailable('gone'))),
    );
    const reply = await inject('/healthz');
    expect(reply.statusCode).toBe(200);
    expect(reply.json()).toMatchObject({ status: 'degraded', database: 'disconnected' });
    expect((await inject('/readyz')).statusCode).toBe(503);
  });

  it('HTP-20 gives a store that does not answer one second', async () => {
    const { inject, clock } = await open(
      {},
      withProbe(() => new Promise(() => {})),
    );
    const reply = inject('/readyz');
    // Until the probe has begun to wait, there is no timer to run out.
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1000);
    expect((await reply).statusCode).toBe(503);
  });

  it('HTP-20 asks the store once for many questions', async () => {
    let probes = 0;
    const { inject, clock } = await open(
      {},
      withProbe(async () => void probes++),
    );
    await Promise.all([inject('/healthz'), inject('/readyz'), inject('/healthz')]);
    expect(probes).toBe(1);
    await clock.advance(1000);
    await inject('/healthz');
    expect(probes).toBe(2);
  });

  it('HTP-21 is ready until it drains', async () => {
    const { inject, vitals } = await open();
    const ready = await inject('/readyz');
    expect(ready.statusCode).toBe(200);
    expect(readySchema.parse(ready.json())).toEqual({ ready: true, agents_connected: 0, connections: 3 });
    vitals.draining = true;
    const draining = await inject('/readyz');
    expect(draining.statusCode).toBe(503);
    expect(draining.json()).toMatchObject({ ready: false });
  });
});

describe('metrics', () => {
  const metricsOf = async (env: Record<string, string>) => {
    const { inject } = await open({ env });
    return async (headers: Record<string, string> = {}, more: object = {}) =>
      (await inject({ url: '/metrics', headers, ...more })).statusCode;
  };

  it('HTP-36 are for the token, and for keys that may operate', async () => {
    const get = await metricsOf({ METRICS_TOKEN: 'the-token' });
    expect(await get({}, ELSEWHERE)).toBe(401);
    expect(await get(bearer('the-token'), ELSEWHERE)).toBe(200);
    expect(await get(bearer('development'), ELSEWHERE)).toBe(200);
    expect(await get(bearer('valid-test-key'), ELSEWHERE)).toBe(403);
    expect(await get(bearer('other'), ELSEWHERE)).toBe(401);
  });

  it('HTP-36 are for callers on this machine, which a proxy or a page of another name is not', async () => {
    const get = await metricsOf({});
    for (const host of ['localhost:8000', '127.0.0.1:8000', '127.0.0.1', '[::1]:8000', 'LOCALHOST'])
      expect(await get({ host })).toBe(200);
    for (const host of ['chat.example.org', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1'])
      expect(await get({ host })).toBe(421);
    expect(await get({ 'x-forwarded-for': '203.0.113.7' })).toBe(401);
  });

  it('HTP-36 HTP-40 are for callers on this machine under its own name, also where other names are known', async () => {
    const get = await metricsOf({ PUBLIC_HOSTS: 'chat.example.org', ALLOW_DEVELOPMENT_KEYS: 'true' });
    expect(await get({ host: 'localhost:8000' })).toBe(200);
    expect(await get({ host: 'chat.example.org' })).toBe(401);
  });

  it('HTP-36 are not for loopback where a proxy may be what calls: in production, and with TRUST_PROXY', async () => {
    const production = {
      NODE_ENV: 'production',
      SESSION_SECRET: 's'.repeat(40),
      METRICS_TOKEN: 'the-token-of-metrics',
    };
    for (const env of [production, { TRUST_PROXY: 'loopback', METRICS_TOKEN: 'the-token-of-metrics' }]) {
      const get = await metricsOf(env);
      expect(await get()).toBe(401);
      expect(await get(bearer('the-token-of-metrics'))).toBe(200);
    }
  });

  it('HTP-36 name the agent plane, and count what failed', async () => {
    const { inject } = await open();
    await inject({ url: '/api/chat/threads', headers: bearer('wrong') });
    const reply = await inject('/metrics');
    expect(reply.headers['content-type']).toContain('text/plain; version=0.0.4');
    for (const line of [
      'holdfast_agents_total 0',
      'holdfast_devices_total 0',
      'holdfast_auth_failures_total 1',
      'holdfast_restores_total{outcome="restored"} 0',
    ])
      expect(reply.body.split('\n')).toContain(line);
  });
});

describe('debug endpoints', () => {
  const clockRequest = (more: object = {}) =>
    ({ method: 'POST', url: '/debug/clock', payload: { advance_ms: 600_000 }, ...more }) as const;

  it('HTP-23 move the clock, from this machine only', async () => {
    const { inject, clock } = await open();
    const before = clock.now();
    const reply = await inject(clockRequest());
    expect(reply.statusCode).toBe(200);
    expect(Date.parse(reply.json().now)).toBe(before + 600_000);
    expect((await inject(clockRequest(ELSEWHERE))).statusCode).toBe(404);
    expect((await inject(clockRequest({ headers: { forwarded: 'for=x' } }))).statusCode).toBe(404);
    expect((await inject(clockRequest({ payload: { advance_ms: -1 } }))).statusCode).toBe(422);
    expect(clock.now()).toBe(before + 600_000);
  });

  it('HTP-40 do not move the clock for a page whose name was led to this machine', async () => {
    const { inject, clock } = await open();
    const before = clock.now();
    for (const host of ['evil.example:8000', 'localhost.evil.example', '0.0.0.0:8000'])
      expect((await inject(clockRequest({ headers: { host } }))).statusCode).toBeGreaterThanOrEqual(400);
    expect(clock.now()).toBe(before);
  });

  it('HTP-23 are not there without DEBUG_ENDPOINTS', async () => {
    const { inject } = await open({ env: { DEBUG_ENDPOINTS: 'false' } });
    expect((await inject(clockRequest())).statusCode).toBe(404);
  });
});

describe('hosts', () => {
  const statusOf = async ({ inject }: HttpApp, host: string, url = '/api/chat/threads') =>
    (await inject({ url, headers: { host, ...bearer('development') } })).statusCode;
  const FOREIGN = [
    'evil.example',
    'evil.example:8000',
    '192.0.2.7:8000',
    '0.0.0.0',
    'localhost.evil.example',
  ];

  it('HTP-41 with development keys nothing is answered under a name that is not the server’s', async () => {
    const http = await open();
    for (const host of ['localhost', 'localhost:5173', '127.0.0.1:8000', '[::1]:8000'])
      expect(await statusOf(http, host)).toBe(200);
    for (const host of FOREIGN)
      for (const url of ['/api/chat/threads', '/', '/healthz', '/metrics', '/nowhere', '/client_test'])
        expect(await statusOf(http, host, url)).toBe(421);
    const told = http.lines.filter((line) => line.includes('host_refused'));
    expect(told.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        level: 'warn',
        host: 'evil.example',
        msg: expect.stringMatching('PUBLIC_HOSTS'),
      }),
    ]);
  });

  it('HTP-41 PUBLIC_HOSTS names more of them, on any port', async () => {
    const http = await open({ env: { PUBLIC_HOSTS: '192.0.2.7:8000,laptop.example' } });
    for (const host of ['192.0.2.7:8000', 'Laptop.example:9000', 'localhost'])
      expect(await statusOf(http, host)).toBe(200);
    expect(await statusOf(http, 'evil.example')).toBe(421);
  });

  it('HTP-41 debug endpoints alone ask for it too; in production any name will do, as its keys are secret', async () => {
    const debug = await open({ env: { ALLOW_DEVELOPMENT_KEYS: 'false', DEBUG_ENDPOINTS: 'true' } });
    expect(await statusOf(debug, 'evil.example', '/healthz')).toBe(421);
    const env = { NODE_ENV: 'production', SESSION_SECRET: 's'.repeat(32) };
    expect(await statusOf(await open({ env }), 'evil.example', '/healthz')).toBe(200);
  });
});

describe('sockets', () => {
  it.each(OTHER_SOCKET_PATHS)('HTP-24 an upgrade of %s is not built yet', async (url) => {
    const { inject } = await open();
    const reply = await inject({ url, headers: { upgrade: 'websocket', connection: 'upgrade' } });
    expect(reply.statusCode).toBe(501);
    expect(reply.json()).toMatchObject({ error_type: 'not_available' });
  });

  it.each(OTHER_SOCKET_PATHS)('HTP-24 a plain GET of %s is 426', async (url) => {
    const { inject } = await open();
    const reply = await inject(url);
    expect(reply.statusCode).toBe(426);
    expect(reply.headers.upgrade).toBe('websocket');
    expect(reply.headers['content-type']).toContain('application/problem+json');
  });
});

describe('the web client', () => {
  async function build(): Promise<string> {
    const root = await mkdtemp(join(tmpdir(), 'holdfast-web-'));
    cleanups.push(() => rm(root, { recursive: true }));
    await writeFile(join(root, 'index.html'), '<!doctype html><title>Holdfast</title>');
    await writeFile(join(root, '.hidden'), 'no');
    await mkdir(join(root, 'assets'));
    await writeFile(join(root, 'assets', 'index-abc123.js'), 'export {};');
    return root;
  }

  it('HTP-25 is asked for anew, its hashed files never again', async () => {
    const { inject } = await open({ webRoot: await build() });
    const page = await inject('/');
    expect(page.statusCode).toBe(200);
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.headers['cache-control']).toBe('no-cache');
    const asset = await inject('/assets/index-abc123.js');
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(asset.headers['content-type']).toContain('javascript');
  });

  it('HTP-25 nothing beside it is served, and paths that are not there are problems', async () => {
    const { inject } = await open({ webRoot: await build() });
    for (const url of ['/.hidden', '/../package.json', '/%2e%2e/package.json', '/nothing', '/api/nothing']) {
      const reply = await inject(url);
      expect([403, 404]).toContain(reply.statusCode);
      expect(reply.headers['content-type']).toContain('application/problem+json');
    }
    expect((await inject('/ws')).statusCode).toBe(426);
    expect((await inject('/healthz')).statusCode).toBe(200);
  });

  it('HTP-25 says how it is built where it is missing', async () => {
    const { inject } = await open();
    const reply = await inject('/');
    expect(reply.statusCode).toBe(503);
    expect(reply.body).toContain('npm run build:web');
  });

  it('HTP-26 comes with headers that allow only what is its own', async () => {
    const { inject } = await open({ webRoot: await build() });
    const { headers } = await inject({ url: '/', headers: { host: 'h:8000' } });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("connect-src 'self' ws://h:8000 wss://h:8000");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    const odd = await inject({ url: '/', headers: { host: "h; script-src 'unsafe-inline'" } });
    expect(odd.headers['content-security-policy']).not.toContain('unsafe');
  });
});

describe('logs', () => {
  it('HTP-37 name the route of a request: no path, no query, no key', async () => {
    const { inject, lines } = await open();
    const key = 'wrong-key-that-nobody-may-read';
    await inject({ url: `/api/chat/threads?api_key=${key}`, headers: bearer(key) });
    await inject({ url: `/%zz?api_key=${key}` });
    // Pasted into a path, where a path has room for something.
    for (const path of ['/api/chat/threads', '/assets', '', '/ws', '/%zz'])
      for (const method of ['GET', 'DELETE', 'OPTIONS'] as const)
        await inject({ method, url: `${path}/${key}`, headers: bearer('development') });
    await inject({
      method: 'POST',
      url: '/api/chat/threads',
      headers: bearer('development'),
      payload: { api_key: key },
    });
    expect(lines.length).toBeGreaterThan(0);
    const all = lines.join('');
    expect(all).not.toContain(key);
    expect(all).not.toContain(createHash('sha256').update(key).digest('hex'));
    expect(all).not.toContain('Bearer');
  });
});
