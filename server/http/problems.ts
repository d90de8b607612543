import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { ErrorType, Issue } from '../../protocol/errors.ts';
import { type Problem, problemSchema } from '../../protocol/http/problem.ts';
import { StoreUnavailable } from '../store/store.ts';

const PROBLEM_JSON = 'application/problem+json';
/** How many faults of one request are named. */
const MAX_ISSUES = 20;
/** When to try again while the store is out of reach. */
const STORE_RETRY_MS = 1000;

export interface ProblemOptions {
  readonly errorType?: ErrorType;
  /** Words for the caller: they name no value and leak nothing. */
  readonly detail?: string;
  readonly issues?: readonly Issue[];
  readonly retryAfterMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error that is answered as it is. Everything else that is thrown is answered 500, without a word. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly statusCode: number;
  readonly options: ProblemOptions;

  constructor(status: number, options: ProblemOptions = {}) {
    super(options.detail ?? STATUS_CODES[status] ?? 'Error');
    this.statusCode = status;
    this.options = options;
  }

  shouldRetry(): boolean {
    return this.options.retryAfterMs !== undefined;
  }
}

/** What a thread, or anything else that is not there or not the caller's, is answered with. */
export function notFound(what: string): HttpProblem {
  return new HttpProblem(404, { errorType: 'not_found', detail: `There is no such ${what}` });
}

/** `response` schemas of a route for whatever goes wrong in it. */
export const PROBLEM_RESPONSES = {
  '4xx': {
    description: 'What was wrong with the request',
    content: { [PROBLEM_JSON]: { schema: problemSchema } },
  },
  '5xx': {
    description: 'Not the fault of the request',
    content: { [PROBLEM_JSON]: { schema: problemSchema } },
  },
} as const;

/** Answers every error and every unknown path with a problem document (RFC 9457). */
export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = problemOf(error);
    // A refusal of our own making (full, draining) is no fault, and whoever provokes it must not fill the log.
    if (problem.statusCode >= 500 && !(error instanceof HttpProblem))
      request.log.error({ err: error, event: 'request_failed' }, 'a request failed');
    return sendProblem(request, reply, problem);
  });
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, notFound('path')));
}

/** Sends the problem as the reply. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: HttpProblem,
): FastifyReply {
  const { statusCode: status, options } = problem;
  const { errorType, detail, issues, retryAfterMs } = options;
  const document: Problem = {
    type: errorType === undefined ? 'about:blank' : `urn:holdfast:problem:${errorType}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    ...(detail !== undefined && { detail }),
    instance: request.url.split('?', 1)[0] ?? '/',
    ...(errorType !== undefined && { error_type: errorType }),
    ...(issues !== undefined && { issues: [...issues] }),
    ...(retryAfterMs !== undefined && { retry_after_ms: retryAfterMs }),
  };
  if (retryAfterMs !== undefined) reply.header('retry-after', String(Math.ceil(retryAfterMs / 1000)));
  for (const [name, value] of Object.entries(options.headers ?? {})) reply.header(name, value);
  return reply.code(status).type(PROBLEM_JSON).send(document);
}

/** The problem that an error is answered with. */
export function problemOf(error: FastifyError): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof StoreUnavailable)
    return new HttpProblem(503, { errorType: 'server_error', retryAfterMs: STORE_RETRY_MS });
  if (hasZodFastifySchemaValidationErrors(error)) {
    if (error.validationContext === 'params') return notFound('path');
    const place = error.validationContext ?? 'request';
    const issues = error.validation.slice(0, MAX_ISSUES).map((issue) => ({
      path: [place, ...issue.instancePath.split('/').filter((part) => part !== '')].join('.'),
      message: issue.message ?? 'is not valid',
    }));
    const detail = `${issues[0]?.path}: ${issues[0]?.message}`;
    return new HttpProblem(422, { errorType: 'invalid_message', detail, issues });
  }
  // A path that is far too long is no other case than one that is a little too long.
  if (error.code === 'FST_ERR_MAX_PARAM_LENGTH') return notFound('path');
  const status = error.statusCode ?? 500;
  if (status < 400 || status >= 500) return new HttpProblem(500, { errorType: 'server_error' });
  // The framework's own words for what it refused (bad JSON, too large, ...) name no value; other people's might.
  const detail = error.code?.startsWith('FST_ERR_CTP_') ? { detail: error.message } : {};
  const errorType = FRAMEWORK_TYPES[status];
  return new HttpProblem(status, { ...detail, ...(errorType !== undefined && { errorType }) });
}

const FRAMEWORK_TYPES: Readonly<Record<number, ErrorType>> = {
  400: 'invalid_format',
  413: 'limit_exceeded',
  429: 'rate_limited',
};
