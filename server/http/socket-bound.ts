import { readFileSync } from 'node:fs';
import type { SocketSettings } from '../config.ts';

/** Descriptors that are kept for files, the store and the process itself; a quarter of them where there are few. */
const RESERVE = 256;
/** The part of the sockets that connections of the chat plane may have. */
const CHAT_SHARE = 15 / 16;

/** How many sockets may be open. */
export interface SocketBound {
  /** TCP sockets in all. */
  readonly sockets: number;
  /** Those of them that may be connections of the chat plane: the rest is for plain HTTP, and for saying no. */
  readonly connections: number;
  /** `MAX_OPEN_SOCKETS` is more than the descriptors allow. */
  readonly isLowered: boolean;
}

/**
 * The bounds that follow from the settings and the process's limit of file descriptors (`Infinity`: none is known).
 * A setting that is larger than the descriptors allow is taken down to what they allow.
 */
export function socketBound(
  { maxOpenSockets, maxConnections }: Pick<SocketSettings, 'maxOpenSockets' | 'maxConnections'>,
  descriptors: number,
): SocketBound {
  const allowed = Math.max(descriptors - RESERVE, Math.floor(descriptors * 0.75));
  const wanted = maxOpenSockets ?? Number.POSITIVE_INFINITY;
  const sockets = Math.min(wanted, allowed);
  return {
    sockets,
    connections: Math.min(maxConnections, Math.max(1, Math.floor(sockets * CHAT_SHARE))),
    // 0 asks for no bound, and gets the largest that there is.
    isLowered: wanted !== Number.POSITIVE_INFINITY && sockets < wanted,
  };
}

/** How many file descriptors the process may have; `Infinity` where the system does not say. */
export function descriptorLimit(file = '/proc/self/limits'): number {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return Number.POSITIVE_INFINITY;
  }
  const soft = /^Max open files +(\d+)/m.exec(text)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}
