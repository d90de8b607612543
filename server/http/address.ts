import { isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../config/hosts.ts';
import { hasLoopbackHost } from './host.ts';

/** Headers that only a proxy adds. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/**
 * Whether the caller itself sits on this machine. A proxy that does is not the caller: behind one, everybody would come
 * from loopback, trusted or not. Nor is a page from elsewhere whose name was led to this machine: it names that name.
 */
export function isLocalCaller(request: FastifyRequest): boolean {
  const { headers, socket } = request.raw;
  return (
    isLoopback(socket.remoteAddress) &&
    hasLoopbackHost(request) &&
    FORWARDED.every((name) => headers[name] === undefined)
  );
}

/**
 * Where the client is, as far as `TRUST_PROXY` allows to believe it; what limits count by. The same for plain requests
 * and upgrades.
 */
export function clientAddress(request: FastifyRequest): string {
  return limitKey(request.ip);
}

/** An address as limits count it: IPv4 as such, IPv6 by its network of 64 bits, all of which one customer has. */
export function limitKey(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  // With `::` the head may be short, and what it stands for begins with zeros, unless the tail reaches into the network.
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0');
  const network = [...groups, ...zeros, ...rest].slice(0, 4).map((group) => Number.parseInt(group, 16));
  return `${network.map((group) => group.toString(16)).join(':')}::/64`;
}
