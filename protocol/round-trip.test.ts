import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { inputsOf, jsonObjects } from '../test-helpers/schema-arbitrary.ts';
import { DOWN } from './chat/down.ts';
import { parseUp } from './chat/parse.ts';
import { isStateChanging, UP, type UpType } from './chat/up.ts';
import { parseEnvelope } from './envelope.ts';
import { healthSchema, readySchema } from './http/health.ts';
import { problemSchema } from './http/problem.ts';
import { threadDetailSchema, threadListSchema, threadSchema } from './http/threads.ts';
import { MESSAGE_ID_PATTERN } from './ids.ts';

const upTypes = Object.keys(UP) as UpType[];
const schemas: Record<string, z.ZodType> = {
  ...DOWN,
  thread: threadSchema,
  thread_list: threadListSchema,
  thread_detail: threadDetailSchema,
  problem: problemSchema,
  health: healthSchema,
  ready: readySchema,
};
const messageIds = fc.stringMatching(MESSAGE_ID_PATTERN);

describe('what a client sends', () => {
  it.each(upTypes)('MSG-1 %s survives being written and read', (type) => {
    fc.assert(
      fc.property(inputsOf(UP[type]), messageIds, (data, id) => {
        const envelope = parseEnvelope(JSON.stringify({ type, data, id }));
        if (!envelope.ok) throw new Error('not an envelope');
        expect(envelope.envelope).toEqual({ type, data, id });
        const parsed = parseUp(type, envelope.envelope.data, envelope.envelope.id);
        expect(parsed).toEqual({ ok: true, message: { type, data: UP[type].parse(data) } });
        // What was read says the same when it is read again: defaults are filled in once.
        expect(UP[type].parse(UP[type].parse(data))).toEqual(UP[type].parse(data));
      }),
    );
  });

  it.each(upTypes)('MSG-2 %s is the same with fields that nobody knows', (type) => {
    fc.assert(
      fc.property(inputsOf(UP[type]), jsonObjects, (data, unknown) => {
        const more = Object.fromEntries(Object.entries(unknown).map(([key, value]) => [`x-${key}`, value]));
        const bare = parseUp(type, data, 'message-1');
        expect(parseUp(type, { ...more, ...(data as object) }, 'message-1')).toEqual(bare);
        const frame = parseEnvelope(JSON.stringify({ ...more, type, data, reply_to: 1, seq: 'x' }));
        expect(frame).toEqual({ ok: true, envelope: { type, data } });
      }),
    );
  });

  it('MSG-14 exactly the types that change something need an id of the right shape', () => {
    for (const type of upTypes) {
      const [data] = fc.sample(inputsOf(UP[type]), { seed: 1, numRuns: 1 });
      for (const id of [undefined, 'short', 'x'.repeat(65), 'with space', '!fin:12345678']) {
        const parsed = parseUp(type, data, id);
        expect(parsed.ok).toBe(!isStateChanging(type));
        if (!parsed.ok) expect(parsed.issues.map((issue) => issue.path)).toEqual(['id']);
      }
      expect(parseUp(type, data, 'message-1').ok).toBe(true);
    }
  });
});

describe('what the server sends', () => {
  it.each(Object.keys(schemas))('MSG-7 %s survives being written and read', (name) => {
    const schema = schemas[name];
    if (schema === undefined) throw new Error('no schema');
    fc.assert(
      fc.property(inputsOf(schema), (data) => {
        expect(schema.parse(JSON.parse(JSON.stringify(data)))).toEqual(data);
      }),
    );
  });

  it.each(Object.keys(DOWN))('MSG-2 %s is understood with fields that nobody knows', (name) => {
    const schema = DOWN[name as keyof typeof DOWN] as z.ZodType;
    fc.assert(
      fc.property(inputsOf(schema), (data) => {
        expect(schema.safeParse({ ...(data as object), 'x-later': [1] }).success).toBe(true);
      }),
    );
  });
});
