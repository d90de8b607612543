import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogEvent } from '../../protocol/chat/down.ts';
import { type RunNode, RunWorld } from '../../test-helpers/run-node.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { ManualClock } from '../clock.ts';
import { textOf } from '../session/live-partial.ts';
import type { Agent } from './agent-port.ts';
import { decideChatMessage } from './decide-chat.ts';
import { decideCancel } from './decide-run.ts';

// A node that ends a run knows of the answer in flight what it has heard. These tests let it know too little.

let store: Awaited<ReturnType<typeof openTestStore>>;
let world: RunWorld;
beforeEach(async () => {
  store = await openTestStore();
  world = new RunWorld(store, new ManualClock());
});
afterEach(async () => {
  world.end();
  await store[Symbol.asyncDispose]();
});

const RULES = { agent: true, maxQueuedRuns: 16, runLeaseMs: 10_000, runMaxMs: 0 };

/** Says one word once it is let, and is never done. */
function hesitant(): { readonly agent: Agent; readonly speak: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const run: Agent['run'] = async (ctx) => {
    await promise;
    const writer = await ctx.message();
    await writer.write('first words');
    await ctx.sleep(3_600_000);
  };
  return { agent: { id: 'hesitant', run }, speak: resolve };
}

/** A session whose run has stored its first chunk after `other` looked at it. */
async function chunkUnseen(other: RunNode, owner: RunNode, speak: () => void) {
  const id = await world.session();
  await owner.say(id, 'x');
  await world.untilLogged(id, 'run_started');
  const held = await other.hub.acquire(id);
  if (held === undefined) throw new Error('no session');
  speak();
  await world.until(async () => (await store.chunks(id, 0))?.count === 1);
  expect(held.live.partial).toBeNull();
  return { id, live: held.live };
}

const textsOf = (log: readonly LogEvent[]) =>
  log.flatMap((event) =>
    event.type === 'message_completed' ? [[textOf(event.data.message.parts), event.data.message.status]] : [],
  );

test('MSG-38 a cancel that has not heard of the first chunk keeps its text, and leaves no chunks behind', async () => {
  const { agent, speak } = hesitant();
  const [a, b] = [await world.node(agent), await world.node(undefined)];
  const { id, live } = await chunkUnseen(b, a, speak);
  const runId = live.state.run?.runId ?? '';
  await live.execute({ decide: decideCancel(runId), id: undefined, needsPartial: true });
  const log = await world.log(id);
  expect(textsOf(log)).toEqual([['first words', 'partial']]);
  expect(log.at(-1)?.type).toBe('run_finished');
  expect(await store.chunks(id, 0)).toBeUndefined();
});

test('MSG-35 so does an interrupt', async () => {
  const { agent, speak } = hesitant();
  const [a, b] = [await world.node(agent), await world.node(undefined)];
  const { id, live } = await chunkUnseen(b, a, speak);
  const decide = decideChatMessage('the-next-1', { content: 'y', on_busy: 'interrupt' }, RULES);
  await live.execute({ decide, id: { id: 'the-next-1', digest: '' }, needsPartial: true });
  expect(textsOf(await world.log(id))).toEqual([['first words', 'partial']]);
  expect(await store.chunks(id, 0)).toBeUndefined();
});
