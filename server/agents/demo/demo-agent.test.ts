import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogEvent } from '../../../protocol/chat/down.ts';
import { type RunNode, RunWorld } from '../../../test-helpers/run-node.ts';
import { openTestStore } from '../../../test-helpers/test-store.ts';
import { ManualClock } from '../../clock.ts';
import { decideInputRespond } from '../../run/decide-input.ts';
import { textOf } from '../../session/live-partial.ts';
import type { ChunkRequest } from '../../store/store.ts';
import { createAgent } from '../index.ts';
import { createDemoAgent } from './demo-agent.ts';
import { cutAtWords } from './say.ts';

let store: Awaited<ReturnType<typeof openTestStore>>;
let world: RunWorld;
let node: RunNode;
let id: string;
beforeEach(async () => {
  store = await openTestStore();
  world = new RunWorld(store, new ManualClock());
  node = await world.node(createDemoAgent());
  id = await world.session();
});
afterEach(async () => {
  world.end();
  await store[Symbol.asyncDispose]();
});

const ofType = <T extends LogEvent['type']>(log: readonly LogEvent[], type: T) =>
  log.filter((event): event is Extract<LogEvent, { type: T }> => event.type === type);
const answers = async () =>
  ofType(await world.log(id), 'message_completed').map((event) => textOf(event.data.message.parts));

/** What the agent says to this. */
async function ask(text: string): Promise<string> {
  const before = ofType(await world.log(id), 'run_finished').length;
  await node.say(id, text);
  await world.untilLogged(id, 'run_finished', before + 1);
  return (await answers()).at(-1) ?? '';
}

test('DEM-8 `none` is nobody', () => {
  expect(createAgent('none')).toBeUndefined();
  expect(createAgent('demo')?.id).toBe('demo');
});

describe('count', () => {
  test('DEM-2 streams numbers, one each 50 ms', async () => {
    const sent: string[] = [];
    const begunAt = world.clock.now();
    const at: number[] = [];
    node.lifeline.onCall = (operation, [request]) => {
      if (operation !== 'appendChunk') return;
      sent.push(JSON.parse((request as ChunkRequest).json).delta);
      at.push(world.clock.now() - begunAt);
    };
    expect(await ask('count to 12')).toBe('1 2 3 4 5 6 7 8 9 10 11 12');
    expect(sent).toEqual(['1', ...Array.from({ length: 11 }, (_, i) => ` ${i + 2}`)]);
    expect(at).toEqual(Array.from({ length: 12 }, (_, i) => 50 * i));
  });

  test('DEM-2 out of range is anything else', async () => {
    expect(await ask('count to 501')).toBe('Message 1: "count to 501"');
  });

  test('DEM-2 after a takeover goes on from what is stored, without waiting for it again', async () => {
    await node.say(id, 'count to 100');
    await world.pass(2500, 10);
    node.crash();
    const other = await world.node(createDemoAgent());
    await world.untilLogged(id, 'run_started', 2, { stepMs: 100 });
    const takenAt = world.clock.now();
    await world.until(() => other.counts.completed === 1);
    expect(world.clock.now() - takenAt).toBeLessThan(2700);
    expect(await answers()).toEqual([Array.from({ length: 100 }, (_, i) => i + 1).join(' ')]);
  });
});

describe('memory', () => {
  test('DEM-3 remembers and recalls', async () => {
    expect(await ask('recall name')).toBe('I know no name.');
    expect(await ask('remember Name is Bob Smith')).toBe('Remembered Name = Bob Smith.');
    expect(await ask('recall Name')).toBe('Name is Bob Smith.');
    expect(await ask('RECALL name')).toBe('name is Bob Smith.');
    expect(await ask('recall constructor')).toBe('I know no constructor.');
    const [patch] = ofType(await world.log(id), 'context_updated');
    expect(patch?.data).toEqual({ memory: { Name: 'Bob Smith' } });
  });

  test('DEM-4 keeps preferences', async () => {
    expect(await ask('prefer theme Dark')).toBe('Preference theme = Dark.');
    const [patch] = ofType(await world.log(id), 'context_updated');
    expect(patch?.data).toEqual({ preferences: { theme: 'Dark' } });
  });

  test('DEM-3 says so when there is no room', async () => {
    const big = await world.node(createDemoAgent(), { rules: { maxContextBytes: 50 } });
    await node.executor.drain(AbortSignal.abort());
    await big.say(id, `remember a is ${'x'.repeat(60)}`);
    await world.untilLogged(id, 'run_finished');
    expect(await answers()).toEqual(['I cannot remember that: my memory is full.']);
  });
});

describe('calc', () => {
  test('DEM-5 calls its tool', async () => {
    expect(await ask('calc 2 + 3 * 4')).toBe('2 + 3 * 4 = 14');
    const log = await world.log(id);
    expect(ofType(log, 'tool_call')[0]?.data).toMatchObject({
      name: 'calculator',
      arguments: { expression: '2 + 3 * 4' },
    });
    expect(ofType(log, 'tool_result')[0]?.data.result).toEqual({ result: '14' });
  });

  test('DEM-6 a bad expression is a tool error, told politely', async () => {
    expect(await ask('calc 1 / 0')).toBe('Sorry, I cannot calculate 1 / 0: division by zero.');
    const [result] = ofType(await world.log(id), 'tool_result');
    expect(result?.data.error).toEqual({ code: 'division_by_zero', message: 'division by zero' });
    expect(await ask(`calc ${'1+'.repeat(5000)}1`)).toBe(
      'Sorry, I cannot calculate that: an expression may have 200 characters.',
    );
    const [end] = ofType(await world.log(id), 'run_finished');
    expect(end?.data.outcome).toBe('completed');
  });
});

describe('plan', () => {
  async function asked(): Promise<string> {
    await node.say(id, 'plan Tea for two');
    const [event] = await world.untilLogged(id, 'input_requested');
    if (event?.type !== 'input_requested') throw new Error('not asked');
    expect(event.data).toMatchObject({ kind: 'approval', prompt: 'Publish "On Tea for two"?' });
    return event.data.request_id;
  }
  const respond = (request_id: string, approved: boolean) =>
    node.execute(id, decideInputRespond([{ request_id, approved }], 's', 900_000));

  test('DEM-7 takes five steps, each with a tool whose result the next one uses', async () => {
    const begunAt = world.clock.now();
    const requestId = await asked();
    expect(world.clock.now() - begunAt).toBeGreaterThan(1800);
    expect(world.clock.now() - begunAt).toBeLessThan(2200);
    const live = node.hub.peek(id);
    expect(live?.state.workflow).toMatchObject({
      name: 'plan',
      step: 4,
      total_steps: 5,
      pending: ['review', 'publish'],
      status: 'waiting_input',
    });
    await respond(requestId, true);
    await world.untilLogged(id, 'run_finished');
    const log = await world.log(id);
    const steps = ofType(log, 'step_completed').map((event) => event.data);
    expect(steps.map(({ step }) => [step.index, step.name, step.status])).toEqual(
      ['gather', 'outline', 'draft', 'review', 'publish'].map((name, i) => [i + 1, name, 'completed']),
    );
    expect(steps.at(-1)?.workflow).toMatchObject({ step: 5, pending: [], status: 'completed' });
    expect(ofType(log, 'tool_call').map((event) => event.data.name)).toEqual([
      'search',
      'arrange',
      'write',
      'proofread',
      'publish',
    ]);
    const results = ofType(log, 'tool_result').map((event) => JSON.stringify(event.data.result));
    expect(JSON.stringify(ofType(log, 'tool_call')[1]?.data.arguments)).toContain('History of Tea for two');
    expect(results[0]).toContain('History of Tea for two');
    expect(await answers()).toEqual([
      'Published "On Tea for two" at /published/on-tea-for-two: 3 sections, 39 words.',
    ]);
  });

  test('DEM-7 ends canceled when the person declines', async () => {
    await respond(await asked(), false);
    const [end] = await world.untilLogged(id, 'run_finished');
    expect(end?.data).toMatchObject({ outcome: 'canceled' });
    const log = await world.log(id);
    expect(ofType(log, 'step_completed').at(-1)?.data).toMatchObject({
      step: { name: 'review', status: 'canceled' },
      workflow: { status: 'canceled', step: 4, pending: ['review', 'publish'] },
    });
    expect(ofType(log, 'tool_call')).toHaveLength(4);
    expect(await answers()).toEqual([]);
  });
});

describe('anything else', () => {
  test('DEM-8 is said back with its number', async () => {
    expect(await ask('hello')).toBe('Message 1: "hello"');
    expect(await ask(' Two\n"lines" ')).toBe('Message 2: " Two\n"lines" "');
    await ask('count to 1');
    expect(await ask('x')).toBe('Message 4: "x"');
  });

  test('DEM-8 is streamed in a few pieces', () => {
    const text = 'Message 1: "a few words that are said back in pieces"';
    const pieces = cutAtWords(text, 4);
    expect(pieces.join('')).toBe(text);
    expect(pieces.length).toBeGreaterThan(2);
    for (const sample of ['', 'x', '😀'.repeat(50), 'word '.repeat(100), 'x'.repeat(1000)]) {
      expect(cutAtWords(sample, 4).join('')).toBe(sample);
      for (const piece of cutAtWords(sample, 4)) expect(piece.isWellFormed()).toBe(true);
    }
  });
});
