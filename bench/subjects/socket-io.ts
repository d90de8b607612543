// Socket.IO as its documentation sets it up for recovery: connection state recovery on the Redis Streams adapter.
import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { everyMs } from './listen.ts';

const redis = new Redis(process.env.REDIS_URL ?? '');
const server = createServer((_request, response) => response.end('ok'));
const io = new Server(server, {
  transports: ['websocket'],
  // The deepest case stores 100 000 events and the adapter's stream keeps 10 000 of all rooms unless it is told otherwise.
  adapter: createAdapter(redis, { maxLen: 1_000_000 }),
  connectionStateRecovery: { maxDisconnectionDuration: 300_000, skipMiddlewares: true },
});

io.on('connection', (socket) => {
  const room = String(socket.handshake.auth.session ?? '');
  if (!socket.recovered) void socket.join(room);
  // Acknowledged before it is stored: the adapter gives no other way.
  socket.on('m', (data: object, acknowledge: () => void) => {
    io.to(room).emit('m', data);
    acknowledge();
  });
  socket.on('s', ({ chunks, pace }: { chunks: number; pace: number }) => {
    everyMs(pace, chunks, (index) => {
      io.to(room).emit('c', { index, part: 0, kind: 'text', delta: ` ${index + 1}` });
    });
  });
});
server.listen(Number(process.env.PORT), '127.0.0.1');
