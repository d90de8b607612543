import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isLocalCaller } from './address.ts';
import { notFound } from './problems.ts';

/** Ten years: further than any test has reason to go, and far from the end of representable time. */
const MAX_ADVANCE_MS = 315_576_000_000;
const body = z.object({ advance_ms: z.int().nonnegative().max(MAX_ADVANCE_MS) });

/** Moves the server's clock; answers its new time, ms since the epoch. */
export type AdvanceClock = (ms: number) => number | Promise<number>;

/** `POST /debug/clock {advance_ms}` from loopback: lets tests be away for ten minutes. Only with `DEBUG_ENDPOINTS`. */
export function registerDebug(scope: FastifyInstance, advance: AdvanceClock): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  app.post(
    '/debug/clock',
    {
      schema: { hide: true, body, response: { 200: z.object({ now: z.iso.datetime() }) } },
      onRequest: async (request) => {
        if (!isLocalCaller(request)) throw notFound('path');
      },
    },
    async (request) => ({ now: new Date(await advance(request.body.advance_ms)).toISOString() }),
  );
}
