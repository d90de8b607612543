import fastify, { type FastifyInstance, type InjectOptions, type LightMyRequestResponse } from 'fastify';
import { KeyCheck } from '../server/auth/key-check.ts';
import { KeyRing } from '../server/auth/key-ring.ts';
import { ManualClock } from '../server/clock.ts';
import { readSettings, type Settings } from '../server/config.ts';
import { Pages } from '../server/flow/pages.ts';
import { UnsentBudget } from '../server/flow/unsent-budget.ts';
import { serverOptions } from '../server/http/options.ts';
import { type HttpDeps, registerHttp } from '../server/http/register.ts';
import { OTHER_SOCKET_PATHS } from '../server/http/sockets.ts';
import { TcpSockets } from '../server/http/tcp-sockets.ts';
import { loopMeter } from '../server/load/loop-meter.ts';
import { WorkGovernor } from '../server/load/work-governor.ts';
import { createLog } from '../server/log.ts';
import { createMetrics } from '../server/metrics.ts';
import { SystemRandom } from '../server/random.ts';
import { StoreThreadService } from '../server/session/thread-service.ts';
import type { Store } from '../server/store/store.ts';
import { withDevelopmentKeys } from './development-keys.ts';

/** The HTTP plane by itself, with everything that a test may look at or move. */
export interface HttpApp extends AsyncDisposable {
  /** A request without a port. */
  inject(request: string | InjectOptions): Promise<LightMyRequestResponse>;
  readonly clock: ManualClock;
  readonly settings: Settings;
  readonly deps: HttpDeps;
  /** Lines that were logged, debug ones included. */
  readonly lines: string[];
  /** Sessions whose erasure was announced. */
  readonly erased: string[];
  readonly vitals: { draining: boolean };
}

export interface HttpAppOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly webRoot?: string;
  readonly clock?: ManualClock;
}

/** Settings of an environment that has no faults; outside production development keys hold beside whatever it has. */
export function settingsOf(env: Readonly<Record<string, string>> = {}): Settings {
  const read = readSettings({ LOG_LEVEL: 'trace', ...withDevelopmentKeys(env) });
  if (!read.ok) throw new Error(read.faults.join('\n'));
  return read.settings;
}

/** Serves the HTTP plane over a store, without a port. */
export async function openHttpApp(store: Store, options: HttpAppOptions = {}): Promise<HttpApp> {
  const settings = settingsOf(options.env);
  const clock = options.clock ?? new ManualClock();
  const lines: string[] = [];
  const log = createLog(settings, { write: (line) => lines.push(line) });
  const policies = new Set(settings.sessions.policies.keys());
  const opened = await KeyRing.open({ auth: settings.auth, policies, clock, log });
  if (!opened.ok) throw new Error(opened.faults.join('\n'));
  const erased: string[] = [];
  const vitals = { draining: false };
  const unsent = new UnsentBudget({ totalBytes: Infinity, subjectBytes: Infinity });
  const metrics = createMetrics({ processMetrics: false });
  const sockets = new TcpSockets(Number.POSITIVE_INFINITY);
  const deps: HttpDeps = {
    settings,
    clock,
    store,
    keyCheck: new KeyCheck({
      keys: opened.ring,
      failedPerMin: settings.auth.failedPerMin,
      jwtAlgorithm: settings.auth.jwt?.algorithm,
      clock,
      metrics,
    }),
    sockets,
    load: new WorkGovernor({ clock, readLoop: loopMeter(), busyPercent: Number.POSITIVE_INFINITY, metrics }),
    threads: new StoreThreadService({
      store,
      clock,
      random: new SystemRandom(clock),
      settings: settings.sessions,
      onErase: async (sessionId) => void erased.push(sessionId),
      onErased: () => {},
    }),
    unsent,
    pages: new Pages(settings.sockets.pageBytes),
    metrics,
    vitals: {
      startedAt: clock.now(),
      isDraining: () => vitals.draining,
      agentsConnected: () => 0,
      connections: () => 3,
    },
    advanceClock: async (ms) => {
      await clock.advance(ms);
      return clock.now();
    },
    webRoot: options.webRoot ?? '/nonexistent',
    plainSocketPaths: OTHER_SOCKET_PATHS,
  };
  const app: FastifyInstance = fastify(serverOptions(settings, log, sockets));
  await registerHttp(app, deps);
  return {
    // The framework's own answer is a chain that only looks like a promise.
    inject: (request) =>
      new Promise((resolve, reject) => {
        app.inject(request, (error, response) => {
          if (response !== undefined) resolve(response);
          else reject(error);
        });
      }),
    clock,
    settings,
    deps,
    lines,
    erased,
    vitals,
    [Symbol.asyncDispose]: () => app.close(),
  };
}

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
