import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { healthSchema, readySchema } from '../../protocol/http/health.ts';
import type { Clock } from '../clock.ts';
import type { Store } from '../store/store.ts';

/** What the process knows of itself. */
export interface Vitals {
  /** When it was ready, ms since the epoch. */
  readonly startedAt: number;
  /** It is stopping and wants no new work. */
  isDraining(): boolean;
  agentsConnected(): number;
  connections(): number;
}

/** How long the store has to answer. */
const PROBE_TIMEOUT_MS = 1000;
/** How long an answer holds: probes of many watchers cost the store no more than one. */
const PROBE_CACHE_MS = 1000;

/** Asks the store now and then whether it is there and takes writes: one that only answers would be of no use to people. */
export class StoreProbe {
  readonly #store: Pick<Store, 'probe'>;
  readonly #clock: Clock;
  #last: undefined | { readonly at: number; readonly answer: Promise<boolean> };

  constructor(store: Pick<Store, 'probe'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Whether the store took a write within the last second, or takes one within the next. Never rejects. */
  isConnected(): Promise<boolean> {
    const at = this.#clock.now();
    if (this.#last !== undefined && at - this.#last.at < PROBE_CACHE_MS) return this.#last.answer;
    const answer = this.#ask();
    this.#last = { at, answer };
    return answer;
  }

  #ask(): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(PROBE_TIMEOUT_MS, () => resolve(false));
      const settle = (answer: boolean) => {
        cancel();
        resolve(answer);
      };
      this.#store.probe().then(
        () => settle(true),
        () => settle(false),
      );
    });
  }
}

export interface HealthDeps {
  readonly store: Pick<Store, 'driver' | 'probe'>;
  readonly clock: Clock;
  readonly vitals: Vitals;
}

/** `/healthz`: it lives. `/readyz`: it may be sent people. */
export function registerHealth(scope: FastifyInstance, { store, clock, vitals }: HealthDeps): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const probe = new StoreProbe(store, clock);
  const tags = ['operations'];

  app.get(
    '/healthz',
    {
      schema: {
        tags,
        operationId: 'health',
        summary: 'The process lives; what it can say of its store',
        response: { 200: healthSchema },
      },
    },
    async (_request, reply) => {
      const isConnected = await probe.isConnected();
      reply.header('cache-control', 'no-store');
      return {
        status: isConnected ? ('ok' as const) : ('degraded' as const),
        store: store.driver,
        database: isConnected ? ('connected' as const) : ('disconnected' as const),
        uptime: Math.max(0, clock.now() - vitals.startedAt) / 1000,
      };
    },
  );

  app.get(
    '/readyz',
    {
      schema: {
        tags,
        operationId: 'readiness',
        summary: 'Whether new connections should come here',
        response: { 200: readySchema, 503: readySchema },
      },
    },
    async (_request, reply) => {
      const ready = !vitals.isDraining() && (await probe.isConnected());
      reply.header('cache-control', 'no-store');
      return reply.code(ready ? 200 : 503).send({
        ready,
        agents_connected: vitals.agentsConnected(),
        connections: vitals.connections(),
      });
    },
  );
}
