import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './problems.ts';

/** Socket paths besides the chat plane's, which answers for its own: the agent plane and operators' pages. */
export const OTHER_SOCKET_PATHS = ['/ws/agent', '/ws', '/ws/ui'] as const;

/** A plain GET of these paths is 426, where no socket route of the same path answers it. */
export function registerPlainGets(app: FastifyInstance, paths: readonly string[]): void {
  for (const path of paths)
    app.get(path, { schema: { hide: true } }, () => {
      const headers = { upgrade: 'websocket', connection: 'Upgrade' };
      throw new HttpProblem(426, { detail: 'This path is for WebSockets', headers });
    });
}
