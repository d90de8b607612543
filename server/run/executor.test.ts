import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogEvent } from '../../protocol/chat/down.ts';
import { type RunNode, RunWorld } from '../../test-helpers/run-node.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { ManualClock } from '../clock.ts';
import { type Agent, RunCanceled, type RunContext } from './agent-port.ts';
import { decideRunRetry } from './decide-chat.ts';
import { decideCancel } from './decide-run.ts';

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
const ofType = <T extends LogEvent['type']>(log: readonly LogEvent[], type: T) =>
  log.filter((event): event is Extract<LogEvent, { type: T }> => event.type === type);
/** What the runs came to, in order: the texts of their messages, and outcomes. */
const story = (log: readonly LogEvent[]) =>
  log.flatMap((event) =>
    event.type === 'message_completed'
      ? event.data.message.parts.map((part) => ('text' in part ? part.text : ''))
      : event.type === 'run_finished'
        ? [event.data.outcome]
        : [],
  );

const say = async (ctx: RunContext, text: string) => {
  const writer = await ctx.message();
  await writer.write(text.slice(writer.text.length));
  await writer.complete();
};
const echo = agent((ctx) => say(ctx, `<${ctx.input.text}>`));
/** Goes on when it is told to. */
const patient = agent(async (ctx) => {
  await say(ctx, 'begun ');
  await ctx.sleep(60_000);
  await say(ctx, 'done');
});

const runIds = (log: readonly LogEvent[]) => ofType(log, 'run_queued').map((event) => event.data.run_id);
const finished = (node: RunNode) => () =>
  node.counts.completed + node.counts.failed + node.counts.canceled + node.counts.lost;

describe('what is queued', () => {
  test('RUN-7 is taken at once by the node that it was queued through', async () => {
    const node = await world.node(echo, { sweeps: false });
    const id = await world.session();
    await node.say(id, 'hello');
    await world.until(() => node.counts.completed === 1, { limitMs: 0 });
    const log = await world.log(id);
    expect(types(log)).toEqual([
      'message_created',
      'run_queued',
      'run_started',
      'message_completed',
      'run_finished',
    ]);
    expect(node.executor.running).toBe(0);
    expect(node.hub.size).toBe(0);
  });

  test('RUN-7 is taken by any other node once the first has had its time', async () => {
    const people = await world.node(undefined);
    const node = await world.node(echo);
    const id = await world.session();
    await people.say(id, 'hello');
    await world.pass(9000);
    expect(node.counts.completed).toBe(0);
    await world.until(() => node.counts.completed === 1, { limitMs: 3000 });
  });

  test('RUN-2 is executed one after another, in order', async () => {
    const node = await world.node(echo);
    const id = await world.session();
    await Promise.all(['a', 'b', 'c'].map((text) => node.say(id, text)));
    await world.until(() => node.counts.completed === 3);
    const log = await world.log(id);
    expect(story(log)).toEqual(['<a>', 'completed', '<b>', 'completed', '<c>', 'completed']);
    expect(ofType(log, 'run_started').map((event) => event.data.run_id)).toEqual(runIds(log));
  });

  test('RUN-2 goes on while one is being finished', async () => {
    const node = await world.node(echo);
    const id = await world.session();
    for (let i = 0; i < 20; i++) await node.say(id, `m${i}`);
    await world.until(() => node.counts.completed === 20, { limitMs: 1000 });
    expect(new Set(runIds(await world.log(id))).size).toBe(20);
  });

  test('RUN-8 waits while the node executes as many runs as it may', async () => {
    let most = 0;
    let now = 0;
    const counting = agent(async (ctx) => {
      most = Math.max(most, ++now);
      await ctx.sleep(100);
      now--;
    });
    const node = await world.node(counting, { rules: { maxConcurrentRuns: 2 } });
    const ids = await Promise.all(Array.from({ length: 5 }, () => world.session()));
    for (const id of ids) await node.say(id, 'x');
    await world.until(() => node.counts.completed === 5);
    expect(most).toBe(2);
  });
});

describe('places', () => {
  const started = (log: readonly LogEvent[]) => ofType(log, 'run_started').length;

  test('RUN-61 of a node full of long runs of one subject are there for the first run of another', async () => {
    const node = await world.node(patient, { rules: { maxConcurrentRuns: 20 }, sweeps: false });
    for (let i = 0; i < 30; i++) await node.say(await world.session(undefined, 'many'), 'x');
    expect(node.executor.running).toBe(18);
    const id = await world.session(undefined, 'few');
    await node.say(id, 'hello');
    await world.until(async () => started(await world.log(id)) === 1, { limitMs: 0 });
  });

  test('RUN-62 of one subject are as many as it may have; those of others are not counted', async () => {
    const node = await world.node(patient, { rules: { maxActiveRunsPerSubject: 2 }, sweeps: false });
    for (let i = 0; i < 4; i++) await node.say(await world.session(undefined, 'a'), 'x');
    for (let i = 0; i < 2; i++) await node.say(await world.session(undefined, 'b'), 'x');
    expect(node.executor.running).toBe(4);
    await world.until(() => node.counts.completed === 6, { stepMs: 500, limitMs: 130_000 });
  });

  test('RUN-60 go round robin over the subjects that wait', async () => {
    const order: string[] = [];
    const noting = agent(async (ctx) => {
      order.push(ctx.input.text);
      await ctx.sleep(100);
    });
    const node = await world.node(noting, { rules: { maxConcurrentRuns: 1 }, sweeps: false });
    for (const text of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'])
      await node.say(await world.session(undefined, text.charAt(0)), text);
    await world.until(() => node.counts.completed === 6);
    expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
  });

  test('RUN-63 are given on after each run when others wait, however many runs a session has queued', async () => {
    const order: string[] = [];
    const noting = agent(async (ctx) => {
      order.push(ctx.input.text);
      await ctx.sleep(100);
    });
    const node = await world.node(noting, { rules: { maxConcurrentRuns: 1 }, sweeps: false });
    const [long, short] = [await world.session(undefined, 'a'), await world.session(undefined, 'b')];
    for (const text of ['a1', 'a2', 'a3']) await node.say(long, text);
    await node.say(short, 'b1');
    await world.until(() => node.counts.completed === 4, { limitMs: 1000 });
    expect(order).toEqual(['a1', 'b1', 'a2', 'a3']);
    expect(node.hub.size).toBe(0);
  });
});

describe('an agent', () => {
  test('RUN-40 that is done ends its run in one append with its last message', async () => {
    const node = await world.node(echo);
    const id = await world.session();
    await node.say(id, 'x');
    await world.until(() => node.counts.completed === 1);
    const log = await world.log(id);
    // One append has one time; the message and the end of the run share it, and no call lies between.
    expect(types(log.slice(-2))).toEqual(['message_completed', 'run_finished']);
  });

  test('RUN-43 that leaves a message open has it completed', async () => {
    const node = await world.node(
      agent(async (ctx) => {
        const writer = await ctx.message();
        await writer.write('all of ');
        await writer.write('it');
      }),
    );
    const id = await world.session();
    await node.say(id, 'x');
    await world.until(() => node.counts.completed === 1);
    const log = await world.log(id);
    expect(story(log)).toEqual(['all of it', 'completed']);
    expect(ofType(log, 'message_completed')[0]?.data.message.status).toBe('completed');
  });

  test('RUN-42 that fails ends its run `failed`, says nothing of why, and keeps what it wrote', async () => {
    const node = await world.node(
      agent(async (ctx) => {
        const writer = await ctx.message();
        await writer.write('half of ');
        await ctx.sleep(100);
        await writer.write('it');
        throw new Error('secret detail');
      }),
    );
    const id = await world.session();
    await node.say(id, 'x');
    await world.until(() => node.counts.failed === 1);
    const log = await world.log(id);
    expect(story(log)).toEqual(['half of it', 'failed']);
    expect(ofType(log, 'message_completed')[0]?.data.message.status).toBe('partial');
    expect(ofType(log, 'run_finished')[0]?.data.error).toEqual({
      code: 'agent_error',
      message: 'The agent failed',
    });
    expect(JSON.stringify(log)).not.toContain('secret');
    expect(node.lines).toEqual(['the agent failed: Error: secret detail']);
  });

  test('RUN-42 that throws before it does anything ends its run too', async () => {
    const node = await world.node({
      id: 'test',
      run: () => {
        throw new Error('at once');
      },
    });
    const id = await world.session();
    await node.say(id, 'x');
    await world.until(() => node.counts.failed === 1);
    expect(node.executor.running).toBe(0);
  });

  test('RUN-42 whose text cannot be taken fails; the rest of it is kept', async () => {
    const node = await world.node(
      agent(async (ctx) => {
        const writer = await ctx.message();
        await writer.write('good');
        await writer.write('x'.repeat(2_000_000));
      }),
    );
    const id = await world.session();
    await node.say(id, 'x');
    await world.until(() => node.counts.failed === 1);
    expect(story(await world.log(id))).toEqual(['good', 'failed']);
  });

  test('RUN-44 may end its run `canceled`', async () => {
    const node = await world.node(
      agent(async (ctx) => {
        await say(ctx, 'Not now.');
        throw new RunCanceled('declined');
      }),
    );
    const id = await world.session();
    await node.say(id, 'x');
    await world.until(() => node.counts.canceled === 1);
    const log = await world.log(id);
    expect(story(log)).toEqual(['Not now.', 'canceled']);
    expect(ofType(log, 'message_completed')[0]?.data.message.status).toBe('completed');
  });

  test('RUN-45 that takes too long is stopped, and its run ends `failed` with `timeout`', async () => {
    let stopped = false;
    const node = await world.node(
      agent(async (ctx) => {
        ctx.signal.addEventListener('abort', () => {
          stopped = true;
        });
        const writer = await ctx.message();
        await writer.write('slow');
        // Does not listen.
        await new Promise(() => {});
      }),
      { rules: { runMaxMs: 30_000 } },
    );
    const id = await world.session();
    await node.say(id, 'x');
    await world.until(() => node.counts.failed === 1, { limitMs: 31_000, stepMs: 100 });
    const log = await world.log(id);
    expect(story(log)).toEqual(['slow', 'failed']);
    expect(ofType(log, 'run_finished')[0]?.data.error?.code).toBe('timeout');
    expect(stopped).toBe(true);
  });

  test('RUN-43 may say several things', async () => {
    const node = await world.node(patient);
    const id = await world.session();
    await node.say(id, 'x');
    await world.until(() => node.counts.completed === 1, { stepMs: 500 });
    expect(story(await world.log(id))).toEqual(['begun ', 'done', 'completed']);
  });
});

describe('a cancel', () => {
  const busy = agent(async (ctx) => {
    const writer = await ctx.message();
    await writer.write('so far');
    await ctx.tool({
      name: 'slow',
      arguments: {},
      repeatable: true,
      call: () => new Promise<null>(() => {}),
    });
  });

  test('RUN-41 ends the run at once, keeps its text and closes its tool calls, in this order', async () => {
    const node = await world.node(busy);
    const id = await world.session();
    await node.say(id, 'x');
    await world.untilLogged(id, 'tool_call');
    const [runId = ''] = runIds(await world.log(id));
    await node.execute(id, decideCancel(runId));
    await world.until(() => node.executor.running === 0, { limitMs: 0 });
    const log = await world.log(id);
    expect(types(log.slice(-3))).toEqual(['tool_result', 'message_completed', 'run_finished']);
    expect(story(log)).toEqual(['so far', 'canceled']);
    expect(ofType(log, 'tool_result')[0]?.data.error?.code).toBe('canceled');
    expect(await node.execute(id, decideCancel(runId))).toEqual({ kind: 'nothing', doneBy: undefined });
  });

  test('RUN-41 reaches an executor on another node', async () => {
    const executing = await world.node(patient);
    const other = await world.node(undefined);
    const id = await world.session();
    await executing.say(id, 'x');
    await world.untilLogged(id, 'message_completed');
    const [runId = ''] = runIds(await world.log(id));
    await other.execute(id, decideCancel(runId));
    await world.until(() => executing.executor.running === 0, { stepMs: 500 });
    expect(story(await world.log(id))).toEqual(['begun ', 'canceled']);
  });

  test('RUN-41 of one that waits leaves the one in hand alone', async () => {
    const node = await world.node(patient);
    const id = await world.session();
    await node.say(id, 'x');
    await node.say(id, 'y');
    const [, second = ''] = runIds(await world.log(id));
    await node.execute(id, decideCancel(second));
    await world.until(() => node.counts.completed === 1, { stepMs: 500 });
    expect(story(await world.log(id))).toEqual(['begun ', 'canceled', 'done', 'completed']);
  });

  test('RUN-4 an interrupt ends the run in hand and goes ahead of those that wait', async () => {
    const node = await world.node(agent((ctx) => (ctx.input.text === 'long' ? patient : echo).run(ctx)));
    const id = await world.session();
    await node.say(id, 'long');
    await node.say(id, 'later');
    await world.untilLogged(id, 'message_completed');
    await node.say(id, 'now', 'interrupt');
    await world.until(() => node.counts.completed === 2);
    const log = await world.log(id);
    expect(story(log)).toEqual(['begun ', 'canceled', '<now>', 'completed', '<later>', 'completed']);
    expect(ofType(log, 'run_finished')[0]?.data.error?.code).toBe('interrupted');
  });
});

describe('a retry', () => {
  test('RUN-6 answers the same message again', async () => {
    const inputs: unknown[] = [];
    const node = await world.node(
      agent(async (ctx) => {
        inputs.push(ctx.input);
        if (inputs.length === 1) throw new Error('not this time');
        await say(ctx, 'there');
      }),
    );
    const id = await world.session();
    const messageId = await node.say(id, 'x');
    await world.until(() => node.counts.failed === 1);
    const [runId = ''] = runIds(await world.log(id));
    const rules = { agent: true, maxQueuedRuns: 16, runLeaseMs: 1, runMaxMs: 0 };
    await node.execute(id, decideRunRetry(runId, rules));
    await world.until(() => node.counts.completed === 1);
    const log = await world.log(id);
    for (const event of log.slice(-4))
      if ('retry_of' in event.data)
        expect(event.data).toMatchObject({ retry_of: runId, message_id: messageId });
    expect(inputs[1]).toEqual(inputs[0]);
    expect(finished(node)()).toBe(2);
  });
});

describe('a drain', () => {
  test('RUN-18 hands the run over: another node goes on at once, and nobody died', async () => {
    const a = await world.node(patient);
    const id = await world.session();
    await a.say(id, 'x');
    await world.untilLogged(id, 'message_completed');
    await Promise.all([a.executor.drain(new AbortController().signal), world.pass(50, 10)]);
    expect(a.executor.running).toBe(0);
    const b = await world.node(patient);
    await world.untilLogged(id, 'run_started', 2, { limitMs: 100 });
    await world.until(() => b.counts.completed === 1, { stepMs: 500 });
    const log = await world.log(id);
    expect(ofType(log, 'run_recovering').map(({ data }) => [data.reason, data.attempt])).toEqual([
      ['handover', 2],
    ]);
    expect(story(log)).toEqual(['begun ', 'done', 'completed']);
    expect(b.counts.recovered).toBe(0);
  });

  test('RUN-18 takes nothing more', async () => {
    const node = await world.node(echo);
    const id = await world.session();
    await node.executor.drain(new AbortController().signal);
    await node.say(id, 'x');
    await world.pass(1000);
    expect(types(await world.log(id))).toEqual(['message_created', 'run_queued']);
    expect(node.executor.offer(id, 's', undefined)).toBe('closed');
  });

  test('RUN-18 does not wait for ever', async () => {
    const node = await world.node(patient);
    const id = await world.session();
    await node.say(id, 'x');
    await world.untilLogged(id, 'message_completed');
    node.lifeline.die();
    await node.executor.drain(AbortSignal.abort());
    expect(node.executor.running).toBe(1);
  });
});
