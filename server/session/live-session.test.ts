import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LogEvent, NewEvent } from '../../protocol/chat/down.ts';
import { openLive } from '../../test-helpers/open-live.ts';
import { ManualClock } from '../clock.ts';
import { SystemRandom } from '../random.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import {
  type AppendRequest,
  type ChunkBuffer,
  type LogPage,
  type Store,
  StoreUnavailable,
} from '../store/store.ts';
import { refuse } from './decision.ts';
import type { CommandOutcome } from './append-queue.ts';
import type { LiveSession } from './live-session.ts';
import type { Command } from './plan.ts';

const POLICY = { briefMs: 30_000, mediumMs: 300_000, archiveMs: 0, attachTtlMs: 25_000 };
const clock = new ManualClock();
const random = new SystemRandom(clock);
let dataDir: string;
let store: Store;
let appends: AppendRequest[];
/** What the store answers about the log instead of the truth. */
let readInstead: undefined | (() => Promise<LogPage>);
/** Looking up ids fails. */
let isLookupAway: boolean;
/** What happens between an append of the second node and its answer. */
let beforeAnswer: undefined | (() => Promise<void>);
/** What the store answers about the chunk buffer instead of the truth. */
let chunks: undefined | (() => Promise<undefined | ChunkBuffer>);

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'holdfast-live-'));
  const inner = await openSqliteStore({ dataDir }, { random });
  appends = [];
  chunks = undefined;
  beforeAnswer = undefined;
  isLookupAway = false;
  readInstead = undefined;
  // The real store, watched: how many appends there are is part of what is promised.
  store = new Proxy(inner, {
    get(target, key) {
      const member = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      if (key === 'chunks' && chunks !== undefined) return chunks;
      if (key === 'read' && readInstead !== undefined) return readInstead;
      if (key === 'lookupIds' && isLookupAway) return () => Promise.reject(new StoreUnavailable('away'));
      if (key !== 'append') return member.bind(target);
      return async (request: AppendRequest) => {
        appends.push(request);
        const answer = await target.append(request);
        if (request.nodeId === 'n2') await beforeAnswer?.();
        return answer;
      };
    },
  });
});

afterEach(async () => {
  await store.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function create(): Promise<string> {
  const sessionId = random.id();
  await store.create({
    sessionId,
    epoch: 'e1',
    subject: 's',
    domain: 'd',
    workspace: 'w',
    title: undefined,
    previousId: undefined,
    policy: POLICY,
    maxSessions: 0,
    attach: undefined,
    alarmAt: undefined,
    now: clock.now(),
  });
  return sessionId;
}

/** The session as one node has it. */
const live = (sessionId: string, nodeId = 'n1') => openLive(sessionId, { store, clock, random, nodeId });

/** Sets a memory variable; with an id it is stored once. */
function set(key: string, value: number, id?: string, digest = 'd'): Command {
  return {
    decide: () => ({
      kind: 'append',
      events: [{ type: 'context_updated', data: { memory: { [key]: value } } }],
      acknowledge: 0,
    }),
    id: id === undefined ? undefined : { id, digest },
    needsPartial: false,
  };
}

const seqOf = (outcome: CommandOutcome) => (outcome.kind === 'applied' ? outcome.seq : outcome);

describe('appending', () => {
  test('DEL commands of one tick go into one append, in order', async () => {
    const session = await live(await create());
    const outcomes = await Promise.all([1, 2, 3].map((n) => session.execute(set('x', n))));
    expect(outcomes.map(seqOf)).toEqual([1, 2, 3]);
    expect(appends).toHaveLength(1);
    expect(session.state.memory).toEqual({ x: 3 });
  });

  test('what comes while an append is under way goes into the next one', async () => {
    const session = await live(await create());
    const first = session.execute(set('x', 1));
    await Promise.resolve();
    const rest = [2, 3, 4].map((n) => session.execute(set('x', n)));
    expect((await Promise.all([first, ...rest])).map(seqOf)).toEqual([1, 2, 3, 4]);
    expect(appends).toHaveLength(2);
  });

  test('watchers and subscribers hear every event once, in order', async () => {
    const session = await live(await create());
    const heard: LogEvent[] = [];
    session.watch((event) => heard.push(event));
    await Promise.all([1, 2, 3].map((n) => session.execute(set('x', n))));
    expect(heard.map((event) => event.seq)).toEqual([1, 2, 3]);
    expect(session.framesAfter(1)).toHaveLength(2);
  });

  test('MSG-17 a rule that throws fails its own command, and no other of the same append', async () => {
    const session = await live(await create());
    const bad: Command = {
      ...set('x', 0),
      decide: () => {
        throw new Error('a bug');
      },
    };
    const [one, two, three] = await Promise.allSettled(
      [set('x', 1), bad, set('x', 2)].map((c) => session.execute(c)),
    );
    expect(one).toMatchObject({ status: 'fulfilled', value: { kind: 'applied', seq: 1 } });
    expect(two).toMatchObject({ status: 'rejected', reason: { message: 'a bug' } });
    expect(three).toMatchObject({ status: 'fulfilled', value: { kind: 'applied', seq: 2 } });
  });

  test('FLO-7 the size of a log is told in bytes, as the store counts them', async () => {
    const id = await create();
    const session = await live(id);
    await session.execute(set('日本語', 1));
    const seen: number[] = [];
    const look: Command = {
      decide: (_, { logBytes }) => {
        seen.push(logBytes);
        return refuse('busy', 'no');
      },
      id: undefined,
      needsPartial: false,
    };
    await session.execute(look);
    expect(seen).toEqual([(await store.info(id))?.logBytes]);
  });

  test('a refused command stores nothing, and does not hold up the others', async () => {
    const session = await live(await create());
    const no: Command = { decide: () => refuse('busy', 'no'), id: undefined, needsPartial: false };
    const outcomes = await Promise.all([session.execute(no), session.execute(set('x', 1))]);
    expect(outcomes).toMatchObject([
      { kind: 'refused', errorType: 'busy' },
      { kind: 'applied', seq: 1 },
    ]);
  });
});

describe('ids', () => {
  test('DEL-10 what was stored is answered, also when the store goes away before it tells of the others', async () => {
    const session = await live(await create());
    const refused: Command = { ...set('x', 2, 'id-2'), decide: () => refuse('busy', 'no') };
    isLookupAway = true;
    const [one, two] = await Promise.allSettled([
      session.execute(set('x', 1, 'id-1')),
      session.execute(refused),
    ]);
    expect(one).toMatchObject({ status: 'fulfilled', value: { kind: 'applied', seq: 1 } });
    expect(two).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } });
  });

  test('the same id is stored once: in one tick, later, and from another node', async () => {
    const id = await create();
    const [one, two] = [await live(id), await live(id, 'n2')];
    const both = await Promise.all([one.execute(set('x', 1, 'id-1')), one.execute(set('x', 1, 'id-1'))]);
    expect(both).toMatchObject([
      { kind: 'applied', seq: 1 },
      { kind: 'duplicate', seq: 1 },
    ]);
    expect(await one.execute(set('x', 1, 'id-1'))).toEqual({ kind: 'duplicate', seq: 1 });
    expect(await two.execute(set('x', 1, 'id-1'))).toEqual({ kind: 'duplicate', seq: 1 });
    expect(two.head.seq).toBe(1);
  });

  test('the same id with another content is refused, and the rest of its append is stored', async () => {
    const session = await live(await create());
    await session.execute(set('x', 1, 'id-1'));
    const outcomes = await Promise.all([
      session.execute(set('x', 2, 'id-1', 'other')),
      session.execute(set('x', 3, 'id-2')),
    ]);
    expect(outcomes).toMatchObject([
      { kind: 'refused', errorType: 'id_conflict' },
      { kind: 'applied', seq: 2 },
    ]);
    expect(session.state.memory).toEqual({ x: 3 });
  });

  test('what was stored before it would be refused is a duplicate, not a refusal', async () => {
    const session = await live(await create());
    await session.execute(set('x', 1, 'id-1'));
    const refused: Command = { ...set('x', 1, 'id-1'), decide: () => refuse('busy', 'no') };
    expect(await session.execute(refused)).toEqual({ kind: 'duplicate', seq: 1 });
  });
});

describe('other nodes', () => {
  test('an append that another node was ahead of is decided again on what that one wrote', async () => {
    const id = await create();
    const [one, two] = [await live(id), await live(id, 'n2')];
    await one.execute(set('x', 1));
    const seen: unknown[] = [];
    const outcome = await two.execute({
      ...set('y', 1),
      decide: (state) => {
        seen.push(state.memory);
        return {
          kind: 'append',
          events: [{ type: 'context_updated', data: { memory: { y: 1 } } }],
          acknowledge: 0,
        };
      },
    });
    expect(seqOf(outcome)).toBe(2);
    expect(seen).toEqual([{}, { x: 1 }]);
    expect(two.state.memory).toEqual({ x: 1, y: 1 });
  });

  test('records may come twice, late or with a gap: every event is folded once, in order', async () => {
    const id = await create();
    const [one, two] = [await live(id), await live(id, 'n2')];
    const heard: number[] = [];
    two.watch((event) => heard.push(event.seq));
    for (const n of [1, 2, 3, 4]) await one.execute(set('x', n));
    const frames = one.framesAfter(0) ?? [];
    two.receiveEvents('e1', 1, frames.slice(0, 1));
    two.receiveEvents('e1', 1, frames.slice(0, 2));
    two.receiveEvents('e1', 4, frames.slice(3));
    await two.catchUp();
    two.receiveEvents('e1', 3, frames.slice(2));
    expect(heard).toEqual([1, 2, 3, 4]);
  });

  test('RES-2 a record of another event where one is known: the end of the log was lost, and written anew', async () => {
    const session = await live(await create());
    await session.execute(set('x', 1));
    await session.execute(set('x', 2));
    const [first = '', second = ''] = session.framesAfter(0) ?? [];
    const other = second.replace(/"tag":"[^"]*"/, '"tag":"another"');
    session.receiveEvents('e1', 1, [first, second]);
    expect(session.gone).toBeUndefined();
    session.receiveEvents('e1', 2, [other]);
    expect(session.gone).toBe('rewritten');
  });

  test('RES-2 nothing is appended to a log whose last event is another, though it is as long', async () => {
    const session = await live(await create());
    for (const n of [1, 2]) await session.execute(set('x', n));
    const file = new DatabaseSync(join(dataDir, 'holdfast.db'));
    file.exec("UPDATE event SET tag = 'another' WHERE seq = 2; UPDATE session SET tag = 'another'");
    file.close();
    await expect(session.execute(set('x', 3))).rejects.toMatchObject({ reason: 'rewritten' });
    expect(session.head.seq).toBe(2);
  });

  test('RES-2 one that cannot be compared any more makes this node look', async () => {
    const id = await create();
    const one = await live(id);
    await one.execute(set('x', 1));
    await one.execute(set('x', 2));
    const [first = '', second = ''] = one.framesAfter(0) ?? [];
    const [two, three] = [await live(id, 'n2'), await live(id, 'n2')];
    two.receiveEvents('e1', 1, [first]);
    await two.catchUp();
    expect(two.gone).toBeUndefined();
    readInstead = async () => ({
      events: [second.replace(/"tag":"[^"]*"/, '"tag":"another"')],
      hasMore: false,
    });
    three.receiveEvents('e1', 1, [first]);
    await vi.waitFor(() => expect(three.gone).toBe('rewritten'));
  });

  test('DEL-2 a gap that shows while an earlier one is being closed is closed too', async () => {
    const id = await create();
    const [one, two] = [await live(id), await live(id, 'n2')];
    const reading = Promise.withResolvers<undefined | ChunkBuffer>();
    chunks = () => reading.promise;
    for (const n of [1, 2]) await one.execute(set('x', n));
    two.receiveEvents('e1', 2, one.framesAfter(1) ?? []);
    await vi.waitFor(() => expect(two.head.seq).toBe(2));
    for (const n of [3, 4]) await one.execute(set('x', n));
    two.receiveEvents('e1', 4, one.framesAfter(3) ?? []);
    reading.resolve(undefined);
    await vi.waitFor(() => expect(two.head.seq).toBe(4));
  });

  test('DEL-2 a conflict that is told after this node has heard even more is only a conflict', async () => {
    const id = await create();
    const [one, two] = [await live(id), await live(id, 'n2')];
    await one.execute(set('x', 1));
    beforeAnswer = async () => {
      beforeAnswer = undefined;
      await one.execute(set('x', 2));
      two.receiveEvents('e1', 1, one.framesAfter(0) ?? []);
    };
    expect(await two.execute(set('y', 1))).toMatchObject({ kind: 'applied', seq: 3 });
    expect(two.state.memory).toEqual({ x: 2, y: 1 });
  });

  test('a head that is behind, or of another log, ends the session here', async () => {
    const session = await live(await create());
    await session.execute(set('x', 1));
    const reasons: string[] = [];
    session.subscribe({ advanced: () => {}, gone: (reason) => reasons.push(reason) });
    await session.checkHead({ epoch: 'e2', seq: 1, tag: session.head.tag }, session.head);
    expect(reasons).toEqual(['rewritten']);
    await expect(session.execute(set('x', 2))).rejects.toMatchObject({ name: 'SessionGone' });
  });

  test('an erased session says so to whoever waits', async () => {
    const id = await create();
    const session = await live(id);
    await store.erase(id);
    await expect(session.execute(set('x', 1))).rejects.toMatchObject({
      name: 'SessionGone',
      reason: 'erased',
    });
  });
});

describe('the answer in flight', () => {
  const run = { run_id: 'r1', message_id: 'm-user-1' };
  const message = (id: string) => ({
    id,
    seq: 0,
    role: 'assistant' as const,
    parts: [{ type: 'text' as const, text: 'words' }],
    status: 'completed' as const,
    run_id: 'r1',
    ts: '',
  });
  const completed = (id: string): NewEvent => ({ type: 'message_completed', data: { message: message(id) } });
  const finished: NewEvent = { type: 'run_finished', data: { ...run, attempt: 1, outcome: 'completed' } };
  const words = (index: number) => JSON.stringify({ index, part: 0, kind: 'text', delta: 'words' });
  const add = (session: LiveSession, ...events: NewEvent[]) =>
    session.execute({
      decide: () => ({ kind: 'append', events, acknowledge: 0 }),
      id: undefined,
      needsPartial: false,
    });

  /** A session whose run answers: the first chunk of `r1.m1` was heard. */
  async function answering(): Promise<LiveSession> {
    const session = await live(await create());
    await add(session, { type: 'run_queued', data: run });
    await add(session, { type: 'run_started', data: { ...run, attempt: 1 } });
    session.receiveChunk('r1.m1', 'r1', 1, 0, words(0));
    expect(session.partial?.count).toBe(1);
    return session;
  }

  test('DEL-33 a chunk that is heard after its message was completed is not shown', async () => {
    const session = await answering();
    await add(session, completed('r1.m1'));
    session.receiveChunk('r1.m1', 'r1', 1, 0, words(0));
    expect(session.partial).toBeNull();
    session.receiveChunk('r1.m2', 'r1', 1, 0, words(0));
    expect(session.partial?.messageId).toBe('r1.m2');
  });

  test('DEL-33 nor is one that is heard after its run has ended', async () => {
    const session = await answering();
    await add(session, finished);
    session.receiveChunk('r1.m1', 'r1', 1, 0, words(0));
    expect(session.partial).toBeNull();
  });

  test('DEL-34 nor is one of an attempt that was given up', async () => {
    const session = await answering();
    await add(session, { type: 'message_restarted', data: { message_id: 'r1.m1', attempt: 2 } });
    session.receiveChunk('r1.m1', 'r1', 1, 0, words(0));
    expect(session.partial).toBeNull();
    session.receiveChunk('r1.m1', 'r1', 2, 0, words(0));
    expect(session.partial?.attempt).toBe(2);
    session.receiveChunk('r1.m1', 'r1', 1, 0, words(0));
    expect(session.partial?.attempt).toBe(2);
  });

  test('DEL-33 chunks that were read before the message was completed, and come after it, are not shown', async () => {
    const session = await answering();
    const reading = Promise.withResolvers<undefined | ChunkBuffer>();
    chunks = () => reading.promise;
    // One before it is missing: the buffer is read.
    session.receiveChunk('r1.m1', 'r1', 1, 2, words(2));
    await add(session, completed('r1.m1'), finished);
    reading.resolve({
      messageId: 'r1.m1',
      runId: 'r1',
      attempt: 1,
      count: 3,
      fromIndex: 0,
      chunks: [words(0), words(1), words(2)],
    });
    await reading.promise;
    await Promise.resolve();
    expect(session.partial).toBeNull();
  });

  test('DEL-30 chunks of a run that is not heard of yet wait for its run_started', async () => {
    const session = await live(await create());
    await add(session, { type: 'run_queued', data: run });
    session.receiveChunk('r1.m1', 'r1', 1, 0, words(0));
    expect(session.partial).toBeNull();
    await add(session, { type: 'run_started', data: { ...run, attempt: 1 } });
    expect(session.partial?.count).toBe(1);
  });
});
