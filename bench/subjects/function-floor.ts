// The second floor: bare `ws`, and the project's own Redis function instead of the plain call. What is left between it
// and the server is what the server itself does: identity, checks, decisions, limits, cursors.
import { Redis } from 'ioredis';
import { chunkArgs, decodeAppend, encodeAppend } from '../../server/store/redis/append-codec.ts';
import type { Reply } from '../../server/store/redis/calls.ts';
import { Keys } from '../../server/store/redis/keys.ts';
import { functionName } from '../../server/store/redis/library.ts';
import { decodeOpen, openArgs } from '../../server/store/redis/open-codec.ts';
import { openRedisStore } from '../../server/store/redis/open-redis-store.ts';
import { SystemClock } from '../../server/clock.ts';
import { SystemRandom } from '../../server/random.ts';
import type { OpenRequest, Store } from '../../server/store/store.ts';
import { type BareMessage, everyMs, listen, type Peer } from './listen.ts';

const NODE = 'bench';
const POLICY = { briefMs: 30_000, mediumMs: 300_000, archiveMs: 0, attachTtlMs: 600_000 };
const DIGEST = 'x'.repeat(27);
const SCOPE = { subject: 'bench', domain: 'personal', workspace: 'personal' };

const url = process.env.REDIS_URL ?? '';
const keys = new Keys('second:');
const redis = new Redis(url);
const clock = new SystemClock();
const random = new SystemRandom(clock);
// Makes the sessions and loads the functions; what is measured calls Redis itself.
const store: Store = await openRedisStore({ url, mode: 'single', keyPrefix: 'second:' }, { clock, random });

interface Session {
  readonly id: string;
  readonly epoch: string;
  seq: number;
}
const sessions = new Map<string, Promise<Session>>();

listen({
  onText: (peer, text, room) => {
    const message = JSON.parse(text) as BareMessage;
    switch (message.type) {
      case 'chat_message':
        return void append(peer, message, room);
      case 'resume':
        return void resume(peer, message.position);
      case 'stream':
        return void stream(peer.session, message, room);
    }
  },
});

async function append(
  peer: Peer,
  { id, data }: Extract<BareMessage, { type: 'chat_message' }>,
  room: ReadonlySet<Peer>,
): Promise<void> {
  const session = await sessionOf(peer.session);
  const expectedSeq = session.seq++;
  const tag = random.token(6);
  const seq = expectedSeq + 1;
  const frame = `{"type":"message_created","data":${JSON.stringify({ id, ...data })},"seq":${seq},"tag":"${tag}"}`;
  const call = encodeAppend(
    {
      sessionId: session.id,
      nodeId: NODE,
      now: clock.now(),
      epoch: session.epoch,
      expectedSeq,
      expectedTag: undefined,
      events: [{ json: frame, tag, role: 'user' }],
      cells: {},
      // The same arguments as the server's, so that Redis has the same to do.
      ids: [{ id, digest: DIGEST, seq }],
      annotations: [],
      dropChunks: undefined,
      lease: undefined,
      holdUntil: undefined,
      alarmAt: undefined,
      lastMessage: JSON.stringify({ role: 'user', text: data.content.slice(0, 200), ts: clock.now() }),
      titleIfNone: undefined,
    },
    keys,
  );
  const reply = await redis.fcall(call.fn, 1, call.keys[0], ...call.args);
  const { result } = decodeAppend(reply as Reply);
  if (result.kind !== 'applied') throw new Error(`an append was answered ${result.kind}`);
  for (const one of room) one.send(frame);
  peer.send(`{"type":"message_delivered","data":{"seq":${seq}},"reply_to":"${id}"}`);
}

async function resume(peer: Peer, position: string): Promise<void> {
  const { id, epoch } = await sessionOf(peer.session);
  const request: OpenRequest = {
    sessionId: id,
    scope: SCOPE,
    position: { epoch, seq: Number(position) },
    maxReplay: 1000,
    historyPage: 50,
    maxBytes: 1_048_576,
    partial: undefined,
    ignoreExpiry: false,
    attach: { nodeId: NODE, connectionId: random.token(12), policy: POLICY },
    now: clock.now(),
  };
  const reply = await redis.fcall(functionName('open'), 1, keys.session(id), ...openArgs(request));
  const opened = decodeOpen(request, reply as Reply);
  if (opened.kind !== 'open' || opened.content.mode !== 'replay')
    throw new Error(`a restore was answered ${opened.kind}`);
  for (const frame of opened.content.events) peer.send(frame);
}

/** Streams as an executor does that holds the session's lease. */
async function stream(
  name: string,
  { chunks, everyMs: pace }: Extract<BareMessage, { type: 'stream' }>,
  room: ReadonlySet<Peer>,
): Promise<void> {
  const session = await sessionOf(name);
  const fence = { runId: random.id(), attempt: 1, owner: NODE };
  const messageId = random.id();
  const expectedSeq = session.seq++;
  const tag = random.token(6);
  await store.append({
    sessionId: session.id,
    nodeId: NODE,
    now: clock.now(),
    epoch: session.epoch,
    expectedSeq,
    expectedTag: undefined,
    events: [
      {
        json: `{"type":"run_started","data":{},"seq":${expectedSeq + 1},"tag":"${tag}"}`,
        tag,
        role: undefined,
      },
    ],
    cells: {},
    ids: [],
    annotations: [],
    dropChunks: undefined,
    lease: { set: { ...fence, until: clock.now() + 600_000 } },
    holdUntil: undefined,
    alarmAt: undefined,
    lastMessage: undefined,
    titleIfNone: undefined,
  });
  everyMs(pace, chunks, (index) => void chunk(index));

  async function chunk(index: number): Promise<void> {
    const json = `{"index":${index},"part":0,"kind":"text","delta":" ${index + 1}"}`;
    const args = chunkArgs({
      sessionId: session.id,
      nodeId: NODE,
      fence,
      messageId,
      messageAttempt: 1,
      index,
      json,
    });
    const reply = await redis.fcall(functionName('chunk'), 1, keys.session(session.id), ...args);
    if (reply !== 'applied') throw new Error(`a chunk was answered ${String(reply)}`);
    const frame = `{"type":"message_delta","data":{"message_id":"${messageId}","attempt":1,${json.slice(1)}}`;
    for (const one of room) one.send(frame);
  }
}

function sessionOf(name: string): Promise<Session> {
  const known = sessions.get(name);
  if (known !== undefined) return known;
  const made = create();
  sessions.set(name, made);
  return made;
}

async function create(): Promise<Session> {
  const result = await store.create({
    sessionId: random.id(),
    epoch: random.token(9),
    ...SCOPE,
    title: undefined,
    previousId: undefined,
    policy: POLICY,
    maxSessions: 0,
    attach: { nodeId: NODE, connectionId: random.token(12) },
    alarmAt: undefined,
    now: clock.now(),
  });
  if (result.kind !== 'created') throw new Error(`a session was answered ${result.kind}`);
  return { id: result.info.sessionId, epoch: result.info.epoch, seq: 0 };
}
