import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogEvent } from '../../protocol/chat/down.ts';
import { ManualClock } from '../clock.ts';
import { SystemRandom } from '../random.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import type { AppendRequest, Store } from '../store/store.ts';
import { refuse } from './decision.ts';
import { type CommandOutcome, LiveSession } from './live-session.ts';
import type { Command } from './plan.ts';

const POLICY = { briefMs: 30_000, mediumMs: 300_000, archiveMs: 0, attachTtlMs: 25_000 };
const clock = new ManualClock();
const random = new SystemRandom(clock);
let dataDir: string;
let store: Store;
let appends: AppendRequest[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'holdfast-live-'));
  const inner = await openSqliteStore({ dataDir }, { random });
  appends = [];
  // The real store, watched: how many appends there are is part of what is promised.
  store = new Proxy(inner, {
    get(target, key) {
      const member = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      if (key !== 'append') return member.bind(target);
      return (request: AppendRequest) => {
        appends.push(request);
        return target.append(request);
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
async function live(sessionId: string, nodeId = 'n1'): Promise<LiveSession> {
  const opened = await store.open({
    sessionId,
    scope: undefined,
    position: undefined,
    maxReplay: 0,
    historyPage: 0,
    partial: undefined,
    ignoreExpiry: true,
    attach: undefined,
    now: clock.now(),
  });
  if (opened.kind !== 'open') throw new Error(opened.kind);
  return new LiveSession(opened, {
    store,
    clock,
    random,
    nodeId,
    onAppended: () => {},
    onGone: () => {},
    onDuplicate: () => {},
    onConflict: () => {},
    onChunk: () => {},
  });
}

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

  test('a head that is behind, or of another log, ends the session here', async () => {
    const session = await live(await create());
    await session.execute(set('x', 1));
    const reasons: string[] = [];
    session.subscribe({ advanced: () => {}, gone: (reason) => reasons.push(reason) });
    await session.checkHead({ epoch: 'e2', seq: 1 });
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
