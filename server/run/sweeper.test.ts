import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogEvent } from '../../protocol/chat/down.ts';
import { POLICY, type RunNode, RunWorld } from '../../test-helpers/run-node.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { ManualClock } from '../clock.ts';
import type { Agent, RunContext } from './agent-port.ts';

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

const agent = (run: (ctx: RunContext) => Promise<void>): Agent => ({ id: 'test', run });
const types = (log: readonly LogEvent[]) => log.map((event) => event.type);
const asking = agent(async (ctx) => {
  const writer = await ctx.message();
  await writer.write('Tell me');
  await ctx.ask({ kind: 'question', prompt: '?' });
});

function attach(node: RunNode, sessionId: string) {
  return node.hub.connect({
    target: { kind: 'id', sessionId },
    scope: { subject: 's', domain: 'd', workspace: 'w' },
    connectionId: node.random.id(),
    policy: POLICY,
    position: undefined,
    partial: undefined,
    maxBytes: 1_048_576,
  });
}

describe('a sweep', () => {
  test('SWP-1 takes nothing before its time, and an idle session is looked at once in its time', async () => {
    const node = await world.node(undefined);
    const id = await world.session();
    let looks = 0;
    node.lifeline.onCall = (operation) => {
      if (operation === 'info') looks++;
    };
    await world.pass(POLICY.mediumMs, 1000);
    expect(looks).toBe(0);
    expect((await store.info(id))?.archived).toBeUndefined();
    await world.pass(2000, 100);
    expect((await store.info(id))?.archived).toMatchObject({
      until: expect.any(Number),
      successorId: expect.any(String),
    });
  });

  test('SWP-2 an attached session is pushed ahead, and expires from when its connection went', async () => {
    const node = await world.node(undefined);
    const id = await world.session();
    const attached = await attach(node, id);
    if (!('detach' in attached)) throw new Error(attached.kind);
    await world.pass(2.5 * POLICY.mediumMs, 5000);
    expect((await store.info(id))?.archived).toBeUndefined();
    await attached.detach();
    await world.pass(POLICY.mediumMs - 5000, 5000);
    expect((await store.info(id))?.archived).toBeUndefined();
    await world.pass(POLICY.mediumMs + 10_000, 5000);
    expect((await store.info(id))?.archived).toBeDefined();
  });

  test('SWP-3 an archive is erased when its time is over, and not before', async () => {
    await world.node(undefined);
    const id = await world.session({ ...POLICY, archiveMs: 60_000 });
    await world.pass(POLICY.mediumMs + 5000, 1000);
    const until = (await store.info(id))?.archived?.until ?? 0;
    await world.pass(until - world.clock.now(), 1000);
    expect(world.clock.now()).toBe(until);
    expect(await store.info(id)).toBeDefined();
    await world.pass(2000, 500);
    expect(await store.info(id)).toBeUndefined();
    expect(await store.due(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
  });

  test('SWP-3 without an archive the pointer to the successor stays as long as a token can name it', async () => {
    const node = await world.node(undefined, { forgetMs: Number.POSITIVE_INFINITY });
    const id = await world.session({ ...POLICY, archiveMs: 0 });
    await world.pass(POLICY.mediumMs + 5000, 1000);
    expect((await store.info(id))?.archived).toMatchObject({ until: 0 });
    expect(await store.due(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
    expect(node.lines).toEqual([]);
  });

  test('RUN-33 a run that waits for the person does not keep its session: it ends `canceled` and the session expires', async () => {
    const node = await world.node(asking);
    const id = await world.session();
    await node.say(id, 'x');
    await world.untilLogged(id, 'input_requested');
    await world.pass(POLICY.mediumMs - 5000, 1000);
    expect(types(await world.log(id))).not.toContain('run_finished');
    await world.until(async () => (await store.info(id))?.archived !== undefined, {
      limitMs: 20_000,
      stepMs: 500,
    });
    const log = await world.log(id);
    expect(types(log.slice(-3))).toEqual(['input_resolved', 'message_completed', 'run_finished']);
    expect(log.at(-1)?.data).toMatchObject({ outcome: 'canceled', error: { code: 'session_expired' } });
    await world.until(() => node.executor.running === 0, { limitMs: 10_000, stepMs: 500 });
    expect(node.counts.canceled).toBe(1);
  });

  test('RUN-33 a run that works keeps it, and the session expires after it', async () => {
    const node = await world.node(agent((ctx) => ctx.sleep(POLICY.mediumMs * 1.5)));
    const id = await world.session();
    await node.say(id, 'x');
    await world.until(() => node.counts.completed === 1, { limitMs: 2 * POLICY.mediumMs, stepMs: 1000 });
    const info = await store.info(id);
    expect(info?.archived).toBeUndefined();
    await world.pass(15_000, 500);
    expect((await store.info(id))?.archived).toBeDefined();
  });

  test('RUN-33 one whose executors all died while it was away too long ends with its session', async () => {
    const node = await world.node(agent((ctx) => ctx.sleep(60_000)));
    const id = await world.session();
    await node.say(id, 'x');
    await node.say(id, 'y');
    await world.untilLogged(id, 'run_started');
    node.crash();
    await world.clock.advance(3_600_000);
    const next = await world.node(agent(async () => {}));
    await world.until(async () => (await store.info(id))?.archived !== undefined, { limitMs: 5000 });
    expect(next.counts).toMatchObject({ canceled: 2, completed: 0 });
    const ends = (await world.log(id)).filter((event) => event.type === 'run_finished');
    expect(ends.map(({ data }) => data.outcome)).toEqual(['canceled', 'canceled']);
  });

  test('SWP-4 a session that cannot be swept is not in the way of others', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => world.session()));
    const node = await world.node(undefined);
    const [bad = ''] = ids;
    const { info } = store;
    store.info = async (id) => {
      if (id === bad) throw new TypeError('a bug');
      return await info.call(store, id);
    };
    await world.pass(POLICY.mediumMs + 3000, 1000);
    store.info = info;
    const archived = await Promise.all(ids.map(async (id) => (await store.info(id))?.archived !== undefined));
    expect(archived).toEqual(ids.map((id) => id !== bad));
    expect(node.lines.filter((line) => line.includes('a bug')).length).toBeGreaterThan(0);
    expect(node.lines.filter((line) => line.includes('a bug')).length).toBeLessThan(3);
    await world.pass(15_000, 1000);
    expect((await store.info(bad))?.archived).toBeDefined();
  });

  test('SWP-5 the alarm of what is gone is dropped', async () => {
    await store.setAlarm('nobody', 5);
    await world.session();
    await world.node(undefined);
    await world.pass(1000);
    expect(await store.due(world.clock.now(), 10)).toEqual([]);
  });

  test('SWP-6 begins at once, and goes on when the store comes back', async () => {
    const id = await world.session();
    await world.clock.advance(POLICY.mediumMs + 10);
    const node = await world.node(undefined, { sweeps: false });
    node.lifeline.fault = () => 'before';
    node.sweeper.start();
    await world.pass(3000);
    expect((await store.info(id))?.archived).toBeUndefined();
    node.lifeline.fault = () => undefined;
    await world.pass(1500);
    expect((await store.info(id))?.archived).toBeDefined();
    await node.sweeper.stop();
  });

  test('SWP-7 many are worked through in one go', async () => {
    for (let i = 0; i < 450; i++) await world.session();
    await world.clock.advance(POLICY.mediumMs + 10);
    await world.node(undefined);
    await world.until(async () => (await store.due(world.clock.now() - 1, 500)).length === 0, { limitMs: 0 });
  });

  test('SWP-8 a run that this node cannot take stays due for a while, for those that can', async () => {
    const people = await world.node(undefined);
    const id = await world.session();
    await people.say(id, 'x');
    await world.pass(30_000, 1000);
    expect(await store.due(world.clock.now(), 10)).toEqual([id]);
    await world.pass(60_000, 1000);
    expect(await store.due(world.clock.now(), 10)).toEqual([]);
  });
});
describe('after the store was away for longer than a session may be', () => {
  /** Nobody reaches the store for this long. */
  async function outage(nodes: readonly RunNode[], ms: number): Promise<void> {
    for (const node of nodes) node.lifeline.fault = () => 'before';
    await world.pass(ms, 1000);
    for (const node of nodes) node.lifeline.fault = () => undefined;
  }

  test('SWP-9 sessions that have a connection do not expire: not here', async () => {
    const node = await world.node(asking);
    const id = await world.session();
    const attached = await attach(node, id);
    if (!('detach' in attached)) throw new Error(attached.kind);
    await node.say(id, 'x');
    await world.untilLogged(id, 'input_requested');
    await outage([node], POLICY.mediumMs + 60_000);
    await world.pass(30_000, 500);
    expect((await store.info(id))?.archived).toBeUndefined();
    expect(attached.live.gone).toBeUndefined();
    expect(types(await world.log(id))).not.toContain('run_finished');
  });

  test('SWP-9 and not on another node, which has not been heard yet', async () => {
    const [a, b] = [await world.node(undefined), await world.node(undefined)];
    const id = await world.session();
    const attached = await attach(a, id);
    if (!('detach' in attached)) throw new Error(attached.kind);
    await outage([a, b], POLICY.mediumMs + 60_000);
    // The other sweeps ten times before this one beats.
    await world.pass(30_000, 500);
    expect((await store.info(id))?.archived).toBeUndefined();
    await attached.detach();
    await world.pass(POLICY.mediumMs + 30_000, 5000);
    expect((await store.info(id))?.archived).toBeDefined();
  });

  test('SES-25 whoever comes back through another node finds it alive, and is in it with those who are there', async () => {
    const [a, b] = [await world.node(undefined), await world.node(undefined)];
    const [id, left] = [await world.session(), await world.session()];
    const first = await attach(a, id);
    const gone = await attach(a, left);
    if (!('detach' in first && 'detach' in gone)) throw new Error('not attached');
    await gone.detach();
    await outage([a, b], POLICY.mediumMs + 60_000);
    expect(await attach(b, id)).toMatchObject({ attached: { outcome: 'restored' } });
    expect(first.live.gone).toBeUndefined();
    // This one was seen to go before the store went.
    expect(await attach(b, left)).toMatchObject({ attached: { outcome: 'expired' } });
  });

  test('RUN-11 a run that lost its executor by it goes on as soon as the store is back', async () => {
    const node = await world.node(
      agent(async (ctx) => {
        const writer = await ctx.message();
        await writer.write('Working');
        await ctx.sleep(ctx.attempt === 1 ? 3_600_000 : 100);
      }),
    );
    const other = await world.node(undefined);
    const [here, there] = [await world.session(), await world.session()];
    for (const [at, id] of [
      [node, here],
      [other, there],
    ] as const) {
      await attach(at, id);
      await node.say(id, 'x');
      await world.untilLogged(id, 'run_started');
    }
    await outage([node, other], POLICY.mediumMs + 60_000);
    const backAt = world.clock.now();
    await world.untilLogged(here, 'run_finished', 1, { stepMs: 100 });
    expect(world.clock.now() - backAt).toBeLessThan(5000);
    await world.untilLogged(there, 'run_finished', 1, { stepMs: 100 });
    expect(world.clock.now() - backAt).toBeLessThan(15_000);
  });

  test('SES-25 whoever comes back while another connection is there finds the session alive', async () => {
    const node = await world.node(undefined, { sweeps: false });
    const id = await world.session();
    const first = await attach(node, id);
    await outage([node], POLICY.mediumMs + 60_000);
    const second = await attach(node, id);
    expect(second).toMatchObject({ attached: { outcome: 'restored' } });
    expect((await store.info(id))?.archived).toBeUndefined();
    expect('live' in first && 'live' in second && first.live === second.live).toBe(true);
  });
});
