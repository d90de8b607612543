import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import { hostName, isLoopbackName } from '../config/hosts.ts';
import type { Log } from '../log.ts';
import { RefusalLog } from './refusal-log.ts';

/** Which pages may open sockets. */
export interface OriginRule {
  /** Origins, or `self` for this server under a name of loopback or of `publicHosts`. */
  readonly allowedOrigins: readonly string[];
  /** Names of this server, with a port where it is not that of the scheme. */
  readonly publicHosts: readonly string[];
}

/**
 * Whether a page of this origin may open a socket. Not a browser's page (no Origin): always. What the request names as
 * its host does not make an origin the server's own: whoever owns a name can lead it to this machine.
 */
export function originAllowed(
  { origin, host }: Pick<IncomingHttpHeaders, 'origin' | 'host'>,
  { allowedOrigins, publicHosts }: OriginRule,
): boolean {
  if (origin === undefined) return true;
  if (allowedOrigins.includes(origin)) return true;
  if (!allowedOrigins.includes('self')) return false;
  if (publicHosts.some((name) => isSameHost(origin, name))) return true;
  // Of loopback the port that counts is the one that the browser called, behind a forwarded port too.
  return host !== undefined && isLoopbackName(hostName(host) ?? '') && isSameHost(origin, host);
}

/** Answers whether a request's page may open a socket, and tells the operator of pages that may not. */
export function originGuard(
  rule: OriginRule,
  clock: Clock,
  log: Pick<Log, 'warn'>,
): (request: FastifyRequest) => boolean {
  const refusals = new RefusalLog('origin', clock, log);
  return ({ raw: { headers } }) => {
    if (originAllowed(headers, rule)) return true;
    refusals.refused(
      headers.origin,
      'a page may not open sockets; if it is yours, name its host in PUBLIC_HOSTS (when this server serves it) or its origin in ALLOWED_ORIGINS',
    );
    return false;
  };
}

/** Schemes are not compared: TLS may end before this server. */
function isSameHost(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: originHost } = new URL(origin);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  // Read under the origin's scheme, so that its default port is left out on both sides.
  const own = `${protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === originHost;
}
