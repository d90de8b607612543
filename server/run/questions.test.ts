import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogEvent } from '../../protocol/chat/down.ts';
import { RunWorld } from '../../test-helpers/run-node.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { ManualClock } from '../clock.ts';
import type { Agent, Answer, RunContext } from './agent-port.ts';
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
const respond = (responses: Parameters<typeof decideInputRespond>[0]) =>
  decideInputRespond(responses, 's', 900_000);

const answers: Answer[] = [];
const asking = (expiresInMs?: number) =>
  agent(async (ctx) => {
    const answer = await ctx.ask({
      kind: 'question',
      prompt: 'Which?',
      arguments: ['a', 'b'],
      ...(expiresInMs === undefined ? {} : { expiresInMs }),
    });
    answers.push(answer);
  });
beforeEach(() => {
  answers.length = 0;
});

/** A session whose run waits for an answer. */
async function waiting(by: Agent) {
  const node = await world.node(by);
  const id = await world.session();
  await node.say(id, 'x');
  const [asked] = await world.untilLogged(id, 'input_requested');
  if (asked?.type !== 'input_requested') throw new Error('not asked');
  return { node, id, requestId: asked.data.request_id, request: asked.data };
}

describe('a question', () => {
  test('RUN-30 waits for its answer, and the run with it', async () => {
    const { node, id, requestId, request } = await waiting(asking());
    expect(request).toEqual({
      run_id: requestId.slice(0, -3),
      request_id: requestId,
      kind: 'question',
      prompt: 'Which?',
      arguments: ['a', 'b'],
    });
    expect(node.hub.peek(id)?.state.run?.state).toBe('waiting_input');
    await world.pass(20_000, 1000);
    await node.execute(id, respond([{ request_id: requestId, value: 'b' }]));
    await world.until(() => node.counts.completed === 1, { limitMs: 100 });
    expect(answers).toEqual([{ resolution: 'answered', approved: undefined, value: 'b' }]);
  });

  test('RUN-31 that was answered while nobody executed the run is found answered', async () => {
    const { node, id, requestId } = await waiting(asking());
    node.crash();
    const people = await world.node(undefined);
    await people.execute(id, respond([{ request_id: requestId, value: 'b' }]));
    const other = await world.node(asking());
    await world.until(() => other.counts.completed === 1, { stepMs: 100 });
    expect(answers.map(({ value }) => value)).toEqual(['b']);
    expect(ofType(await world.log(id), 'input_requested')).toHaveLength(1);
  });

  test('RUN-31 that is still open after a takeover goes on waiting, and is not asked again', async () => {
    const { node, id, requestId } = await waiting(asking());
    node.crash();
    const other = await world.node(asking());
    await world.untilLogged(id, 'run_started', 2, { stepMs: 100 });
    expect(other.hub.peek(id)?.state.run?.state).toBe('waiting_input');
    await other.execute(id, respond([{ request_id: requestId, value: 'a' }]));
    await world.until(() => other.counts.completed === 1, { stepMs: 100 });
    expect(ofType(await world.log(id), 'input_requested')).toHaveLength(1);
  });

  test('RUN-32 expires in its time, and the agent learns it', async () => {
    const { node, id, requestId, request } = await waiting(asking(5000));
    expect(Date.parse(request.expires_at ?? '')).toBe(world.clock.now() + 5000);
    await world.pass(5000, 10);
    expect(answers).toEqual([]);
    await world.until(() => node.counts.completed === 1, { limitMs: 20 });
    expect(answers).toEqual([{ resolution: 'expired', approved: undefined, value: undefined }]);
    expect(await node.execute(id, respond([{ request_id: requestId, value: 'late' }]))).toMatchObject({
      kind: 'refused',
      errorType: 'conflict',
    });
  });

  test('RUN-32 expires although its executor is dead', async () => {
    const { node, id } = await waiting(asking(5000));
    node.crash();
    await world.node(undefined);
    const [resolved] = await world.untilLogged(id, 'input_resolved', 1, { stepMs: 100 });
    expect(resolved?.data).toMatchObject({ resolution: 'expired' });
  });

  test('RUN-45 waiting is not counted as working', async () => {
    const node = await world.node(asking(), { rules: { runMaxMs: 10_000 } });
    const id = await world.session();
    await node.say(id, 'x');
    const [asked] = await world.untilLogged(id, 'input_requested');
    await world.pass(60_000, 1000);
    if (asked?.type !== 'input_requested') throw new Error('not asked');
    await node.execute(id, respond([{ request_id: asked.data.request_id, value: 1 }]));
    await world.until(() => node.counts.completed === 1, { limitMs: 100 });
  });

  test('RUN-34 several may be open at once', async () => {
    const node = await world.node(
      agent(async (ctx) => {
        const [a, b] = await Promise.all([
          ctx.ask({ kind: 'question', prompt: 'a' }),
          ctx.ask({ kind: 'approval', prompt: 'b' }),
        ]);
        answers.push(a, b);
      }),
    );
    const id = await world.session();
    await node.say(id, 'x');
    const asked = ofType(await world.untilLogged(id, 'input_requested', 2), 'input_requested');
    expect(asked.map(({ data }) => data.request_id.split('.').at(-1))).toEqual(['q1', 'q2']);
    const [q1 = '', q2 = ''] = asked.map(({ data }) => data.request_id);
    expect(
      await node.execute(
        id,
        respond([
          { request_id: q1, value: 1 },
          { request_id: q2, value: 'no approval' },
        ]),
      ),
    ).toMatchObject({ kind: 'refused' });
    await node.execute(id, respond([{ request_id: q2, approved: false }]));
    expect(node.hub.peek(id)?.state.run?.state).toBe('waiting_input');
    await node.execute(id, respond([{ request_id: q1, value: 1 }]));
    await world.until(() => node.counts.completed === 1, { limitMs: 100 });
    expect(answers.map(({ approved, value }) => [approved, value])).toEqual([
      [undefined, 1],
      [false, undefined],
    ]);
  });
});
