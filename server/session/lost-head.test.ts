import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogEvent } from '../../protocol/chat/down.ts';
import { POLICY, type RunNode, RunWorld } from '../../test-helpers/run-node.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { ManualClock } from '../clock.ts';
import type { Store } from '../store/store.ts';
import type { GoneReason } from './gone.ts';
import type { Attachment } from './hub.ts';
import { readLog } from '../../test-helpers/store-contract/fixtures.ts';

// What a node makes of a store that has not what the node knows: whether the people come back depends on it.

let inner: Awaited<ReturnType<typeof openTestStore>>;
let storeId: string;
let world: RunWorld;
beforeEach(async () => {
  inner = await openTestStore();
  storeId = inner.storeId;
  // A store whose data is lost is another one from then on.
  const store: Store = new Proxy(inner, {
    get(target, key) {
      if (key === 'storeId') return storeId;
      const member = Reflect.get(target, key);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  world = new RunWorld(store, new ManualClock());
});
afterEach(async () => {
  world.end();
  await inner[Symbol.asyncDispose]();
});

/** A node with a connection of the session, which has two events; and why the connection was told to go. */
async function connected(): Promise<{ node: RunNode; id: string; person: Attachment; gone: GoneReason[] }> {
  const node = await world.node(undefined, { sweeps: false });
  const id = await world.session();
  const person = await node.hub.connect({
    target: { kind: 'id', sessionId: id },
    scope: { subject: 's', domain: 'd', workspace: 'w' },
    connectionId: 'con',
    policy: POLICY,
    position: undefined,
    partial: undefined,
    maxBytes: 1_048_576,
  });
  if (!('detach' in person)) throw new Error(person.kind);
  const gone: GoneReason[] = [];
  person.live.subscribe({ advanced: () => {}, gone: (reason) => gone.push(reason) });
  for (const value of ['one', 'two']) await set(person, value);
  return { node, id, person, gone };
}

const set = ({ live }: Attachment, value: string) =>
  live.execute({
    decide: () => ({
      kind: 'append',
      events: [{ type: 'context_updated', data: { memory: { value } } }],
      acknowledge: 0,
    }),
    id: undefined,
    needsPartial: false,
  });

const expire = (sessionId: string) =>
  inner.expire({
    sessionId,
    successorId: 'next',
    archiveUntil: world.clock.now() + 1e6,
    force: true,
    now: world.clock.now(),
  });

test('SES-23 a session that was erased without a word is found so by the next beat', async () => {
  const { node, id, gone } = await connected();
  await inner.erase(id);
  await node.hub.beat();
  expect(gone).toEqual(['erased']);
});

test('SES-20 one that another node let expire sends its people to the successor: by the next beat', async () => {
  const { node, id, gone } = await connected();
  await expire(id);
  await node.hub.beat();
  expect(gone).toEqual(['expired']);
});

test('SES-20 or by the next message', async () => {
  const { id, person, gone } = await connected();
  await expire(id);
  await expect(set(person, 'three')).rejects.toMatchObject({ name: 'SessionGone', reason: 'expired' });
  expect(gone).toEqual(['expired']);
});

test('RES-3 a store that lost everything sends its people back, not away', async () => {
  const { node, id, gone } = await connected();
  await inner.erase(id);
  storeId = 'another';
  await node.hub.beat();
  expect(gone).toEqual(['rewritten']);
});

test('RES-2 a head behind what this node knows, or another event there: the end of the log was lost', async () => {
  for (const head of [
    { epoch: 'e1', seq: 1, tag: 'x' },
    { epoch: 'e1', seq: 2, tag: 'x' },
  ]) {
    const { node, gone } = await connected();
    node.lifeline.lie('touch', async () => [head]);
    await node.hub.beat();
    expect(gone).toEqual(['rewritten']);
  }
});

test('RES-2 a log that was cut and written on shows another event where this node knows one', async () => {
  const { node, id, gone } = await connected();
  const [first] = await readLog(inner, id, 1, 1);
  const forked = (seq: number) =>
    JSON.stringify({ ...(JSON.parse(first ?? '') as LogEvent), seq, tag: `fork-${seq}` });
  node.lifeline.lie('touch', async () => [{ epoch: 'e1', seq: 3, tag: 'fork-3' }]);
  node.lifeline.lie('read', async () => ({ events: [forked(2), forked(3)], hasMore: false }));
  await node.hub.beat();
  expect(gone).toEqual(['rewritten']);
});

test('DEL-2 a head that was told before this node went on is no reason to end', async () => {
  const { node, person, gone } = await connected();
  const { seq, tag } = person.live.head;
  node.lifeline.lie('touch', async () => {
    await set(person, 'three');
    return [{ epoch: 'e1', seq, tag }];
  });
  await node.hub.beat();
  expect(gone).toEqual([]);
  expect(person.live.head.seq).toBe(3);
});
