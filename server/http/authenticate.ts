import type { FastifyRequest } from 'fastify';
import type { Permission } from '../../protocol/chat/handshake.ts';
import type { KeyCheck } from '../auth/key-check.ts';
import { may, type Principal } from '../auth/principal.ts';
import { clientAddress } from './client-address.ts';
import { HttpProblem } from './problems.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once the request is authenticated. */
    principal: undefined | Principal;
  }
}

export interface AuthenticateDeps {
  /** Shared with the chat plane, as its counts of failed attempts are. */
  readonly keyCheck: KeyCheck;
}

/** The bearer token of a request. */
export function bearerOf(request: FastifyRequest): undefined | string {
  return /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
}

/**
 * Whose request it is. Throws the problem that answers it otherwise: 401 without a good key, 403 without the permission,
 * 429 for a key that is not good from an address that failed too often.
 */
export function authenticate(
  request: FastifyRequest,
  deps: AuthenticateDeps,
  permission: Permission,
): Principal {
  const key = bearerOf(request);
  if (key === undefined) throw unauthorized('invalid_key', 'Send Authorization: Bearer API_KEY', '');
  const answer = deps.keyCheck.try(key, clientAddress(request));
  if (answer.kind === 'throttled')
    throw new HttpProblem(429, { errorType: 'rate_limited', retryAfterMs: answer.retryAfterMs });
  if (answer.kind !== 'ok') {
    const why = ', error="invalid_token"';
    if (answer.kind === 'expired') throw unauthorized('token_expired', 'Token expired', why);
    throw unauthorized('invalid_key', 'Invalid API key', why);
  }
  if (!may(answer.principal, permission))
    throw new HttpProblem(403, {
      errorType: 'forbidden',
      detail: `This key has no permission ${permission}`,
    });
  request.principal = answer.principal;
  return answer.principal;
}

/** The principal of a request whose route authenticates. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new Error('this route does not authenticate');
  return request.principal;
}

function unauthorized(errorType: 'invalid_key' | 'token_expired', detail: string, why: string): HttpProblem {
  const headers = { 'www-authenticate': `Bearer realm="holdfast"${why}` };
  return new HttpProblem(401, { errorType, detail, headers });
}
