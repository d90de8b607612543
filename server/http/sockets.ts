import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CLIENT_ID_PATTERN } from '../../protocol/ids.ts';
import { HttpProblem, notFound, sendProblem } from './problems.ts';

/** The chat plane's paths; `/debug/...` is there only with `DEBUG_ENDPOINTS`. */
export const CHAT_SOCKET_PATH = '/client_:client_id';
export const DEBUG_SOCKET_PATH = '/debug/client_:client_id';
/** The paths of the agent plane and of operators' pages. */
export const OTHER_SOCKET_PATHS = ['/ws/agent', '/ws', '/ws/ui'] as const;

/** Whether the label in a socket's path is one. */
export function isClientId(label: unknown): label is string {
  return typeof label === 'string' && CLIENT_ID_PATTERN.test(label);
}

/** Answers a plain GET of a socket's path: 426, or 404 where the path's label is none. */
export function answerPlainGet(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const params = request.params as { client_id?: string };
  if (params.client_id !== undefined && !isClientId(params.client_id))
    return sendProblem(request, reply, notFound('path'));
  const headers = { upgrade: 'websocket', connection: 'Upgrade' };
  return sendProblem(request, reply, new HttpProblem(426, { detail: 'Open a WebSocket here', headers }));
}

/** Plain GETs of these paths, where no socket route of the same path answers them. */
export function registerPlainGets(app: FastifyInstance, paths: readonly string[]): void {
  for (const path of paths) app.get(path, { schema: { hide: true } }, answerPlainGet);
}
