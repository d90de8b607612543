import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogEvent } from '../../protocol/chat/down.ts';
import { createSession, logOf } from '../../test-helpers/run-node.ts';
import { ManualClock } from '../clock.ts';
import { SystemRandom } from '../random.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import type { SessionInfo, Store } from '../store/store.ts';
import { repairer } from './repair.ts';

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

/** A session with so many messages of a person, and the events of these seqs lost. */
async function broken(count: number, lost: readonly number[]): Promise<{ id: string; info: SessionInfo }> {
  const id = await createSession(store, clock);
  for (let from = 0; from < count; from += 100) {
    const events = Array.from({ length: Math.min(100, count - from) }, (_, i) => message(from + i + 1));
    await store.append({
      ...{
        sessionId: id,
        nodeId: 'n1',
        now: clock.now(),
        epoch: 'e1',
        expectedSeq: from,
        expectedTag: undefined,
        cells: {},
      },
      ids: events.map(({ seq }) => ({ id: `message-${seq}`, digest: 'd', seq })),
      events: events.map((event) => ({ json: JSON.stringify(event), tag: event.tag, role: 'user' as const })),
      ...{
        annotations: [],
        dropChunks: undefined,
        lease: undefined,
        holdUntil: undefined,
        alarmAt: undefined,
      },
      ...{ lastMessage: undefined, titleIfNone: undefined },
    });
  }
  const file = new DatabaseSync(join(dataDir, 'holdfast.db'));
  for (const seq of lost) file.prepare('DELETE FROM event WHERE seq = ?').run(seq);
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
  const left = await store.read(id, 1, 2000);
  const listed: Store = new Proxy(store, {
    get(target, key) {
      const member = Reflect.get(target, key);
      if (key === 'read')
        return async (sessionId: string, fromSeq: number, limit: number) =>
          sessionId === id && (await target.info(id))?.epoch === 'e1'
            ? left.slice(fromSeq - 1, fromSeq - 1 + limit)
            : target.read(sessionId, fromSeq, limit);
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
