import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../config/hosts.ts';
import { hasLoopbackHost } from './host.ts';

/** Headers that only a proxy adds. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/**
 * Whether the caller itself sits on this machine. A proxy that does is not the caller: behind one, everybody would come
 * from loopback, trusted or not. Nor is a page from elsewhere whose name was led to this machine: it names that name. A
 * proxy that leaves no trace at all cannot be told from a caller.
 */
export function isLocalCaller(request: FastifyRequest): boolean {
  const { headers, socket } = request.raw;
  return (
    isLoopback(socket.remoteAddress) &&
    hasLoopbackHost(request) &&
    FORWARDED.every((name) => headers[name] === undefined)
  );
}
