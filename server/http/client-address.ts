import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** The ranges that `TRUST_PROXY` may name by a word. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** What is counted where no address is known: sockets that have none, after their peer has gone. */
const UNKNOWN = 'unknown';

/** The eight groups of an IPv6 address without a zone. */
function groupsOf(address: string): number[] {
  // A tail in dotted form stands for the last two groups.
  const hex = address.replace(/\d+\.\d+\.\d+\.\d+$/, (dotted) => {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = '', tail] = hex.split('::');
  const split = (text: undefined | string) => (text === undefined || text === '' ? [] : text.split(':'));
  const [first, last] = [split(head), split(tail)];
  const zeros = Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0');
  return [...first, ...zeros, ...last].map((group) => Number.parseInt(group, 16));
}

/**
 * The address that a text names, without what may stand around it: a port, brackets, a zone. IPv4 written as IPv6, with
 * dots or without, is IPv4. `undefined`: it names none. A socket whose peer has gone has none to tell.
 */
function plainAddress(text: undefined | string): undefined | string {
  if (text === undefined) return undefined;
  if (isIPv4(text)) return text;
  const trimmed = text.trim();
  const bare =
    /^\[([^\]]*)\](?::\d{1,5})?$/.exec(trimmed)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(trimmed)?.[1] ?? trimmed;
  const address = bare.split('%', 1)[0] ?? '';
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return undefined;
  const groups = groupsOf(address);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (!isMapped) return address;
  const [high = 0, low = 0] = groups.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/**
 * What limits count an address as: IPv4 as such, IPv6 by its network of 64 bits, all of which one customer has. However
 * it is written, with a port, brackets or a zone, it is the same. `undefined`: the text names no address.
 */
export function limitKey(text: undefined | string): undefined | string {
  const address = plainAddress(text);
  if (address === undefined || isIPv4(address)) return address;
  const network = groupsOf(address).slice(0, 4);
  return `${network.map((group) => group.toString(16)).join(':')}::/64`;
}

/** What limits count the peer of a socket as. */
export function peerKey(remoteAddress: undefined | string): string {
  return limitKey(remoteAddress) ?? UNKNOWN;
}

/** Says of which addresses `X-Forwarded-For` is believed, as fastify's `trustProxy` takes it. */
export function trustOf(
  proxies: false | readonly string[],
): false | ((address: undefined | string) => boolean) {
  if (proxies === false) return false;
  const trusted = new BlockList();
  for (const range of proxies.flatMap((item) => NAMED[item] ?? [item])) {
    const [address = '', prefix] = range.split('/');
    const plain = plainAddress(address) ?? address;
    const family = isIPv6(plain) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) trusted.addAddress(plain, family);
    else trusted.addSubnet(address, Number(prefix), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return (text) => {
    const address = plainAddress(text);
    return address !== undefined && trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  };
}

/**
 * Where the client is, as far as `TRUST_PROXY` allows to believe it; what limits count by. The same for plain requests
 * and upgrades. What names no address counts as the proxy that said it: nobody gets an allowance for each word he makes up.
 */
export function clientAddress(request: FastifyRequest): string {
  const key = limitKey(request.ip);
  if (key !== undefined) return key;
  for (const hop of request.ips?.toReversed() ?? []) {
    const proxy = limitKey(hop);
    if (proxy !== undefined) return proxy;
  }
  return peerKey(request.raw.socket.remoteAddress);
}
