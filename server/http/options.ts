import {
  type FastifyBaseLogger,
  type FastifyHttpOptions,
  LogController,
  type RawServerDefault,
} from 'fastify';
import type { Settings } from '../config.ts';
import type { Log } from '../log.ts';
import { problemOf, sendProblem } from './problems.ts';

/** A request must have arrived within this; sockets are not meant, an upgrade ends the request. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer path parameters match no route. Longer than any that is good, so that a bad one is answered like others. */
const MAX_PARAM_LENGTH = 4096;

/** What fastify is created with. */
export function serverOptions(
  settings: Settings,
  log: Log,
): FastifyHttpOptions<RawServerDefault, FastifyBaseLogger> {
  return {
    loggerInstance: log,
    // A line for each request is logged by registerHttp, at debug level and without the query.
    logController: new LogController({ disableRequestLogging: true }),
    // A logger of its own costs an upgrade as much as its checks, and one line is all that a request logs.
    childLoggerFactory: (parent, bindings, options, raw) =>
      raw.headers.upgrade === undefined ? parent.child(bindings, options) : parent,
    trustProxy: settings.trustProxy,
    bodyLimit: settings.http.bodyBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, request, reply) => {
      sendProblem(request, reply, problemOf(error));
    },
  };
}
