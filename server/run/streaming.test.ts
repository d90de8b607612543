import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Chunk } from '../../protocol/chat/message.ts';
import { RunWorld } from '../../test-helpers/run-node.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { ManualClock } from '../clock.ts';
import type { ChunkRequest } from '../store/store.ts';
import type { Agent, RunContext } from './agent-port.ts';
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

interface Sent extends Chunk {
  readonly at: number;
  readonly attempt: number;
}

/** Executes the agent for one message and answers its log and every chunk as it was sent to the store. */
async function play(run: (ctx: RunContext) => Promise<void>) {
  const chunks: Sent[] = [];
  const node = await world.node(agent(run));
  const begunAt = world.clock.now();
  node.lifeline.onCall = (operation, [request]) => {
    if (operation !== 'appendChunk') return;
    const { json, messageAttempt } = request as ChunkRequest;
    chunks.push({ ...JSON.parse(json), at: world.clock.now() - begunAt, attempt: messageAttempt });
  };
  const id = await world.session();
  await node.say(id, 'x');
  await world.untilLogged(id, 'run_finished');
  const log = await world.log(id);
  const messages = log.flatMap((event) => (event.type === 'message_completed' ? [event.data.message] : []));
  return { id, log, chunks, messages };
}

describe('an answer', () => {
  test('RUN-50 is stored in chunks, the first at once, then at most one in CHUNK_COALESCE_MS', async () => {
    const { chunks, messages } = await play(async (ctx) => {
      const writer = await ctx.message();
      for (let i = 0; i < 30; i++) {
        await writer.write(`${i} `);
        await ctx.sleep(10);
      }
      await writer.complete();
    });
    expect(chunks[0]).toMatchObject({ at: 0, index: 0, part: 0, kind: 'text', delta: '0 ' });
    expect(chunks.length).toBeGreaterThan(5);
    for (const [i, chunk] of chunks.entries()) {
      expect(chunk.index).toBe(i);
      expect(chunk.at).toBeGreaterThanOrEqual(i * 40);
    }
    const text = chunks.map((chunk) => chunk.delta).join('');
    expect(messages[0]?.parts).toEqual([{ type: 'text', text }]);
    expect(text.split(' ')).toHaveLength(31);
  });

  test('LOA-4 that has to wait for its turn is stored whole, in a larger piece', async () => {
    let give = () => {};
    const waiting: string[] = [];
    const turn = (subject: string) => {
      waiting.push(subject);
      if (waiting.length !== 2) return undefined;
      return new Promise<void>((resolve) => {
        give = resolve;
      });
    };
    const run = async (ctx: RunContext) => {
      const writer = await ctx.message();
      for (let i = 0; i < 30; i++) {
        await writer.write(`${i} `);
        await ctx.sleep(10);
      }
      await writer.complete();
    };
    const node = await world.node(agent(run), { load: { turn } });
    const id = await world.session();
    await node.say(id, 'x');
    await world.pass(2000, 10);
    expect((await store.chunks(id, 0))?.chunks).toHaveLength(1);
    give();
    await world.until(() => node.counts.completed === 1);
    const [message] = (await world.log(id)).flatMap((event) =>
      event.type === 'message_completed' ? [event.data.message] : [],
    );
    const text = Array.from({ length: 30 }, (_, i) => `${i} `).join('');
    expect(message?.parts).toEqual([{ type: 'text', text }]);
    expect(waiting).toEqual(['s', 's']);
  });

  test('LOA-4 whose run is stopped while it waits for its turn waits no more', async () => {
    const turn = (_subject: string, signal?: AbortSignal) =>
      new Promise<void>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    const run = async (ctx: RunContext) => {
      const writer = await ctx.message();
      await writer.write('never seen');
      await writer.complete();
    };
    const node = await world.node(agent(run), { load: { turn } });
    const id = await world.session();
    await node.say(id, 'x');
    const [event] = await world.untilLogged(id, 'run_started');
    if (event?.type !== 'run_started') throw new Error('it did not start');
    await node.execute(id, decideCancel(event.data.run_id));
    await world.until(() => node.executor.running === 0, { limitMs: 100 });
    expect(node.counts.canceled).toBe(1);
  });

  test('RUN-51 has a part for each change of kind', async () => {
    const { chunks, messages } = await play(async (ctx) => {
      const writer = await ctx.message();
      await writer.write('hm', 'reasoning');
      await writer.write(', well', 'reasoning');
      await writer.write('So');
      await writer.write('. ');
      await writer.write('or', 'reasoning');
      await writer.complete();
    });
    expect(messages[0]?.parts).toEqual([
      { type: 'reasoning', text: 'hm, well' },
      { type: 'text', text: 'So. ' },
      { type: 'reasoning', text: 'or' },
    ]);
    expect(chunks.map(({ part, kind }) => [part, kind])).toEqual([
      [0, 'reasoning'],
      [0, 'reasoning'],
      [1, 'text'],
      [2, 'reasoning'],
    ]);
  });

  test('RUN-52 that cannot go on from what is stored begins anew', async () => {
    const { id, log, chunks, messages } = await play(async (ctx) => {
      const writer = await ctx.message();
      await writer.write('wrong');
      await ctx.sleep(100);
      await writer.restart();
      expect(writer.text).toBe('');
      await writer.write('right');
      await writer.complete();
    });
    expect(log.filter((event) => event.type === 'message_restarted').map(({ data }) => data)).toEqual([
      { message_id: messages[0]?.id, attempt: 2 },
    ]);
    expect(chunks.map(({ index, attempt, delta }) => [index, attempt, delta])).toEqual([
      [0, 1, 'wrong'],
      [0, 2, 'right'],
    ]);
    expect(messages[0]?.parts).toEqual([{ type: 'text', text: 'right' }]);
    expect(await store.chunks(id, 0)).toBeUndefined();
  });

  test('RUN-52 restarting what nobody saw leaves no trace', async () => {
    const { log, messages } = await play(async (ctx) => {
      const writer = await ctx.message();
      await writer.restart();
      await writer.write('right');
      await writer.complete();
    });
    expect(log.some((event) => event.type === 'message_restarted')).toBe(false);
    expect(messages[0]?.parts).toEqual([{ type: 'text', text: 'right' }]);
  });

  test('RUN-53 waits for the store: an agent cannot write more than a bounded amount ahead of it', async () => {
    let written = 0;
    const node = await world.node(
      agent(async (ctx) => {
        const writer = await ctx.message();
        for (; written < 100; written++) await writer.write('x'.repeat(10_000));
        await writer.complete();
      }),
    );
    const id = await world.session();
    let isAway = true;
    node.lifeline.onCall = (operation) => {
      node.lifeline.fault = () => (isAway && operation === 'appendChunk' ? 'before' : undefined);
    };
    await node.say(id, 'x');
    await world.pass(3000);
    expect(written).toBeLessThan(10);
    isAway = false;
    await world.until(() => node.counts.completed === 1);
    expect(written).toBe(100);
  });

  test('RUN-54 keeps each message of an answer apart', async () => {
    const { messages } = await play(async (ctx) => {
      for (const text of ['one', 'two', 'three']) {
        const writer = await ctx.message();
        await writer.write(text);
        await writer.complete();
        await expect(writer.write('more')).rejects.toThrow('complete');
      }
      const open = await ctx.message();
      await expect(ctx.message()).rejects.toThrow('in flight');
      await open.write('four');
    });
    expect(messages.map(({ id, parts }) => [id.split('.').at(-1), parts])).toEqual(
      ['one', 'two', 'three', 'four'].map((text, i) => [`m${i + 1}`, [{ type: 'text', text }]]),
    );
  });
});
