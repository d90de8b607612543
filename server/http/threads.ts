import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import {
  threadCreateSchema,
  threadDetailSchema,
  threadListQuery,
  threadListSchema,
  threadPatchSchema,
  threadQuery,
  threadSchema,
} from '../../protocol/http/threads.ts';
import { serverId } from '../../protocol/ids.ts';
import type { Pages } from '../flow/pages.ts';
import type { UnsentBudget } from '../flow/unsent-budget.ts';
import { COSTS } from '../load/costs.ts';
import type { WorkGovernor } from '../load/work-governor.ts';
import type { ThreadService } from '../session/thread-service.ts';
import { type AuthenticateDeps, authenticate, principalOf } from './authenticate.ts';
import { HttpProblem, notFound, PROBLEM_RESPONSES } from './problems.ts';

const params = z.object({ id: serverId });
const tags = ['threads'];
const security = [{ apiKey: [] }];

export interface ThreadDeps extends AuthenticateDeps {
  readonly threads: ThreadService;
  /** What peers have not taken, of all planes together. */
  readonly unsent: UnsentBudget;
  readonly pages: Pages;
  readonly load: WorkGovernor;
}

/** The routes of a person's threads, on a scope of their own. */
export function registerThreads(scope: FastifyInstance, deps: ThreadDeps): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const { threads } = deps;
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    authenticate(request, deps, 'chat');
  });
  app.addHook('preHandler', async (request) => {
    const { subject } = principalOf(request);
    await deps.load.turn(subject);
    deps.load.charge(subject, COSTS.request);
  });
  app.addHook('onSend', async ({ principal }, _reply, payload) => {
    if (principal !== undefined && typeof payload === 'string')
      deps.load.charge(principal.subject, payload.length);
  });

  app.get(
    '/api/chat/threads',
    {
      schema: {
        tags,
        security,
        operationId: 'listThreads',
        summary: 'Your threads, last used first',
        querystring: threadListQuery,
        response: { 200: threadListSchema, ...PROBLEM_RESPONSES },
      },
    },
    (request) => threads.list(principalOf(request), request.query),
  );

  app.post(
    '/api/chat/threads',
    {
      schema: {
        tags,
        security,
        operationId: 'createThread',
        summary: 'A new thread; with an id, the same thread each time',
        body: threadCreateSchema,
        response: { 200: threadSchema, 201: threadSchema, ...PROBLEM_RESPONSES },
      },
    },
    async (request, reply) => {
      const result = await threads.create(principalOf(request), request.body);
      switch (result.kind) {
        case 'created':
          reply.header('location', `/api/chat/threads/${result.thread.session_id}`);
          return reply.code(201).send(result.thread);
        case 'exists':
          return reply.code(200).send(result.thread);
        case 'conflict':
          throw new HttpProblem(409, {
            errorType: 'id_conflict',
            detail: 'This id names a thread of another domain or workspace',
          });
        case 'forbidden':
          throw new HttpProblem(403, {
            errorType: 'forbidden',
            detail: 'This key does not reach that workspace',
          });
        case 'over_limit':
          throw new HttpProblem(413, { errorType: 'limit_exceeded', detail: 'You have too many threads' });
      }
    },
  );

  app.get(
    '/api/chat/threads/:id',
    {
      schema: {
        tags,
        security,
        operationId: 'getThread',
        summary: 'A thread and a page of its messages, archived ones included',
        params,
        querystring: threadQuery,
        response: { 200: threadDetailSchema, ...PROBLEM_RESPONSES },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const share = deps.unsent.share(principal.subject);
      // The peer has its answer, or is gone, whatever happens here.
      reply.raw.once('close', () => share.close());
      const page = await deps.pages.begin(principal.subject, share);
      // Nobody is there any more.
      if (page === undefined) return reply.hijack();
      const json = await threads
        .detail(principal, request.params.id, request.query, page.maxBytes)
        .finally(() => page.read());
      if (json === undefined) throw notFound('thread');
      share.set(json.length);
      // Text goes out as it is. The type of the reply knows only what the schema serialises.
      return reply.type('application/json; charset=utf-8').send(json as never);
    },
  );

  app.patch(
    '/api/chat/threads/:id',
    {
      schema: {
        tags,
        security,
        operationId: 'renameThread',
        summary: 'Gives a thread another title',
        params,
        body: threadPatchSchema,
        response: { 200: threadSchema, ...PROBLEM_RESPONSES },
      },
    },
    async (request) => {
      const thread = await threads.rename(principalOf(request), request.params.id, request.body.title);
      if (thread === undefined) throw notFound('thread');
      return thread;
    },
  );

  app.delete(
    '/api/chat/threads/:id',
    {
      schema: {
        tags,
        security,
        operationId: 'eraseThread',
        summary: 'Ends a thread and removes everything in it',
        params,
        response: { 204: z.null().describe('It is gone'), ...PROBLEM_RESPONSES },
      },
    },
    async (request, reply) => {
      if (!(await threads.erase(principalOf(request), request.params.id))) throw notFound('thread');
      return reply.code(204).send(null);
    },
  );
}
