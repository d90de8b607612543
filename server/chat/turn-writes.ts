import type { Socket } from 'node:net';

let held: Socket[] = [];

/**
 * Holds back what is written to the socket until this turn of the event loop is over, and then lets it go in one write.
 * A message's record and its acknowledgement come from the same turn, and a system call costs more than all the rest of
 * telling them.
 */
export function holdForTurn(tcp: Socket): void {
  if (tcp.writableCorked > 0) return;
  tcp.cork();
  if (held.push(tcp) === 1) process.nextTick(release);
}

function release(): void {
  const sockets = held;
  held = [];
  for (const tcp of sockets) tcp.uncork();
}
