import type { IncomingMessage, ServerResponse } from 'node:http';
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

/**
 * An upgrade that is not taken is answered like any request, and its connection ends with the answer, read or not. What
 * asks for a WebSocket has no body: one that is announced all the same is not waited for.
 */
export function endAfterAnswer({ headers, socket }: IncomingMessage, response: ServerResponse): void {
  if (headers.upgrade === undefined) return;
  if (headers.upgrade.toLowerCase() === 'websocket') for (const name of BODY_HEADERS) delete headers[name];
  response.shouldKeepAlive = false;
  response.on('finish', () => socket.destroySoon());
}

const BODY_HEADERS = ['content-length', 'transfer-encoding', 'content-type'];
