import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogEvent } from '../../../protocol/chat/down.ts';
import { essenceOf, RunWorld } from '../../../test-helpers/run-node.ts';
import { openTestStore } from '../../../test-helpers/test-store.ts';
import { ManualClock } from '../../clock.ts';
import { decideInputRespond } from '../../run/decide-input.ts';
import { createDemoAgent } from './demo-agent.ts';

describe('wherever the executor dies', () => {
  /** Lets executors die at these calls to the store, one after another, and answers what the log is in the end. */
  async function play(
    text: string,
    deaths: readonly { call: number; reaches: boolean }[],
  ): Promise<LogEvent[]> {
    await using ownStore = await openTestStore();
    const own = new RunWorld(ownStore, new ManualClock());
    const id = await own.session();
    const people = await own.node(undefined);
    await people.say(id, text);
    try {
      let answered = false;
      for (const death of [...deaths, undefined]) {
        const node = await own.node(createDemoAgent(), { rules: { maxDeaths: Infinity } });
        if (death !== undefined) node.lifeline.dieAt(death.call, death.reaches);
        await own.until(
          async () => {
            const log = await own.log(id);
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
        if (!node.lifeline.isDead) break;
        node.crash();
      }
      return await own.log(id);
    } finally {
      own.end();
    }
  }

  test.each([
    'count to 12',
    'plan tea',
    'calc 2 + 3 * 4',
    'calc 1 / 0',
    'hello there, you',
    'remember a is b',
  ])(
    'RUN-13 RUN-14 RUN-40 %s comes out the same',
    async (text) => {
      const whole = essenceOf(await play(text, []));
      const deaths = fc.array(fc.record({ call: fc.integer({ min: 3, max: 45 }), reaches: fc.boolean() }), {
        minLength: 1,
        maxLength: 3,
      });
      await fc.assert(
        fc.asyncProperty(deaths, async (schedule) => {
          expect(essenceOf(await play(text, schedule))).toEqual(whole);
        }),
        { numRuns: 25 },
      );
    },
    60_000,
  );
});

describe('a store that comes and goes', () => {
  /** What comes of a message when these store calls fail. */
  async function outcome(text: string, faults: ReadonlyMap<number, 'before' | 'after'>): Promise<string[]> {
    await using ownStore = await openTestStore();
    const own = new RunWorld(ownStore, new ManualClock());
    const people = await own.node(undefined);
    const id = await own.session();
    await people.say(id, text);
    const node = await own.node(createDemoAgent());
    node.lifeline.fault = (call) => faults.get(call);
    let answered = false;
    await own.until(
      async () => {
        const log = await own.log(id);
        const asked = log.find((event) => event.type === 'input_requested');
        if (asked !== undefined && !answered) {
          answered = true;
          const { request_id } = asked.data;
          await people.execute(id, decideInputRespond([{ request_id, approved: true }], 's', 0));
        }
        return log.at(-1)?.type === 'run_finished';
      },
      { limitMs: 200_000, stepMs: 50 },
    );
    own.end();
    return essenceOf(await own.log(id));
  }

  test.each(['count to 12', 'plan tea', 'calc 2 + 3', 'remember a is b'])(
    'RUN-55 %s comes out the same, whether or not what failed was stored',
    async (text) => {
      const whole = await outcome(text, new Map());
      const faults = fc.array(
        fc.tuple(fc.integer({ min: 3, max: 60 }), fc.constantFrom('before' as const, 'after' as const)),
        { minLength: 1, maxLength: 20 },
      );
      await fc.assert(
        fc.asyncProperty(faults, async (schedule) => {
          expect(await outcome(text, new Map(schedule))).toEqual(whole);
        }),
        { numRuns: 25 },
      );
    },
    60_000,
  );
});
