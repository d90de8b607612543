import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogEvent } from '../../protocol/chat/down.ts';
import { type RunNode, RunWorld } from '../../test-helpers/run-node.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { ManualClock } from '../clock.ts';
import { textOf } from '../session/live-partial.ts';
import { type Agent, type RunContext, ToolError } from './agent-port.ts';
import { StoreUnavailable } from '../store/store.ts';
import { decideInputRespond } from './decide-input.ts';

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
const ofType = <T extends LogEvent['type']>(log: readonly LogEvent[], type: T) =>
  log.filter((event): event is Extract<LogEvent, { type: T }> => event.type === type);
const TAKEOVER = { limitMs: 60_000, stepMs: 100 };

/** Lets a node take the session's run over from `dead`, which dies now. */
async function takeOver(dead: RunNode, by: Agent): Promise<RunNode> {
  dead.crash();
  return await world.node(by);
}

describe('a run whose executor died', () => {
  const slow = (log: string[]) =>
    agent(async (ctx) => {
      log.push(`attempt ${ctx.attempt}`);
      const workflow = ctx.workflow('w', ['one', 'two']);
      const one = await workflow.step('one', async () => {
        log.push('one');
        const a = await ctx.tool({ name: 'a', arguments: 1, repeatable: true, call: async () => 'A' });
        await ctx.patch({ memory: { seen: 'one' } });
        return { a };
      });
      const two = await workflow.step('two', async () => {
        log.push('two');
        const b = await ctx.tool({ name: 'b', arguments: one, repeatable: true, call: async () => 'B' });
        await ctx.sleep(5000);
        return { b };
      });
      const writer = await ctx.message();
      await writer.write(JSON.stringify([one, two]));
      await writer.complete();
    });

  test('RUN-11 is taken over in time, also when the person goes on writing', async () => {
    const a = await world.node(slow([]));
    const id = await world.session();
    await a.say(id, 'x');
    await world.untilLogged(id, 'tool_result', 2);
    const diedAt = world.clock.now();
    const b = await takeOver(a, slow([]));
    for (let i = 0; i < 4; i++) {
      await world.pass(5000);
      await b.say(id, 'are you there?');
    }
    const [recovering] = ofType(await world.log(id), 'run_recovering');
    expect(recovering).toBeDefined();
    expect(Date.parse(recovering?.ts ?? '') - diedAt).toBeLessThanOrEqual(12_000);
  });

  test('RUN-11 is taken over once its lease has run out, and RUN-13 finished steps are not run again', async () => {
    const log: string[] = [];
    const a = await world.node(slow(log));
    const id = await world.session();
    await a.say(id, 'x');
    await world.untilLogged(id, 'tool_result', 2);
    const diedAt = world.clock.now();
    const b = await takeOver(a, slow(log));
    await world.untilLogged(id, 'run_recovering', 1, TAKEOVER);
    expect(world.clock.now() - diedAt).toBeGreaterThan(9000);
    expect(world.clock.now() - diedAt).toBeLessThanOrEqual(12_000);
    await world.until(() => b.counts.completed === 1, TAKEOVER);

    const events = await world.log(id);
    expect(log).toEqual(['attempt 1', 'one', 'two', 'attempt 2', 'two']);
    expect(b.counts.recovered).toBe(1);
    expect(ofType(events, 'run_recovering')[0]?.data).toMatchObject({ attempt: 2, reason: 'executor_lost' });
    expect(ofType(events, 'run_started').map(({ data }) => data.attempt)).toEqual([1, 2]);
    expect(ofType(events, 'step_started').map(({ data }) => data.step.name)).toEqual(['one', 'two']);
    expect(ofType(events, 'tool_call').map(({ data }) => data.name)).toEqual(['a', 'b']);
    expect(ofType(events, 'tool_result')).toHaveLength(2);
    expect(textOf(ofType(events, 'message_completed')[0]?.data.message.parts ?? [])).toBe(
      '[{"a":"A"},{"b":"B"}]',
    );
    expect(ofType(events, 'run_finished').map(({ data }) => [data.outcome, data.attempt])).toEqual([
      ['completed', 2],
    ]);
  });

  test('RUN-19 keeps its patches once, even where the person changed the value since', async () => {
    const patching = agent(async (ctx) => {
      await ctx.patch({ memory: { colour: 'red' } });
      await ctx.sleep(5000);
      await ctx.patch({ memory: { shape: 'round' } });
    });
    const a = await world.node(patching);
    const id = await world.session();
    await a.say(id, 'x');
    await world.untilLogged(id, 'context_updated');
    const b = await takeOver(a, patching);
    await b.execute(id, () => ({
      kind: 'append',
      events: [{ type: 'context_updated', data: { memory: { colour: 'blue' } } }],
      acknowledge: 0,
    }));
    await world.until(() => b.counts.completed === 1, TAKEOVER);
    expect(ofType(await world.log(id), 'context_updated').map(({ data }) => data.memory)).toEqual([
      { colour: 'red' },
      { colour: 'blue' },
      { shape: 'round' },
    ]);
  });

  test('RUN-12 nothing that the replaced executor still tries is stored', async () => {
    const zombie: string[] = [];
    const patient = agent(async (ctx) => {
      const writer = await ctx.message();
      if (writer.text === '') await writer.write('one');
      await ctx.sleep(20_000);
      await writer.write(` from attempt ${ctx.attempt}`);
      await writer.complete().catch((error: Error) => {
        zombie.push(error.name);
        throw error;
      });
    });
    const a = await world.node(patient);
    const id = await world.session();
    await a.say(id, 'x');
    await world.pass(100, 10);
    // It believes that it renews its lease, as one does whose clock or line plays tricks.
    a.lifeline.lie('renewLease', async () => true);
    const b = await world.node(patient);
    await world.until(() => b.counts.completed + a.counts.completed === 1, TAKEOVER);
    expect(b.counts.completed).toBe(1);
    await world.until(() => a.executor.running === 0, TAKEOVER);
    const events = await world.log(id);
    expect(textOf(ofType(events, 'message_completed')[0]?.data.message.parts ?? [])).toBe(
      'one from attempt 2',
    );
    expect(ofType(events, 'run_finished')).toHaveLength(1);
    expect(zombie).toEqual(['RunStopped']);
  });

  test('RUN-12 an executor that cannot renew its lease stops by itself before it runs out', async () => {
    let stoppedAt = 0;
    const waiting = agent(async (ctx) => {
      ctx.signal.addEventListener('abort', () => {
        stoppedAt = world.clock.now();
      });
      await ctx.sleep(60_000);
    });
    const a = await world.node(waiting, { sweeps: false });
    const id = await world.session();
    await a.say(id, 'x');
    const begunAt = world.clock.now();
    await world.pass(5000);
    a.lifeline.lie('renewLease', () => Promise.reject(new StoreUnavailable('away')));
    await world.until(() => a.executor.running === 0, TAKEOVER);
    expect(stoppedAt - begunAt).toBeGreaterThan(10_000);
    expect(stoppedAt - begunAt).toBeLessThan(20_000);
  });

  test('RUN-17 too often is `lost`, and what it wrote is kept', async () => {
    const doomed = agent(async (ctx) => {
      const writer = await ctx.message();
      if (writer.text === '') await writer.write('last words');
      await ctx.ask({ kind: 'question', prompt: '?' });
    });
    const rules = { maxDeaths: 2, leaseMs: 1000 };
    let node = await world.node(doomed, { rules });
    const id = await world.session();
    await node.say(id, 'x');
    await world.untilLogged(id, 'input_requested');
    for (const attempt of [2, 3]) {
      node.crash();
      node = await world.node(doomed, { rules });
      await world.untilLogged(id, 'run_started', attempt, TAKEOVER);
    }
    node.crash();
    node = await world.node(doomed, { rules });
    const [end] = await world.untilLogged(id, 'run_finished', 1, TAKEOVER);
    expect(end?.data).toMatchObject({ outcome: 'lost', error: { code: 'executor_lost' } });
    const events = await world.log(id);
    expect(events.slice(-3).map((event) => event.type)).toEqual([
      'input_resolved',
      'message_completed',
      'run_finished',
    ]);
    await world.until(() => node.executor.running === 0);
    expect(node.counts).toMatchObject({ lost: 1, recovered: 0 });
  });

  test('RUN-11 of two nodes that find it, one takes it', async () => {
    const quick = agent(async (ctx) => ctx.sleep(30_000));
    const a = await world.node(quick);
    const id = await world.session();
    await a.say(id, 'x');
    await world.untilLogged(id, 'run_started');
    a.crash();
    const nodes = await Promise.all([world.node(quick), world.node(quick), world.node(quick)]);
    await world.until(() => nodes.some((node) => node.counts.completed === 1), {
      limitMs: 100_000,
      stepMs: 100,
    });
    const events = await world.log(id);
    expect(ofType(events, 'run_started')).toHaveLength(2);
    expect(ofType(events, 'run_finished')).toHaveLength(1);
    expect(nodes.map((node) => node.counts.recovered).sort()).toEqual([0, 0, 1]);
  });
});

describe('a tool call that was in flight', () => {
  const calls: string[] = [];
  const paying = (hangs: boolean) =>
    agent(async (ctx) => {
      const before = await ctx.tool({
        name: 'check',
        arguments: {},
        repeatable: true,
        call: async () => 'ok',
      });
      let said: string;
      try {
        said = await ctx.tool({
          name: 'pay',
          arguments: { before },
          repeatable: false,
          call: async () => {
            calls.push(`pay by ${ctx.attempt}`);
            return hangs ? await new Promise<string>(() => {}) : 'paid';
          },
        });
      } catch (error) {
        if (!(error instanceof ToolError)) throw error;
        said = error.code;
      }
      const { value } = await ctx.ask({ kind: 'question', prompt: 'Enough?' });
      const writer = await ctx.message();
      await writer.write(`${said} ${value}`);
      await writer.complete();
    });
  const respond = (node: RunNode, id: string, request_id: string, answer: object) =>
    node.execute(id, decideInputRespond([{ request_id, ...answer }], 's', 900_000));

  async function interrupted(): Promise<{ id: string; runId: string; b: RunNode }> {
    calls.length = 0;
    const a = await world.node(paying(true));
    const id = await world.session();
    await a.say(id, 'x');
    await world.until(() => calls.length === 1);
    const b = await takeOver(a, paying(false));
    const [asked] = await world.untilLogged(id, 'input_requested', 1, TAKEOVER);
    if (asked?.type !== 'input_requested') throw new Error('not asked');
    expect(asked.data).toMatchObject({
      kind: 'question',
      request_id: `${asked.data.run_id}.t2.q`,
      arguments: { name: 'pay', tool_call_id: `${asked.data.run_id}.t2` },
    });
    return { id, runId: asked.data.run_id, b };
  }

  test('RUN-16 and must not be made twice is made again only when the person says so', async () => {
    const { id, runId, b } = await interrupted();
    await world.pass(30_000, 1000);
    expect(calls).toEqual(['pay by 1']);
    await respond(b, id, `${runId}.t2.q`, { value: { choice: 'again' } });
    await world.untilLogged(id, 'input_requested', 2);
    await respond(b, id, `${runId}.q1`, { value: 'yes' });
    await world.until(() => b.counts.completed === 1);
    const events = await world.log(id);
    expect(calls).toEqual(['pay by 1', 'pay by 2']);
    expect(ofType(events, 'tool_call').map(({ data }) => data.tool_call_id)).toEqual(
      ['t1', 't2', 't2.2'].map((n) => `${runId}.${n}`),
    );
    expect(ofType(events, 'tool_result').map(({ data }) => data.result ?? data.error?.code)).toEqual([
      'ok',
      'interrupted',
      'paid',
    ]);
    expect(textOf(ofType(events, 'message_completed')[0]?.data.message.parts ?? [])).toBe('paid yes');
  });

  test.each([{ value: false }, { value: 'no' }, { approved: false }, { value: { choice: 'give_up' } }])(
    'RUN-16 or is given up: %j',
    async (answer) => {
      const { id, runId, b } = await interrupted();
      await respond(b, id, `${runId}.t2.q`, answer);
      await world.untilLogged(id, 'input_requested', 2);
      await respond(b, id, `${runId}.q1`, { value: 'yes' });
      await world.until(() => b.counts.completed === 1);
      expect(calls).toEqual(['pay by 1']);
      const [message] = ofType(await world.log(id), 'message_completed');
      expect(textOf(message?.data.message.parts ?? [])).toBe('interrupted yes');
    },
  );

  test('RUN-16 an answer that nobody was there to hear counts; a second crash asks again', async () => {
    const { id, runId, b } = await interrupted();
    b.crash();
    const people = await world.node(undefined);
    await respond(people, id, `${runId}.t2.q`, { value: true });
    const c = await world.node(paying(true));
    await world.until(() => calls.length === 2, TAKEOVER);
    expect(calls[1]).toBe('pay by 3');
    await takeOver(c, paying(false));
    const asked = await world.untilLogged(id, 'input_requested', 2, TAKEOVER);
    expect(asked[1]?.data).toMatchObject({ request_id: `${runId}.t2.2.q` });
    expect(calls).toHaveLength(2);
  });

  test('RUN-15 and may be repeated is made again under the same id', async () => {
    let made = 0;
    const looking = agent(async (ctx) => {
      await ctx.tool({
        name: 'look',
        arguments: {},
        repeatable: true,
        call: async () => (++made === 1 ? await new Promise<null>(() => {}) : null),
      });
    });
    const a = await world.node(looking);
    const id = await world.session();
    await a.say(id, 'x');
    await world.until(() => made === 1);
    const b = await takeOver(a, looking);
    await world.until(() => b.counts.completed === 1, TAKEOVER);
    const events = await world.log(id);
    expect(made).toBe(2);
    expect(ofType(events, 'tool_call')).toHaveLength(1);
    expect(ofType(events, 'tool_result')).toHaveLength(1);
  });
});
