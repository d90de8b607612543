import { readFileSync } from 'node:fs';
import type { SocketSettings } from '../config.ts';

/** Descriptors that are kept for files, the store and the process itself; a quarter of them where there are few. */
const RESERVE = 256;

/** How many sockets may be open. */
export interface SocketBound {
  /** TCP sockets in all. */
  readonly sockets: number;
  /** Those of them that may be connections of the chat plane: the rest is for plain HTTP, and for saying no. */
  readonly connections: number;
  /** A line for each setting that promises more than the process can hold. */
  readonly warnings: readonly string[];
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
  const sockets = Math.min(maxOpenSockets ?? Number.POSITIVE_INFINITY, allowed);
  const warnings: string[] = [];
  // 0 asks for no bound, and gets the largest that there is.
  if (maxOpenSockets !== undefined && maxOpenSockets !== Number.POSITIVE_INFINITY && maxOpenSockets > allowed)
    warnings.push(
      `MAX_OPEN_SOCKETS is more than the limit of ${descriptors} file descriptors allows: it is ${sockets}`,
    );
  const room = Number.isFinite(sockets) ? Math.max(1, Math.floor((sockets * 15) / 16)) : sockets;
  const connections = Math.min(maxConnections, room);
  if (Number.isFinite(maxConnections) && connections < maxConnections)
    warnings.push(
      `MAX_CONNECTIONS is more than ${sockets} open sockets allow: it is ${connections} (raise the limit of file descriptors, ulimit -n, or MAX_OPEN_SOCKETS)`,
    );
  return { sockets, connections, warnings };
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
