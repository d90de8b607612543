import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether the address is one that only this machine reaches, IPv4 written as IPv6 included. */
export function isLoopback(address: undefined | string): boolean {
  const family = isIP(address ?? '');
  return address !== undefined && family !== 0 && loopback.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Whether the name of a host (without a port, IPv6 without brackets) is `localhost` or a loopback address. No other
 * name counts, wherever it leads: its owner may change that at any time.
 */
export function isLoopbackName(name: string): boolean {
  return name.toLowerCase() === 'localhost' || isLoopback(name);
}

/** A name or address (IPv6 in brackets), with or without a port: all that a browser puts into `Host`. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/**
 * The name or address of a host as in a `Host` header: in small letters, without its port and without brackets;
 * `undefined` when the text is not of that form.
 */
export function hostName(host: string): undefined | string {
  if (!HOST.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  return new URL(`http://${host}`).hostname.replace(/^\[(.*)\]$/, '$1');
}
