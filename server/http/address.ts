import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether the address is one of this machine's own, IPv4 written as IPv6 included. */
export function isLoopback(address: undefined | string): boolean {
  return address !== undefined && loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Headers that only a proxy adds. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/** What a program on this machine calls it; the port does not matter. */
const LOCAL_HOST = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * Whether the caller itself sits on this machine. A proxy that does is not the caller: behind one, everybody would come
 * from loopback, trusted or not. Nor is a page whose name was made to point here: it asks for a host of that name. A proxy
 * that leaves no trace at all cannot be told from a caller.
 */
export function isLocalCaller(request: FastifyRequest): boolean {
  const { headers, socket } = request.raw;
  if (!isLoopback(socket.remoteAddress) || !LOCAL_HOST.test(headers.host ?? '')) return false;
  return FORWARDED.every((name) => headers[name] === undefined);
}

/**
 * Whether a page of this origin may open a socket. Not a browser's page (no Origin): always.
 * @param allowed origins, or `self` for the one that serves this server
 */
export function originAllowed(headers: IncomingHttpHeaders, allowed: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return true;
  if (allowed.includes(origin)) return true;
  return allowed.includes('self') && host !== undefined && isSameHost(origin, host);
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
