import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientOptions, WebSocket } from 'ws';

export interface UpgradeAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
}

/** Asks for a socket that the server refuses to open. Rejects when it opens one. */
export async function refusedUpgrade(
  url: string,
  path: string,
  options: ClientOptions = {},
): Promise<UpgradeAnswer> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, options);
  socket.on('error', () => {});
  const opened = once(socket, 'open').then(() => {
    socket.terminate();
    throw new Error(`the upgrade of ${path} was not refused`);
  });
  // Whichever does not happen is never settled.
  const refused = once(socket, 'unexpected-response') as Promise<[unknown, IncomingMessage]>;
  const [request, response] = await Promise.race([refused, opened]);
  (request as { destroy(): void }).destroy();
  return { status: response.statusCode ?? 0, headers: response.headers };
}
