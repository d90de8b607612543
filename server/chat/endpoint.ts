import type { Socket } from 'node:net';
import websocket, { type WebSocket } from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CLIENT_ID_PATTERN } from '../../protocol/ids.ts';
import type { Settings } from '../config.ts';
import type { Admission, Turned } from './admission.ts';
import type { ChatServer } from './chat-server.ts';
import { holdForTurn } from './turn-writes.ts';

export interface EndpointOptions {
  readonly settings: Settings;
  readonly chat: ChatServer;
  readonly admission: Admission;
  readonly originAllowed: (request: FastifyRequest) => boolean;
  /** The address that rates count by. */
  readonly addressOf: (request: FastifyRequest) => string;
  /** Told of every socket that has become a WebSocket. */
  readonly onUpgraded: (socket: Socket) => void;
  /** The error that answers a request with this status. */
  readonly problem: (status: number, detail: string, headers?: Readonly<Record<string, string>>) => Error;
}

/** How long a peer may take to answer a close before its socket is cut off. */
const CLOSE_TIMEOUT_MS = 5000;

type SocketRequest = FastifyRequest<{ Params: { clientId: string } }>;

/** The socket paths of the chat plane. Whatever is wrong before the upgrade is an HTTP answer. */
export async function chatEndpoints(app: FastifyInstance, options: EndpointOptions): Promise<void> {
  const { settings, chat, admission, originAllowed, problem } = options;
  const ws = {
    maxPayload: wsLimit(settings.sockets.maxFrameBytes),
    perMessageDeflate: false,
    clientTracking: false,
    // Not yet in the types of ws.
    closeTimeout: CLOSE_TIMEOUT_MS,
  };
  await app.register(websocket, {
    options: ws,
    // The drain is the chat server's, which knows what each connection is to be told.
    preClose: (done) => done(),
    errorHandler: (_error, socket) => socket.terminate(),
  });
  const admit = async (request: FastifyRequest, reply: FastifyReply) => {
    const { clientId } = (request as SocketRequest).params;
    if (!CLIENT_ID_PATTERN.test(clientId)) throw problem(404, 'A client id is 1 to 64 of A-Z a-z 0-9 _ -');
    if (!request.ws) throw problem(426, 'This path is for WebSockets', { upgrade: 'websocket' });
    if (!originAllowed(request)) throw problem(403, 'This origin may not open sockets here');
    if (chat.draining) throw problem(503, 'The server is restarting', { 'retry-after': '1' });
    const turned = admission.turnsAway(options.addressOf(request));
    if (turned !== undefined) throw problem(...answerTo(turned));
    leaveHttp(request, reply);
  };
  const route = (url: string, debug: boolean) =>
    app.route<{ Params: { clientId: string } }>({
      method: 'GET',
      url,
      schema: { hide: true },
      // An upgrade has no use for the headers of a page, and they take as long as the rest of it; a refusal has them.
      helmet: false,
      onError: (_request, reply, _error, done) => {
        void reply.helmet();
        done();
      },
      preValidation: admit,
      handler: () => {
        throw problem(426, 'This path is for WebSockets');
      },
      wsHandler: (socket, request) => {
        // The plugin's own listener would keep the whole request in memory for as long as the socket lives.
        socket.removeAllListeners('error');
        socket.on('error', cutOff);
        const tcp = request.raw.socket;
        options.onUpgraded(tcp);
        chat.accept({ socket, tcp, address: options.addressOf(request), debug });
      },
    });
  route('/client_:clientId', false);
  if (settings.debugEndpoints) route('/debug/client_:clientId', true);
}

/** How an upgrade is refused: 429 where it is the address's own doing, 503 where it is not. */
function answerTo({ why, retryAfterMs }: Turned): [number, string, Readonly<Record<string, string>>] {
  const headers = { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) };
  switch (why) {
    case 'rate':
      return [429, 'This address opens connections too fast', headers];
    case 'share':
      return [429, 'This address has too many connections that have not authenticated', headers];
    case 'full':
      return [503, 'The server takes no more connections now', headers];
  }
}

/**
 * From here on it is a socket. The response that the plugin hung on it would stay as long as it lives, and the request
 * with that; and the answer to the upgrade leaves together with the greeting.
 */
function leaveHttp({ raw: { socket } }: FastifyRequest, reply: FastifyReply): void {
  reply.raw.detachSocket(socket);
  holdForTurn(socket);
}

/**
 * After a frame that it could not take, ws itself says why and closes. Cut off while the rest of the frame is still
 * coming, the peer would see a lost line, and come back with the same frame.
 */
function cutOff(this: WebSocket): void {
  if (this.readyState !== this.CLOSING) this.terminate();
}

/** ws takes 0 for no limit. */
function wsLimit(bytes: number): number {
  return bytes === Number.POSITIVE_INFINITY ? 0 : bytes;
}
