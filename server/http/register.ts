import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { KeyCheck } from '../auth/key-check.ts';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config.ts';
import type { Pages } from '../flow/pages.ts';
import type { UnsentBudget } from '../flow/unsent-budget.ts';
import type { WorkGovernor } from '../load/work-governor.ts';
import type { Metrics } from '../metrics.ts';
import type { ThreadService } from '../session/thread-service.ts';
import type { Store } from '../store/store.ts';
import { clientAddress } from './client-address.ts';
import { type AdvanceClock, registerDebug } from './debug.ts';
import { registerHealth, type Vitals } from './health.ts';
import { requireKnownHost } from './host.ts';
import { metricsAccess, registerMetrics } from './metrics.ts';
import { registerDocuments, registerOpenApi } from './openapi.ts';
import { HttpProblem, registerProblems } from './problems.ts';
import { registerPlainGets } from './sockets.ts';
import type { TcpSockets } from './tcp-sockets.ts';
import { registerThreads } from './threads.ts';
import { registerSecurityHeaders, registerWeb } from './web.ts';

export interface HttpDeps {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly store: Pick<Store, 'driver' | 'probe'>;
  readonly keyCheck: KeyCheck;
  readonly threads: ThreadService;
  readonly unsent: UnsentBudget;
  readonly pages: Pages;
  readonly load: WorkGovernor;
  readonly metrics: Metrics;
  readonly sockets: TcpSockets;
  readonly vitals: Vitals;
  /** `undefined`: there is no clock to move. Used only with `DEBUG_ENDPOINTS`. */
  readonly advanceClock: undefined | AdvanceClock;
  /** The folder of the built web client. */
  readonly webRoot: string;
  /** Socket paths that nobody else registers: a plain GET of them is 426. */
  readonly plainSocketPaths: readonly string[];
}

/** Everything that is served over plain HTTP. On the app itself, before any route of others. */
export async function registerHttp(app: FastifyInstance, deps: HttpDeps): Promise<void> {
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest('principal', undefined);
  registerProblems(app);
  logRequests(app);
  app.addHook('onResponse', (request, _reply, done) => {
    deps.sockets.answered(request.raw.socket);
    done();
  });
  await registerSecurityHeaders(app);
  const { settings, clock } = deps;
  if (settings.auth.developmentKeys !== undefined || settings.debugEndpoints)
    requireKnownHost(app, settings.publicHosts, clock);
  await registerOpenApi(app);
  registerHealth(app, deps);
  registerMetrics(app, { ...deps, access: metricsAccess(deps.settings) });
  const api: FastifyPluginAsync = async (scope) => {
    await limitRate(scope, deps.settings.http.ratePerMin);
    await scope.register((threads, _options, done) => {
      registerThreads(threads, deps);
      done();
    });
    registerDocuments(scope);
  };
  await app.register(api);
  if (deps.settings.debugEndpoints && deps.advanceClock !== undefined) registerDebug(app, deps.advanceClock);
  registerPlainGets(app, deps.plainSocketPaths);
  await registerWeb(app, deps.webRoot, deps.sockets);
}

/** After authentication, so that people behind one address do not share an allowance, and before a body is read. */
async function limitRate(api: FastifyInstance, ratePerMin: number): Promise<void> {
  if (ratePerMin === Infinity) return;
  await api.register(rateLimit, {
    hook: 'preParsing',
    max: ratePerMin,
    timeWindow: 60_000,
    keyGenerator: (request) => request.principal?.subject ?? clientAddress(request),
    errorResponseBuilder: (_request, { ttl }) =>
      new HttpProblem(429, { errorType: 'rate_limited', retryAfterMs: ttl }),
  });
}

/** Requests are named by their route: a path is what the caller wrote, and may hold a key by mistake. */
function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', (request, reply, done) => {
    request.log.debug(
      {
        event: 'request',
        method: request.method,
        route: request.is404 ? 'none' : request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    );
    done();
  });
}
