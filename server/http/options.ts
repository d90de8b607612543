import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import {
  type FastifyBaseLogger,
  type FastifyHttpOptions,
  LogController,
  type RawServerDefault,
} from 'fastify';
import type { Settings } from '../config.ts';
import type { Log } from '../log.ts';
import { trustOf } from './client-address.ts';
import { problemOf, sendProblem } from './problems.ts';
import { endAfterAnswer } from './sockets.ts';
import type { TcpSockets } from './tcp-sockets.ts';

/** How often the platform looks for connections whose time is over. */
const CHECK_MS = 1000;
/** Longer path parameters match no route. Longer than any that is good, so that a bad one is answered like others. */
const MAX_PARAM_LENGTH = 4096;
/** Where a socket may be opened; every other upgrade is an ordinary request, answered and closed like one. */
const CHAT_PATH = /^\/client_[A-Za-z0-9_-]{1,64}(?:\?|$)/;
const DEBUG_PATH = /^\/debug\/client_[A-Za-z0-9_-]{1,64}(?:\?|$)/;

/**
 * What fastify is created with.
 * @param sockets counts every socket of the server
 */
export function serverOptions(
  settings: Settings,
  log: Log,
  sockets: TcpSockets,
): FastifyHttpOptions<RawServerDefault, FastifyBaseLogger> {
  return {
    loggerInstance: log,
    // A line for each request is logged by registerHttp, at debug level and without what the caller wrote.
    logController: new LogController({ disableRequestLogging: true }),
    // A logger of its own costs an upgrade as much as its checks, and one line is all that a request logs.
    childLoggerFactory: (parent, bindings, options, raw) =>
      raw.headers.upgrade === undefined ? parent.child(bindings, options) : parent,
    trustProxy: trustOf(settings.trustProxy),
    bodyLimit: settings.http.bodyBytes,
    // More than one is made where HOST is a name of several addresses.
    serverFactory: (handler) => {
      const server = createServer(nodeOptions(settings), (request, response) => {
        endAfterAnswer(request, response);
        handler(request, response);
      });
      server.setTimeout(settings.http.writeTimeoutMs);
      sockets.watch(server);
      return server;
    },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, request, reply) => {
      sendProblem(request, reply, problemOf(error));
    },
    // The error holds what was received, credentials included: nothing of it is logged but its code.
    clientErrorHandler: (error, socket) => {
      log.trace(
        { event: 'client_error', code: error.code },
        'what a client sent is not HTTP, or came too slowly',
      );
      if (error.code === 'ECONNRESET' || socket.destroyed) return;
      if (!socket.writable) return void socket.destroy();
      socket.end(clientFault(CLIENT_FAULTS[error.code ?? ''] ?? 400));
      socket.destroySoon();
    },
  };
}

/** What Node's server is created with; 0 turns each of its timers off. */
function nodeOptions({ debugEndpoints, http }: Settings) {
  const { headersTimeoutMs, requestTimeoutMs, idleTimeoutMs } = http;
  return {
    requestTimeout: requestTimeoutMs,
    // The platform refuses headers that may take longer than their request.
    headersTimeout: requestTimeoutMs > 0 ? Math.min(headersTimeoutMs, requestTimeoutMs) : headersTimeoutMs,
    keepAliveTimeout: idleTimeoutMs,
    connectionsCheckingInterval: CHECK_MS,
    // What is not taken here never leaves HTTP, its timers and its way to close.
    shouldUpgradeCallback: (request: IncomingMessage) => {
      const { url = '' } = request;
      return asksForSocket(request, CHAT_PATH.test(url) || (debugEndpoints && DEBUG_PATH.test(url)));
    },
  };
}

function asksForSocket({ method, headers }: IncomingMessage, isPath: boolean): boolean {
  return isPath && method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
}

const CLIENT_FAULTS: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

/** The whole answer to what is no request. */
function clientFault(status: number): string {
  const title = STATUS_CODES[status] ?? 'Error';
  const body = JSON.stringify({ type: 'about:blank', title, status });
  return [
    `HTTP/1.1 ${status} ${title}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}
