import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LogEvent, NewEvent } from '../../protocol/chat/down.ts';
import { Lifeline } from '../../test-helpers/lifeline.ts';
import { createSession, logOf } from '../../test-helpers/run-node.ts';
import { ManualClock } from '../clock.ts';
import { SystemRandom } from '../random.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import type { LogPage, ReadRequest, SessionInfo, Store } from '../store/store.ts';
import { repairer } from './repair.ts';
import { readLog } from '../../test-helpers/store-contract/fixtures.ts';

const clock = new ManualClock();
const random = new SystemRandom(clock);
let dataDir: string;
let store: Store;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'holdfast-repair-'));
  store = await openSqliteStore({ dataDir, synchronous: 'normal' }, { random });
});
afterEach(async () => {
  await store.close();
  await rm(dataDir, { recursive: true });
});

/** A session with so many messages of a person and `rest` after them; the events of these seqs are lost. */
async function broken(
  count: number,
  lost: readonly number[],
  rest: readonly NewEvent[] = [],
): Promise<{ id: string; info: SessionInfo }> {
  const id = await createSession(store, clock);
  const events = [
    ...Array.from({ length: count }, (_, i) => message(i + 1)),
    ...rest.map((event, i) => ({ ...event, seq: count + i + 1, tag: `r${i}`, ts: '' }) as LogEvent),
  ];
  await store.append({
    sessionId: id,
    nodeId: 'n1',
    now: clock.now(),
    epoch: 'e1',
    expectedSeq: 0,
    expectedTag: undefined,
    events: events.map((event) => ({
      json: JSON.stringify(event),
      tag: event.tag,
      role: event.type === 'message_created' ? ('user' as const) : undefined,
    })),
    cells: {},
    ids: Array.from({ length: count }, (_, i) => ({ id: `message-${i + 1}`, digest: 'd', seq: i + 1 })),
    annotations: [],
    dropChunks: undefined,
    lease: undefined,
    holdUntil: undefined,
    alarmAt: undefined,
    lastMessage: undefined,
    titleIfNone: undefined,
  });
  const file = new DatabaseSync(join(dataDir, 'holdfast.db'));
  const forget = file.prepare(
    'DELETE FROM event WHERE seq = ? AND session = (SELECT n FROM session WHERE id = ?)',
  );
  for (const seq of lost) forget.run(seq, id);
  file.close();
  const info = await store.info(id);
  if (info === undefined) throw new Error('no session');
  return { id, info };
}

function message(seq: number): Extract<LogEvent, { type: 'message_created' }> {
  const ts = new Date(clock.now()).toISOString();
  const parts = [{ type: 'text' as const, text: `text ${seq}` }];
  const data = {
    message: { id: `message-${seq}`, seq, role: 'user' as const, parts, status: 'completed' as const, ts },
  };
  return { type: 'message_created', data, seq, tag: `t${seq}`, ts };
}

/** The messages that the log holds; fails when it has a gap. */
async function messagesOf(id: string): Promise<string[]> {
  const log = await logOf(store, id);
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, i) => i + 1));
  return log.flatMap((event) => (event.type === 'message_created' ? [event.data.message.id] : []));
}

const without = (count: number, lost: readonly number[]) =>
  Array.from({ length: count }, (_, i) => i + 1)
    .filter((seq) => !lost.includes(seq))
    .map((seq) => `message-${seq}`);

test('RES-4 what is left of a log keeps its order, under a new epoch and new places', async () => {
  const lost = [1, 2, 700];
  const { id, info } = await broken(1200, lost);
  await repairer({ store, clock, random, nodeId: 'n1' })(info);
  expect(await messagesOf(id)).toEqual(without(1200, lost));
  expect(await store.info(id)).toMatchObject({ seq: 1197, messageCounts: { user: 1197 }, subject: 's' });
  expect((await store.info(id))?.epoch).not.toBe('e1');
  // Sent again they are still known, whatever their content.
  expect(await store.lookupIds(id, ['message-3', 'message-1'])).toEqual([
    { id: 'message-3', digest: '*', seq: 1 },
  ]);
});

test('RES-4 a store that finds events by their place in a list, not by their seq, loses no more of them', async () => {
  const lost = [1, 2, 3];
  const { id, info } = await broken(1200, lost);
  // As Redis keeps a log: the list is shorter by what is lost.
  const left = await readLog(store, id, 1, 2000);
  const listed: Store = new Proxy(store, {
    get(target, key) {
      const member = Reflect.get(target, key);
      if (key === 'read')
        return async (request: ReadRequest): Promise<LogPage> => {
          if (request.sessionId !== id || (await target.info(id))?.epoch !== 'e1')
            return target.read(request);
          const events = left.slice(request.fromSeq - 1, request.fromSeq - 1 + request.limit);
          return { events, hasMore: request.fromSeq - 1 + events.length < left.length };
        };
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  await repairer({ store: listed, clock, random, nodeId: 'n1' })(info);
  expect(await messagesOf(id)).toEqual(without(1200, lost));
});

test('RES-4 several devices that find the fault at once lose nothing', async () => {
  const { id, info } = await broken(1200, [2]);
  const repair = repairer({ store, clock, random, nodeId: 'n1' });
  const all = [repair(info)];
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    all.push(repair(info));
  }
  await Promise.all(all);
  expect(await messagesOf(id)).toEqual(without(1200, [2]));
});

test('RES-4 a log that another process has repaired meanwhile is left alone', async () => {
  const { id, info } = await broken(30, [2]);
  await repairer({ store, clock, random, nodeId: 'n2' })(info);
  const { epoch } = (await store.info(id)) ?? {};
  await repairer({ store, clock, random, nodeId: 'n1' })(info);
  expect((await store.info(id))?.epoch).toBe(epoch);
  expect(await messagesOf(id)).toEqual(without(30, [2]));
});

test('RES-4 a process that dies while it repairs a log loses none of it', async () => {
  for (const reaches of [false, true])
    for (let call = 1; call <= 3; call++) {
      const { id, info } = await broken(30, [2]);
      const dying = new Lifeline(store);
      dying.dieAt(call, reaches);
      // Never done: it dies.
      void repairer({ store: dying.store, clock, random, nodeId: 'n1' })(info);
      await vi.waitFor(() => expect([dying.isDead, dying.inFlight]).toEqual([true, 0]));
      await repairer({ store, clock, random, nodeId: 'n2' })(info);
      expect(await messagesOf(id)).toEqual(without(30, [2]));
    }
});

test('RES-15 history still shows what runs came to', async () => {
  const run = { run_id: 'r1', message_id: 'message-3' };
  const { id, info } = await broken(
    3,
    [1],
    [
      { type: 'run_queued', data: run },
      { type: 'run_finished', data: { ...run, attempt: 0, outcome: 'canceled' } },
    ],
  );
  await repairer({ store, clock, random, nodeId: 'n1' })(info);
  const page = await store.history({
    sessionId: id,
    beforeSeq: undefined,
    limit: 10,
    maxBytes: 100_000,
    roles: undefined,
  });
  expect(page.items.map(({ annotation }) => annotation)).toEqual([
    undefined,
    '{"run_id":"r1","run_outcome":"canceled"}',
  ]);
});
