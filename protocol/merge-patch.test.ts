import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlainObject, type Json, type JsonObject, mergePatch } from './merge-patch.ts';

/** RFC 7386, appendix A: target, patch, result. */
const EXAMPLES: readonly [string, string, string][] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', 'null', 'null'],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

const anyJson = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
const parse = (text: string) => JSON.parse(text) as Json;

/** Without members that are `null`, which a patch cannot express. */
function withoutNulls(value: Json): Json {
  if (!isPlainObject(value)) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member)]));
}

/** The patch that makes `after` of `before`. */
function difference(before: Json, after: Json): Json {
  if (!isPlainObject(before) || !isPlainObject(after)) return after;
  const patch: [string, Json][] = [];
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) patch.push([key, null]);
  for (const [key, value] of Object.entries(after))
    patch.push([key, Object.hasOwn(before, key) ? difference(before[key] ?? null, value) : value]);
  return Object.fromEntries(patch);
}

describe('mergePatch', () => {
  it.each(EXAMPLES)('SES-30 RFC 7386: %s and %s give %s', (target, patch, result) => {
    expect(mergePatch(parse(target), parse(patch))).toEqual(parse(result));
  });

  it('SES-30 changes neither argument', () => {
    fc.assert(
      fc.property(anyJson, anyJson, (target, patch) => {
        const before = JSON.stringify([target, patch]);
        mergePatch(target, patch);
        expect(JSON.stringify([target, patch])).toBe(before);
      }),
    );
  });

  it('SES-30 a patch applied twice changes nothing the second time', () => {
    fc.assert(
      fc.property(anyJson, anyJson, (target, patch) => {
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  it('SES-30 what differs between two values, as a patch, leads from one to the other', () => {
    fc.assert(
      fc.property(anyJson.map(withoutNulls), anyJson.map(withoutNulls), (before, after) => {
        expect(mergePatch(before, difference(before, after))).toEqual(after);
      }),
    );
  });

  it('SES-30 a key is a key, whatever it is called', () => {
    const patch = parse('{"__proto__":{"polluted":1},"constructor":{"b":2},"toString":{"c":3}}');
    const merged = mergePatch(parse('{"toString":{"d":4}}'), patch) as JsonObject;
    expect(JSON.stringify(merged)).toBe(
      '{"toString":{"d":4,"c":3},"__proto__":{"polluted":1},"constructor":{"b":2}}',
    );
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect((merged as { polluted?: unknown }).polluted).toBeUndefined();
    expect(JSON.stringify(mergePatch(merged, parse('{"__proto__":null,"valueOf":null}')))).toBe(
      '{"toString":{"d":4,"c":3},"constructor":{"b":2}}',
    );
  });
});
