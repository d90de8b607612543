import type { FastifyRequest } from 'fastify';
import { hostName, isLoopbackName } from '../config/hosts.ts';

/**
 * Whether the request names this machine itself as its host: `localhost`, 127.0.0.0/8 or ::1, on any port. A browser
 * sends the name that its page was loaded from, whatever address that name leads to by now: this is what tells a page
 * from elsewhere, whose name was led to this machine, from one of this machine.
 */
export function hasLoopbackHost(request: FastifyRequest): boolean {
  const name = hostName(request.raw.headers.host ?? '');
  return name !== undefined && isLoopbackName(name);
}
