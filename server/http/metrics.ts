import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { digestOf } from '../auth/key-table.ts';
import type { Metrics } from '../metrics.ts';
import { isLocalCaller } from './address.ts';
import { type AuthenticateDeps, authenticate, bearerOf } from './authenticate.ts';

export interface MetricsDeps extends AuthenticateDeps {
  readonly metrics: Metrics;
  readonly metricsToken: undefined | string;
}

/** `GET /metrics` for Prometheus: from loopback, with `METRICS_TOKEN`, or with a key that may `operate`. */
export function registerMetrics(app: FastifyInstance, deps: MetricsDeps): void {
  const { registry } = deps.metrics;
  const wanted = deps.metricsToken === undefined ? undefined : Buffer.from(digestOf(deps.metricsToken));
  const hasToken = (bearer: undefined | string) =>
    wanted !== undefined && bearer !== undefined && timingSafeEqual(Buffer.from(digestOf(bearer)), wanted);

  app.get(
    '/metrics',
    { schema: { tags: ['operations'], operationId: 'metrics', summary: 'Prometheus metrics' } },
    async (request, reply) => {
      if (!isLocalCaller(request) && !hasToken(bearerOf(request))) authenticate(request, deps, 'operate');
      return reply.type(registry.contentType).send(await registry.metrics());
    },
  );
}
