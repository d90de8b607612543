import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { isLoopbackName } from '../config/loopback.ts';

/** A name or address (IPv6 in brackets), with or without a port: all that a browser puts into `Host`. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/**
 * The name or address in a `Host` header, in small letters, without its port and brackets; `undefined` when there is
 * none or it is not of that form. A browser sends the name that its page was loaded from, whatever address that name
 * leads to by now: this is what tells a rebound page from one of this machine.
 */
export function hostNameOf({ host }: Pick<IncomingHttpHeaders, 'host'>): undefined | string {
  if (host === undefined || !HOST.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  return new URL(`http://${host}`).hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Whether the request names this machine itself as its host: `localhost`, 127.0.0.0/8 or ::1, on any port. */
export function hasLoopbackHost(request: FastifyRequest): boolean {
  const name = hostNameOf(request.raw.headers);
  return name !== undefined && isLoopbackName(name);
}
