import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { NewEvent } from '../../protocol/chat/down.ts';
import { openLive } from '../../test-helpers/open-live.ts';
import { createSession } from '../../test-helpers/run-node.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { ManualClock } from '../clock.ts';
import { UnsentBudget } from '../flow/unsent-budget.ts';
import { SystemRandom } from '../random.ts';
import type { LiveSession } from '../session/live-session.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';
import { Outbound } from './outbound.ts';
import { readLog } from '../../test-helpers/store-contract/fixtures.ts';
import { PeerHold } from './peer-hold.ts';

// A connection's way out, over a real socket and a real store.

const clock = new ManualClock();
const random = new SystemRandom(clock);
let inner: Awaited<ReturnType<typeof openTestStore>>;
/** While it is set, no log is read. */
let isAway: boolean;
let store: Store;
/** What all lines of one test may have unsent together. */
let budget: UnsentBudget;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  inner = await openTestStore();
  isAway = false;
  budget = new UnsentBudget({ totalBytes: Infinity, subjectBytes: Infinity });
  store = new Proxy(inner, {
    get(target, key) {
      const member = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      return key === 'read' && isAway
        ? () => Promise.reject(new StoreUnavailable('it is away'))
        : member.bind(target);
    },
  });
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await inner[Symbol.asyncDispose]();
});

const live = (sessionId: string) => openLive(sessionId, { store, clock, random });

/** Both ends of a WebSocket: an `Outbound` at one, what arrives at the other. */
async function line(queueBytes = 1_048_576) {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(wss, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(wss.address() as AddressInfo).port}`);
  const [[socket]] = (await Promise.all([once(wss, 'connection'), once(client, 'open')])) as [
    [WebSocket],
    unknown,
  ];
  stops.push(async () => {
    client.terminate();
    socket.terminate();
    await new Promise((resolve) => wss.close(resolve));
  });
  const seen: { type: string; seq?: number }[] = [];
  client.on('message', (data) => seen.push(JSON.parse(String(data))));
  const gone: string[] = [];
  const errors: unknown[] = [];
  const { _socket: tcp } = socket as unknown as { _socket: Socket };
  const outbound = new Outbound({
    socket: socket as never,
    tcp,
    peer: new PeerHold(socket as never),
    queueBytes,
    openShare: () => budget.share('ada'),
    onQueue: () => {},
    onSent: () => {},
    onGone: (reason) => gone.push(reason),
    onError: (error) => errors.push(error),
  });
  /** Everything that was sent until now has arrived. */
  const settled = async () => {
    outbound.send('{"type":"end"}');
    await vi.waitFor(() => expect(seen.at(-1)?.type).toBe('end'));
    seen.pop();
  };
  return { outbound, client, socket, seen, gone, errors, settled };
}

const add = (session: LiveSession, ...events: NewEvent[]) =>
  session.execute({
    decide: () => ({ kind: 'append', events, acknowledge: 0 }),
    id: undefined,
    needsPartial: false,
  });
const patch = (value: string): NewEvent => ({ type: 'context_updated', data: { memory: { value } } });
const run = { run_id: 'r1', message_id: 'm-user-1' };
const RUNNING: NewEvent[] = [
  { type: 'run_queued', data: run },
  { type: 'run_started', data: { ...run, attempt: 1 } },
];
const chunk = (index: number) => JSON.stringify({ index, part: 0, kind: 'text', delta: 'words' });

test('DEL-33 what a node still holds of an answer is kept back while the client is ahead of the node', async () => {
  const session = await live(await createSession(store, clock));
  await add(session, ...RUNNING);
  session.receiveChunk('r1.m1', 'r1', 1, 0, chunk(0));
  const { outbound, seen, settled } = await line();
  // By its restore the client knows the two events that end the answer; this node has not heard of them yet.
  outbound.follow(session, { seq: 4, partial: undefined });
  await settled();
  expect(seen).toEqual([]);
  const message = {
    ...{ id: 'r1.m1', seq: 0, role: 'assistant' as const, parts: [], ts: '' },
    ...{ status: 'completed' as const, run_id: 'r1' },
  };
  await add(
    session,
    { type: 'message_completed', data: { message } },
    { type: 'run_finished', data: { ...run, attempt: 1, outcome: 'completed' } },
    patch('next'),
  );
  await settled();
  expect(seen.map(({ seq }) => seq)).toEqual([5]);
});

test('SES-23 a connection that comes to a session which has just ended is told so', async () => {
  const session = await live(await createSession(store, clock));
  session.end('erased');
  const { outbound, gone } = await line();
  outbound.follow(session, { seq: 0, partial: undefined });
  expect(gone).toEqual(['erased']);
});

test('FLO-12 a connection that is behind when the store goes away catches up once it is back', async () => {
  const id = await createSession(store, clock);
  await add(await live(id), patch('one'), patch('two'));
  const session = await live(id);
  isAway = true;
  const { outbound, seen, errors, settled } = await line();
  outbound.follow(session, { seq: 0, partial: undefined });
  await settled();
  expect(seen).toEqual([]);
  isAway = false;
  outbound.nudge();
  await vi.waitFor(() => expect(seen.map(({ seq }) => seq)).toEqual([1, 2]));
  expect(errors).toEqual([]);
});

test('FLO-3 a queue that is smaller than the socket’s own does not stop the log', async () => {
  const session = await live(await createSession(store, clock));
  const { outbound, seen } = await line(1024);
  outbound.follow(session, { seq: 0, partial: undefined });
  await add(session, ...Array.from({ length: 40 }, (_, i) => patch(String(i).repeat(100))));
  await vi.waitFor(() => expect(seen).toHaveLength(40));
});

test('FLO-3 what was missed and finds no room waits in the store, and what the peer asks waits behind it', async () => {
  const id = await createSession(store, clock);
  const writer = await live(id);
  for (let i = 0; i < 300; i++) await add(writer, patch(`${i}`.padEnd(50_000, '.')));
  const missed = await readLog(store, id, 1, 1000);
  const { outbound, client, socket, seen } = await line();
  client.pause();
  let isAtHead = false;
  outbound.follow(await live(id), { seq: 300, partial: undefined }, { afterSeq: 0, events: missed }, () => {
    isAtHead = true;
    outbound.send('{"type":"reply"}');
  });
  expect(socket.bufferedAmount).toBeLessThan(2 * 1_048_576);
  expect([isAtHead, outbound.peerHeld, socket.isPaused]).toEqual([false, true, true]);
  client.resume();
  await vi.waitFor(() => expect(seen).toHaveLength(301), { timeout: 10_000 });
  expect(seen.slice(0, 300).map(({ seq }) => seq)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  expect(seen[300]?.type).toBe('reply');
  expect([outbound.peerHeld, socket.isPaused]).toEqual([false, false]);
});

test('RES-14 where there is room for all that was missed the head is reached at once', async () => {
  const id = await createSession(store, clock);
  const session = await live(id);
  await add(session, patch('one'), patch('two'));
  const { outbound, seen, settled } = await line();
  const reached: number[] = [];
  const missed = { afterSeq: 0, events: await readLog(store, id, 1, 10) };
  outbound.follow(session, { seq: 2, partial: undefined }, missed, () => {
    reached.push(seen.length);
  });
  expect(reached).toEqual([0]);
  await settled();
  expect(seen.map(({ seq }) => seq)).toEqual([1, 2]);
});
