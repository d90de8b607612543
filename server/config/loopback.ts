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
