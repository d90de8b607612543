// The floor: bare `ws`, and one plain Redis call for each message, restore and chunk. No identity, no order between
// nodes, no duplicates found, no limits: what the same traffic costs when nothing is promised.
import { Redis } from 'ioredis';
import { type BareMessage, everyMs, listen, type Peer } from './listen.ts';

const redis = new Redis(process.env.REDIS_URL ?? '');

listen({
  onText: (peer, text, room) => {
    const message = JSON.parse(text) as BareMessage;
    switch (message.type) {
      case 'chat_message':
        return void append(peer, message, room);
      case 'resume':
        return void resume(peer, message.position);
      case 'stream':
        return everyMs(message.everyMs, message.chunks, (index) => void chunk(peer.session, index, room));
    }
  },
});

async function append(
  peer: Peer,
  { id, data }: Extract<BareMessage, { type: 'chat_message' }>,
  room: ReadonlySet<Peer>,
): Promise<void> {
  const record = `{"type":"message_created","data":${JSON.stringify({ id, ...data })}`;
  const seq = await redis.xadd(`floor:${peer.session}`, '*', 'e', record);
  const frame = `${record},"seq":"${seq}"}`;
  for (const one of room) one.send(frame);
  peer.send(`{"type":"message_delivered","data":{"seq":"${seq}"},"reply_to":"${id}"}`);
}

async function resume(peer: Peer, position: string): Promise<void> {
  const missed = await redis.xrange(`floor:${peer.session}`, `(${position}`, '+');
  for (const [seq, [, record]] of missed) peer.send(`${record},"seq":"${seq}"}`);
}

async function chunk(session: string, index: number, room: ReadonlySet<Peer>): Promise<void> {
  const delta = `{"index":${index},"part":0,"kind":"text","delta":" ${index + 1}"}`;
  await redis.rpush(`floor:${session}:chunks`, delta);
  const frame = `{"type":"message_delta","data":${delta}}`;
  for (const one of room) one.send(frame);
}
