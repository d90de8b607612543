import type { WebsocketHandler } from '@fastify/websocket';

/** An open WebSocket, as the plugin hands it over. */
export type ChatSocket = Parameters<WebsocketHandler>[0];

/** What a message of it carries, by its `binaryType`. */
export type SocketData = Buffer | ArrayBuffer | Buffer[];

/** What a socket tells whoever it belongs to. */
export interface SocketOwner {
  onFrame(data: SocketData, isBinary: boolean): void;
  /** A ping or a pong. */
  onSign(): void;
  onClose(): void;
}

const OWNER = Symbol('owner');
type OwnedSocket = ChatSocket & { [OWNER]: SocketOwner };

/**
 * Tells `owner` of the socket from now on. The listeners are the same for all sockets, as those of `ws` itself are:
 * there are many sockets that do nothing, and listeners of their own would be as large as all their other state.
 */
export function own(socket: ChatSocket, owner: SocketOwner): void {
  (socket as OwnedSocket)[OWNER] = owner;
  socket.on('message', onMessage);
  socket.on('pong', onSign);
  socket.on('ping', onSign);
  socket.on('close', onClose);
}

function onMessage(this: ChatSocket, data: SocketData, isBinary: boolean): void {
  (this as OwnedSocket)[OWNER].onFrame(data, isBinary);
}

function onSign(this: ChatSocket): void {
  (this as OwnedSocket)[OWNER].onSign();
}

function onClose(this: ChatSocket): void {
  (this as OwnedSocket)[OWNER].onClose();
}

/** The bytes of a message in one piece. */
export function bytesOf(data: SocketData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}
