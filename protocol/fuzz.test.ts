import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputsOf } from '../test-helpers/schema-arbitrary.ts';
import { parseUp } from './chat/parse.ts';
import { isUpType, UP, type UpType } from './chat/up.ts';
import { parseEnvelope } from './envelope.ts';

const upTypes = Object.keys(UP) as UpType[];
const NUM_RUNS = 2000;

/** Stands for whatever a client would not like to see repeated. */
const SECRET = 'S3CRET';

/** Values that have hurt parsers before. */
const hurtful: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    true,
    -0,
    -1,
    0.5,
    2 ** 53,
    1e308,
    '',
    SECRET,
    '\ud800',
    `\udfff${SECRET}`,
    '\u0000',
    'a'.repeat(10_000),
    [],
    {},
    [[]],
    { length: 1e9 },
  ),
  fc
    .constantFrom('{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}')
    .map((text) => JSON.parse(text) as unknown),
  fc.string({ unit: 'binary' }),
  fc.jsonValue(),
);

/** A valid frame in which one place is replaced, removed or added to. */
const mutated = fc
  .record({
    frame: fc.oneof(
      ...upTypes.map((type) => inputsOf(UP[type]).map((data) => ({ type, data, id: 'message-1' }))),
    ),
    place: fc.nat(),
    how: fc.nat(2),
    value: hurtful,
  })
  .map(({ frame, place, how, value }) => mutate(frame, place, how, value));

function mutate(frame: unknown, place: number, how: number, value: unknown): unknown {
  const copy = structuredClone(frame);
  const places: [object, string][] = [];
  const walk = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, child] of Object.entries(node)) {
      places.push([node, key]);
      walk(child);
    }
  };
  walk(copy);
  const [node, key] = places[place % places.length] ?? [{}, ''];
  if (how === 0) Reflect.deleteProperty(node, key);
  else Reflect.set(node, how === 1 ? key : `${key}_`, value);
  return copy;
}

/** Reads a frame as the server does, and checks all that must hold whatever it is. */
function read(text: string): void {
  const parsed = parseEnvelope(text);
  if (!parsed.ok) return;
  const { type, data, id } = parsed.envelope;
  if (!isUpType(type)) return;
  const result = parseUp(type, data, id);
  if (result.ok) return;
  expect(result.issues.length).toBeGreaterThan(0);
  expect(result.issues.length).toBeLessThanOrEqual(20);
  for (const issue of result.issues) expect(issue.path).toMatch(/^(id$|data)/);
  expect(JSON.stringify(result.issues)).not.toContain(SECRET);
}

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

describe('frames of any shape', () => {
  it('MSG-6 random text is an envelope or is not', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => read(text)),
      { numRuns: NUM_RUNS },
    );
  });

  it('MSG-6 MSG-11 a valid frame with one place changed is judged, and nothing of it repeated', () => {
    fc.assert(
      fc.property(mutated, (frame) => read(JSON.stringify(frame))),
      { numRuns: NUM_RUNS },
    );
  });

  it('MSG-6 a truncated frame is no envelope', () => {
    fc.assert(
      fc.property(mutated, fc.double({ min: 0, max: 0.999, noNaN: true }), (frame, part) => {
        const text = JSON.stringify(frame);
        expect(parseEnvelope(text.slice(0, Math.floor(text.length * part)))).toEqual({ ok: false });
      }),
    );
  });

  it.each([
    ['arrays', '[', ']'],
    ['objects', '{"a":', '}'],
  ])('MSG-6 MSG-19 %s that nest 100 000 deep are refused wherever they stand', (_name, open, close) => {
    const deep = nested(100_000, open, close).replace('{"a":}', '{"a":1}');
    expect(() => parseEnvelope(deep)).not.toThrow();
    const places = {
      chat_message: 'content',
      context_update: 'memory',
      connect: 'position',
      history_request: 'roles',
    };
    for (const [type, place] of Object.entries(places)) {
      read(`{"type":"${type}","id":"message-1","data":{"${place}":${deep}}}`);
      read(`{"type":"${type}","id":"message-1","data":{"x":${deep}}}`);
      read(`{"type":"${type}","id":"message-1","data":${deep}}`);
    }
    read(`{"type":"ping","id":${deep},"data":{}}`);
    const answer = `{"responses":[{"request_id":"r","value":${deep}}]}`;
    const parsed = parseUp('input_respond', JSON.parse(answer), 'message-1');
    expect(parsed).toEqual({
      ok: false,
      issues: [{ path: 'data.responses.0.value', message: 'must not nest deeper than 64' }],
    });
    const metadata = parseUp(
      'chat_message',
      JSON.parse(`{"content":"x","metadata":{"a":${deep}}}`),
      'message-1',
    );
    expect(metadata).toEqual({
      ok: false,
      issues: [{ path: 'data.metadata', message: 'must not nest deeper than 64' }],
    });
  });

  it('MSG-6 a text of a megabyte is refused wherever it does not belong', () => {
    const huge = JSON.stringify(SECRET.repeat(200_000));
    const places = ['content', 'metadata', 'memory', 'channel', 'run_id', 'api_key', 'domain', 'before_seq'];
    for (const type of upTypes)
      for (const place of places) read(`{"type":"${type}","id":"message-1","data":{"${place}":${huge}}}`);
    expect(parseEnvelope(`{"type":${huge},"data":{}}`)).toEqual({ ok: false });
  });

  it('MSG-6 numbers out of range are refused', () => {
    for (const number of ['1e400', '-1e400', '1.5', '9007199254740993', '-1', '0']) {
      const data = JSON.parse(`{"before_seq":${number}}`) as unknown;
      expect(parseUp('history_request', data, undefined)).toMatchObject({ ok: false });
    }
  });

  it('MSG-6 MSG-19 no frame reaches a prototype', () => {
    const evil = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    for (const type of upTypes)
      for (const data of [
        evil,
        `{"memory":${evil}}`,
        `{"content":"x","metadata":${evil}}`,
        `{"client":${evil}}`,
      ])
        read(`{"type":"${type}","id":"message-1","__proto__":${evil},"data":${data}}`);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(parseUp('context_update', JSON.parse(`{"memory":${evil}}`), 'message-1')).toEqual({
      ok: false,
      issues: [{ path: 'data.memory', message: 'must not use the key __proto__' }],
    });
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
      expect(isUpType(name)).toBe(false);
  });

  it('MSG-3 what is not an envelope is told from what is', () => {
    const good = ['{"type":"ping","data":{}}', ' {"data":{"a":1},"type":"t","id":"1"} '];
    const bad = [
      '',
      'null',
      '[]',
      '"ping"',
      '1',
      '{}',
      '{"type":"ping"}',
      '{"type":"","data":{}}',
      '{"type":1,"data":{}}',
      `{"type":"${'t'.repeat(65)}","data":{}}`,
      '{"type":"ping","data":null}',
      '{"type":"ping","data":[]}',
      '{"type":"ping","data":{},"id":""}',
      '{"type":"ping","data":{},"id":null}',
      '{"type":"ping","data":{},"id":7}',
      `{"type":"ping","data":{},"id":"${'i'.repeat(65)}"}`,
      '{"type":"ping","data":{}}{}',
      '\ufeff{"type":"ping","data":{}}',
    ];
    for (const text of good) expect([text, parseEnvelope(text).ok]).toEqual([text, true]);
    for (const text of bad) expect([text, parseEnvelope(text).ok]).toEqual([text, false]);
  });

  it('MSG-2 fields that nobody knows are ignored at every depth', () => {
    const data = {
      api_key: 'k',
      x: 1,
      position: { epoch: 'e', seq: 1, x: { y: [] } },
      client: { name: 'n', version: 'v', x: null },
    };
    const parsed = parseUp('connect', data, undefined);
    expect(parsed).toEqual({
      ok: true,
      message: {
        type: 'connect',
        data: {
          api_key: 'k',
          connection_type: 'chat',
          domain: 'personal',
          workspace: 'personal',
          position: { epoch: 'e', seq: 1 },
          client: { name: 'n', version: 'v' },
        },
      },
    });
  });
});
