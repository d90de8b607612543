import type { Socket } from 'node:net';

/**
 * Counts what comes in over the socket, before it is put together into messages, and calls `onOver` for each piece beyond
 * `limit` bytes. The returned function ends that: the frames of a piece are judged before it is counted, and once one of
 * them has ended the counting what came behind it in the same piece does not count.
 */
export function limitBytes(tcp: Socket, limit: number, onOver: () => void): () => void {
  let bytes = 0;
  let counting = true;
  const count = (piece: Buffer) => {
    bytes += piece.length;
    if (counting && bytes > limit) onOver();
  };
  tcp.on('data', count);
  return () => {
    counting = false;
    tcp.off('data', count);
  };
}
