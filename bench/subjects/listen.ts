import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

/** What a bare subject does with a connection. */
export interface Peer {
  readonly session: string;
  send(text: string): void;
}

export interface Behaviour {
  /** A text frame of this peer. */
  readonly onText: (peer: Peer, text: string, room: ReadonlySet<Peer>) => void;
}

/** Bare `ws`: connections by the session that their path names, and nothing else. */
export function listen({ onText }: Behaviour): void {
  const rooms = new Map<string, Set<Peer>>();
  const server = createServer((_request, response) => response.end('ok'));
  const sockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });
  sockets.on('connection', (socket, request) => {
    const session = request.url ?? '/';
    const room = rooms.get(session) ?? new Set();
    rooms.set(session, room);
    const peer: Peer = { session, send: (text) => socket.send(text) };
    room.add(peer);
    socket.on('message', (data) => onText(peer, String(data), room));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      room.delete(peer);
      if (room.size === 0) rooms.delete(session);
    });
  });
  server.listen(Number(process.env.PORT), '127.0.0.1');
}

/** What a client of the bare subjects sends. */
export type BareMessage =
  | { readonly type: 'chat_message'; readonly id: string; readonly data: { readonly content: string } }
  /** "I am back, and this is the last that I saw." */
  | { readonly type: 'resume'; readonly position: string }
  /** Streams so many chunks into the session, one every so many ms. */
  | { readonly type: 'stream'; readonly chunks: number; readonly everyMs: number };

export function everyMs(ms: number, times: number, fn: (index: number) => void): void {
  let index = 0;
  const timer = setInterval(() => {
    fn(index++);
    if (index >= times) clearInterval(timer);
  }, ms);
}
