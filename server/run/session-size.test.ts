import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogEvent } from '../../protocol/chat/down.ts';
import { RunWorld } from '../../test-helpers/run-node.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { ManualClock } from '../clock.ts';
import { answerBytes, HEADROOM_BYTES, withinSize } from '../session/session-size.ts';
import type { Agent, RunContext } from './agent-port.ts';
import { decideInputRespond } from './decide-run.ts';

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

const SIZE = 10_000;
const KIB_60 = 'x'.repeat(60_000);
/** What the end of a run may add that nobody is asked for: `run_finished` and what was open. */
const ENDING_BYTES = 20_000;

/** The outcome of one run of this agent, and how many bytes the session holds after it. */
async function outcomeOf(run: (ctx: RunContext) => Promise<void>) {
  const agent: Agent = { id: 'test', run };
  const node = await world.node(agent, { rules: { maxSessionBytes: SIZE, chunkCoalesceMs: 1 } });
  const id = await world.session();
  await node.say(id, 'go');
  const [finished] = await world.untilLogged(id, 'run_finished', 1, { stepMs: 5 });
  const log = await world.log(id);
  return { node, id, log, end: finished?.data, bytes: (await store.info(id))?.logBytes ?? 0 };
}

const FULL = { outcome: 'failed', error: { code: 'session_full' } };
const count = (log: readonly LogEvent[], type: LogEvent['type']) =>
  log.filter((event) => event.type === type).length;

describe('an agent that never comes to an end', () => {
  test('RUN-46 of calling tools is ended once it has written MAX_SESSION_BYTES and 1 MiB', async () => {
    const { log, end, bytes } = await outcomeOf(async (ctx) => {
      for (;;) await ctx.tool({ name: 'read', arguments: {}, repeatable: true, call: async () => KIB_60 });
    });
    expect(end).toMatchObject(FULL);
    expect(bytes).toBeGreaterThan(HEADROOM_BYTES - 100_000);
    expect(bytes).toBeLessThan(SIZE + HEADROOM_BYTES + ENDING_BYTES);
    expect(count(log, 'tool_result')).toBe(count(log, 'tool_call'));
  });

  test('RUN-46 of writing a message likewise, and what it wrote is kept', async () => {
    const { log, end, bytes } = await outcomeOf(async (ctx) => {
      const writer = await ctx.message();
      for (;;) await writer.write('\u0001'.repeat(5000));
    });
    expect(end).toMatchObject(FULL);
    expect(bytes).toBeGreaterThan(HEADROOM_BYTES - 100_000);
    expect(bytes).toBeLessThan(SIZE + HEADROOM_BYTES + ENDING_BYTES);
    const kept = log.find((event) => event.type === 'message_completed');
    expect(kept?.data.message.status).toBe('partial');
  });

  test('RUN-46 of changing the context likewise', async () => {
    let asked = 0;
    const { end, bytes } = await outcomeOf(async (ctx) => {
      for (;;) await ctx.patch({ memory: { [`k${asked++ % 2}`]: KIB_60 } });
    });
    expect(end).toMatchObject(FULL);
    expect(bytes).toBeLessThan(SIZE + HEADROOM_BYTES + ENDING_BYTES);
  });

  test('RUN-46 an agent that takes its end for a failure of its own cannot write on', async () => {
    const { end, bytes } = await outcomeOf(async (ctx) => {
      for (let i = 0; i < 100; i++)
        await ctx
          .tool({ name: 'read', arguments: {}, repeatable: true, call: async () => KIB_60 })
          .catch(() => {});
    });
    expect(end).toMatchObject(FULL);
    expect(bytes).toBeLessThan(SIZE + HEADROOM_BYTES + ENDING_BYTES);
  });
});

test('FLO-20 what an agent asked can be answered, however much it wrote before', async () => {
  const agent: Agent = {
    id: 'test',
    run: async (ctx) => {
      // As much as it may, but for the question itself.
      for (let i = 0; i < 17; i++)
        await ctx.tool({ name: 'read', arguments: {}, repeatable: true, call: async () => KIB_60 });
      await ctx.ask({ kind: 'question', prompt: 'And now?' });
    },
  };
  const node = await world.node(agent, { rules: { maxSessionBytes: SIZE } });
  const id = await world.session();
  await node.say(id, 'go');
  await world.untilLogged(id, 'input_requested');
  const request = (await world.log(id)).find((event) => event.type === 'input_requested');
  expect((await store.info(id))?.logBytes).toBeGreaterThan(SIZE);
  const response = { request_id: request?.data.request_id ?? '', value: 'y'.repeat(60_000) };
  const answer = withinSize(decideInputRespond([response], 's', 0), answerBytes(SIZE));
  expect((await node.execute(id, answer)).kind).toBe('applied');
  await world.untilLogged(id, 'run_finished');
  const end = (await world.log(id)).find((event) => event.type === 'run_finished');
  expect(end?.data.outcome).toBe('completed');
});
