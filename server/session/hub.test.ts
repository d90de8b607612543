import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openLive } from '../../test-helpers/open-live.ts';
import { POLICY, type RunNode, RunWorld } from '../../test-helpers/run-node.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { ManualClock } from '../clock.ts';
import type { NodeRecord, Store } from '../store/store.ts';

// What reaches a node while it opens a session: by hand, because a real store is too quick for it.

let inner: Awaited<ReturnType<typeof openTestStore>>;
let world: RunWorld;
let node: RunNode;
/** Other nodes tell this node something. */
let tell: (record: NodeRecord) => void;
/** While it is set, the answers of opens wait for it. */
let gate: undefined | Promise<void>;
beforeEach(async () => {
  inner = await openTestStore();
  gate = undefined;
  const store: Store = new Proxy(inner, {
    get(target, key) {
      const member = Reflect.get(target, key);
      if (key === 'subscribe')
        return async (_: string, handler: typeof tell) => {
          tell = handler;
        };
      if (key === 'open')
        return async (request: Parameters<Store['open']>[0]) => {
          const answer = await target.open(request);
          await gate;
          return answer;
        };
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  world = new RunWorld(store, new ManualClock());
  node = await world.node(undefined, { sweeps: false });
});
afterEach(async () => {
  world.end();
  await inner[Symbol.asyncDispose]();
});

async function attach(sessionId: string, connectionId: string) {
  const attached = await node.hub.connect({
    target: { kind: 'id', sessionId },
    scope: { subject: 's', domain: 'd', workspace: 'w' },
    connectionId,
    policy: POLICY,
    position: undefined,
    partial: undefined,
    maxBytes: 1_048_576,
  });
  if (!('detach' in attached)) throw new Error(attached.kind);
  return attached;
}

/** Another node appends, and tells. */
async function appendElsewhere(sessionId: string): Promise<void> {
  const deps = { store: inner, clock: world.clock, random: node.random, nodeId: 'other' };
  const live = await openLive(sessionId, deps);
  const { seq } = live.head;
  const data = { memory: { at: seq } };
  await live.execute({
    decide: () => ({ kind: 'append', events: [{ type: 'context_updated', data }], acknowledge: 0 }),
    id: undefined,
    needsPartial: false,
  });
  const events = live.framesAfter(seq) ?? [];
  tell({ kind: 'events', sessionId, epoch: live.epoch, fromSeq: seq + 1, events });
}

test.each([
  ['and nobody is there', false],
  ['and the last one leaves', true],
])('DEL-2 what is told while a session is opened, %s, is not missed', async (_, isSomebodyThere) => {
  const id = await world.session();
  const first = isSomebodyThere ? await attach(id, 'first') : undefined;
  const opened = Promise.withResolvers<void>();
  gate = opened.promise;
  const second = attach(id, 'second');
  await vi.waitFor(async () =>
    expect((await inner.info(id))?.attachments.length).toBe(first === undefined ? 1 : 2),
  );
  await appendElsewhere(id);
  await first?.detach();
  opened.resolve();
  const { live } = await second;
  await vi.waitFor(() => expect(live.head.seq).toBe(1));
});
