import { afterEach, beforeEach, expect, test } from 'vitest';
import { POLICY, type RunNode, RunWorld } from '../../test-helpers/run-node.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { ManualClock } from '../clock.ts';
import type { Target } from './attach.ts';

let store: Awaited<ReturnType<typeof openTestStore>>;
let world: RunWorld;
let node: RunNode;
beforeEach(async () => {
  store = await openTestStore();
  world = new RunWorld(store, new ManualClock());
  node = await world.node(undefined, { sweeps: false });
});
afterEach(async () => {
  world.end();
  await store[Symbol.asyncDispose]();
});

function connect(target: Target) {
  return node.hub.connect({
    target,
    scope: { subject: 's', domain: 'd', workspace: 'w' },
    connectionId: node.random.id(),
    policy: POLICY,
    position: undefined,
    partial: undefined,
    maxBytes: 1_048_576,
  });
}

const tokenOf = (sessionId: string): Target => ({
  kind: 'token',
  sessionId,
  storeId: store.storeId,
  connectionId: 'former',
});

test('SES-20 a device that was away for hundreds of successors still joins the newest one', async () => {
  const ids = await Promise.all(Array.from({ length: 400 }, () => world.session()));
  const [first = ''] = ids;
  const now = world.clock.now();
  for (const [i, sessionId] of ids.entries()) {
    const successorId = ids[i + 1];
    if (successorId === undefined) break;
    await store.expire({ sessionId, successorId, archiveUntil: now + 1e9, force: true, now });
  }
  for (const target of [tokenOf(first), { kind: 'id', sessionId: first } as const])
    expect(await connect(target)).toMatchObject({
      live: { id: ids.at(-1) },
      attached: { outcome: 'expired', previousSessionId: first },
    });
});

test('SES-26 all tokens of a session of which nothing is left lead to one session, and to its successor later', async () => {
  const gone = await world.session();
  await store.erase(gone);
  const first = await connect(tokenOf(gone));
  const again = await Promise.all([connect(tokenOf(gone)), connect(tokenOf(gone))]);
  if (!('live' in first)) throw new Error('not connected');
  expect(first.live.id).not.toBe(gone);
  expect(first.attached).toMatchObject({ outcome: 'expired', previousSessionId: gone });
  for (const other of again)
    expect(other).toMatchObject({
      live: { id: first.live.id },
      attached: { outcome: 'expired', previousSessionId: gone },
    });
  const now = world.clock.now();
  const ending = { sessionId: first.live.id, archiveUntil: now + 1e9, force: true, now };
  await store.expire({ ...ending, successorId: 'the-next-one' });
  expect(await connect(tokenOf(gone))).toMatchObject({ live: { id: 'the-next-one' } });
});

test('SES-24 a session that cannot be brought to an end is a store to be asked again, not one that is not there', async () => {
  const id = await world.session();
  await world.clock.advance(POLICY.mediumMs + 1);
  // Somebody always comes first, and nothing comes of it.
  node.lifeline.lie('expire', async () => ({ kind: 'alive' }));
  await expect(connect(tokenOf(id))).rejects.toMatchObject({ name: 'StoreUnavailable' });
  expect(node.lifeline.calls).toBeLessThan(200);
});
