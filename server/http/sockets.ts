import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './problems.ts';
import type { TcpSockets } from './tcp-sockets.ts';

/** Socket paths besides the chat plane's, which answers for its own: the agent plane and operators' pages. */
export const OTHER_SOCKET_PATHS = ['/ws/agent', '/ws', '/ws/ui'] as const;

/** Where no socket route of the same path answers it, a plain GET of these paths is 426, and an upgrade is not built. */
export function registerPlainGets(app: FastifyInstance, paths: readonly string[]): void {
  for (const path of paths)
    app.get(path, { schema: { hide: true } }, (request) => {
      if (request.headers.upgrade !== undefined)
        throw new HttpProblem(501, { errorType: 'not_available', detail: 'This socket is not built yet' });
      const headers = { upgrade: 'websocket', connection: 'Upgrade' };
      throw new HttpProblem(426, { detail: 'This path is for WebSockets', headers });
    });
}

/**
 * What becomes of a connection when its request is answered. An upgrade that is not taken is answered like any request,
 * and its connection ends with the answer, read or not.
 */
export function registerSocketEnds(app: FastifyInstance, sockets: TcpSockets): void {
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (request.headers.upgrade !== undefined) {
      const said = reply.getHeader('connection');
      void reply.header('connection', said === undefined ? 'close' : `${String(said)}, close`);
      sockets.lastAnswer(request.raw.socket);
    }
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    sockets.answered(request.raw.socket, request.headers.upgrade !== undefined);
    done();
  });
}
