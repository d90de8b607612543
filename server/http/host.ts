import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import { hostName, isLoopbackName } from '../config/hosts.ts';
import { HttpProblem } from './problems.ts';
import { RefusalLog } from './refusal-log.ts';

/**
 * Whether the request names this machine itself as its host: `localhost`, 127.0.0.0/8 or ::1, on any port. A browser
 * sends the name that its page was loaded from, whatever address that name leads to by now: this is what tells a page
 * from elsewhere, whose name was led to this machine, from one of this machine.
 */
export function hasLoopbackHost(request: FastifyRequest): boolean {
  const name = hostName(request.raw.headers.host ?? '');
  return name !== undefined && isLoopbackName(name);
}

/**
 * Answers only requests that name loopback or one of `publicHosts` as their host, the rest 421. For a server whose keys
 * everybody knows: a page from elsewhere whose name was led to this machine counts as the server's own in its browser,
 * and could use them.
 */
export function requireKnownHost(app: FastifyInstance, publicHosts: readonly string[], clock: Clock): void {
  const refusals = new RefusalLog('host', clock, app.log);
  const names = new Set(publicHosts.map(hostName));
  app.addHook('onRequest', async (request) => {
    const { host } = request.raw.headers;
    const name = hostName(host ?? '');
    if (name !== undefined && (isLoopbackName(name) || names.has(name))) return;
    refusals.refused(host, 'a request for a host that is not this one; if it is, name it in PUBLIC_HOSTS');
    throw new HttpProblem(421, { detail: 'This server is not known by that host name (PUBLIC_HOSTS)' });
  });
}
