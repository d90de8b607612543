import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './problems.ts';

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

/** How long the answer to a refused upgrade may lie unread before its socket is cut off. */
const REFUSED_TIMEOUT_MS = 5000;

/** An upgrade that is not taken is answered like any request, and its connection ends with the answer, read or not. */
export function closeRefusedUpgrades(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (request.headers.upgrade !== undefined) {
      const said = reply.getHeader('connection');
      void reply.header('connection', said === undefined ? 'close' : `${String(said)}, close`);
      request.raw.socket.setTimeout(REFUSED_TIMEOUT_MS);
    }
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    if (request.headers.upgrade !== undefined) request.raw.socket.destroySoon();
    done();
  });
}
