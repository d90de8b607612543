import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { digestOf } from '../auth/key-table.ts';
import type { Settings } from '../config.ts';
import type { Metrics } from '../metrics.ts';
import { isLocalCaller } from './address.ts';
import { type AuthenticateDeps, authenticate, bearerOf } from './authenticate.ts';

/** Who may read the metrics without a key that may `operate`. */
export interface MetricsAccess {
  /** Whether callers on this machine may. */
  readonly loopback: boolean;
  readonly token: undefined | string;
}

/**
 * In production, or behind a trusted proxy, whoever calls from loopback is a proxy as likely as not, and one that adds no
 * header looks like a local caller: everybody would be let in. So there loopback is no reason.
 */
export function metricsAccess({
  production,
  trustProxy,
  metricsToken,
}: Pick<Settings, 'production' | 'trustProxy' | 'metricsToken'>): MetricsAccess {
  return { loopback: !production && trustProxy === false, token: metricsToken };
}

export interface MetricsDeps extends AuthenticateDeps {
  readonly metrics: Metrics;
  readonly access: MetricsAccess;
}

/** `GET /metrics` for Prometheus: with `METRICS_TOKEN`, a key that may `operate`, or from loopback where that tells. */
export function registerMetrics(app: FastifyInstance, deps: MetricsDeps): void {
  const { registry } = deps.metrics;
  const { loopback, token } = deps.access;
  const wanted = token === undefined ? undefined : Buffer.from(digestOf(token));
  const hasToken = (bearer: undefined | string) =>
    wanted !== undefined && bearer !== undefined && timingSafeEqual(Buffer.from(digestOf(bearer)), wanted);

  app.get(
    '/metrics',
    { schema: { tags: ['operations'], operationId: 'metrics', summary: 'Prometheus metrics' } },
    async (request, reply) => {
      const isOpen = (loopback && isLocalCaller(request)) || hasToken(bearerOf(request));
      if (!isOpen) authenticate(request, deps, 'operate');
      return reply.type(registry.contentType).send(await registry.metrics());
    },
  );
}
