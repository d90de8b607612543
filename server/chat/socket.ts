import type { WebsocketHandler } from '@fastify/websocket';

/** An open WebSocket, as the plugin hands it over. */
export type ChatSocket = Parameters<WebsocketHandler>[0];

/** What a message of it carries, by its `binaryType`. */
export type SocketData = Buffer | ArrayBuffer | Buffer[];
