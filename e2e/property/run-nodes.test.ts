import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LogEvent } from '../../protocol/chat/down.ts';
import { createDemoAgent } from '../../server/agents/demo/demo-agent.ts';
import { ManualClock } from '../../server/clock.ts';
import { decideInputRespond } from '../../server/run/decide-input.ts';
import { decideCancel } from '../../server/run/decide-run.ts';
import type { Store } from '../../server/store/store.ts';
import { type Redis, startRedis } from '../../test-helpers/redis.ts';
import { openTestStore } from '../../test-helpers/redis-store-harness.ts';
import { essenceOf, type RunNode, RunWorld } from '../../test-helpers/run-node.ts';

// Several nodes over one Redis, each with connections of its own: what one appends reaches the others by pub/sub only.

let redis: Redis;
const stores: Store[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await redis.stop();
});

async function openStore(): Promise<Store> {
  const store = await openTestStore({ url: redis.url, mode: 'single' });
  stores.push(store);
  return store;
}

/** A person's connection to a node. */
async function attach(node: RunNode, sessionId: string) {
  const attached = await node.hub.connect({
    target: { kind: 'id', sessionId },
    scope: { subject: 's', domain: 'd', workspace: 'w' },
    connectionId: node.random.id(),
    policy: { briefMs: 30_000, mediumMs: 300_000, archiveMs: 1000, attachTtlMs: 25_000 },
    position: undefined,
    partial: undefined,
    maxBytes: 1_048_576,
  });
  if (!('detach' in attached)) throw new Error(attached.kind);
  return attached;
}

const typesOf = (log: readonly LogEvent[]) => log.map((event) => event.type);

describe('two nodes', () => {
  test('RUN-41 a cancel on one stops the executor on the other at once', async () => {
    const world = new RunWorld(await openStore(), new ManualClock());
    const a = await world.node(createDemoAgent(), { store: await openStore() });
    const b = await world.node(undefined, { store: await openStore() });
    const id = await world.session();
    await a.say(id, 'count to 500');
    await world.pass(1000, 10);
    const runId = a.hub.peek(id)?.state.run?.runId ?? '';
    await b.execute(id, decideCancel(runId));
    await world.until(() => a.executor.running === 0, { limitMs: 500 });
    expect(typesOf(await world.log(id)).slice(-2)).toEqual(['message_completed', 'run_finished']);
    world.end();
  });

  test('RUN-30 an answer on one reaches the agent on the other, and both show the same', async () => {
    const world = new RunWorld(await openStore(), new ManualClock());
    const a = await world.node(createDemoAgent(), { store: await openStore() });
    const b = await world.node(undefined, { store: await openStore() });
    const id = await world.session();
    const person = await attach(b, id);
    await a.say(id, 'plan tea');
    const [asked] = await world.untilLogged(id, 'input_requested');
    if (asked?.type !== 'input_requested') throw new Error('not asked');
    const { request_id } = asked.data;
    await b.execute(id, decideInputRespond([{ request_id, approved: true }], 's', 0));
    await world.untilLogged(id, 'run_finished');
    await world.until(() => person.live.state.lastRun !== null, { limitMs: 1000 });
    expect(person.live.state.workflow?.status).toBe('completed');
    expect(person.live.partial).toBeNull();
    world.end();
  });

  test('RUN-18 a run that is handed over goes on at the other within a sweep', async () => {
    const world = new RunWorld(await openStore(), new ManualClock());
    const a = await world.node(createDemoAgent(), { store: await openStore() });
    const b = await world.node(createDemoAgent(), { store: await openStore() });
    const id = await world.session();
    await a.say(id, 'count to 60');
    await world.pass(1000, 10);
    const drained = a.executor.drain(new AbortController().signal);
    await world.untilLogged(id, 'run_started', 2, { limitMs: 1500 });
    await drained;
    await world.until(() => b.counts.completed === 1);
    expect(essenceOf(await world.log(id)).filter((line) => line.includes('60'))).toHaveLength(1);
    world.end();
  });

  const deaths = fc.array(fc.record({ call: fc.integer({ min: 3, max: 45 }), reaches: fc.boolean() }), {
    minLength: 1,
    maxLength: 3,
  });

  test.each(['count to 12', 'plan tea', 'calc 2 + 3 * 4'])(
    'RUN-13 RUN-14 RUN-40 %s comes out the same wherever executors die, and a person at another node sees it',
    async (text) => {
      const world = new RunWorld(await openStore(), new ManualClock());
      const people = await world.node(undefined, { store: await openStore() });
      const play = async (schedule: readonly { call: number; reaches: boolean }[]): Promise<string[]> => {
        const id = await world.session();
        const person = await attach(people, id);
        await people.say(id, text);
        let answered = false;
        for (const death of [...schedule, undefined]) {
          const node = await world.node(createDemoAgent(), {
            store: await openStore(),
            rules: { maxDeaths: Number.POSITIVE_INFINITY },
          });
          if (death !== undefined) node.lifeline.dieAt(death.call, death.reaches);
          await world.until(
            async () => {
              const log = await world.log(id);
              const asked = log.find((event) => event.type === 'input_requested');
              if (asked !== undefined && !answered) {
                answered = true;
                const { request_id } = asked.data;
                await people.execute(id, decideInputRespond([{ request_id, approved: true }], 's', 0));
              }
              return node.lifeline.isDead || log.at(-1)?.type === 'run_finished';
            },
            { limitMs: 100_000, stepMs: 50 },
          );
          node.crash();
        }
        const log = await world.log(id);
        await world.until(() => person.live.head.seq === log.length, { limitMs: 20_000, stepMs: 100 });
        expect(person.live.partial).toBeNull();
        await person.detach();
        return essenceOf(log);
      };
      const whole = await play([]);
      await fc.assert(
        fc.asyncProperty(deaths, async (schedule) => {
          expect(await play(schedule)).toEqual(whole);
        }),
        { numRuns: 12 },
      );
      world.end();
    },
  );
});
