import fc from 'fast-check';
import { DOWN } from '../../../protocol/chat/down.ts';
import { UP } from '../../../protocol/chat/up.ts';
import type { FuzzFrame } from './oracle.ts';

/** The largest frame that servers under test take: small, so that the limit is met often. */
export const MAX_FRAME_BYTES = 65_536;

/** Mostly good ones: a message with many members is rarely good otherwise. */
const mostly = <G, B>(good: readonly G[], bad: readonly B[]): fc.Arbitrary<G | B> =>
  fc.oneof<fc.MaybeWeightedArbitrary<G | B>[]>(
    { weight: 12, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.constantFrom(...bad) },
  );

const label = mostly(['personal', 'work', 'a.b:c-d'], ['', 'two words', 'ü', 'x'.repeat(129)]);
const key = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('development', 'valid-test-key') },
  { weight: 1, arbitrary: fc.constantFrom('no-such-key', '', 'eyJ.eyJ.x', 'k'.repeat(9000)) },
);
const id = mostly(
  ['id-number-1', 'id-number-2', 'id-number-3'],
  ['short', 'no blank please', 'i'.repeat(65)],
);
const content = fc.oneof(
  fc.constantFrom('hello', '', 'count to 5', ' ', '\u0000', '😀'.repeat(500)),
  fc.string({ unit: 'binary', maxLength: 50 }),
);
const json = fc.jsonValue({ maxDepth: 4 });
const object = fc.dictionary(
  fc.oneof(fc.constantFrom('a', 'b', '__proto__', 'constructor', 'toString'), fc.string({ maxLength: 5 })),
  json,
  { maxKeys: 4, noNullPrototype: true },
);

/** `data` that is good, or nearly so, for each type. */
const DATA: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  connect: fc.record(
    {
      api_key: fc.oneof(
        { weight: 6, arbitrary: key },
        { weight: 1, arbitrary: fc.constantFrom(undefined, null, 7) },
      ),
      connection_type: mostly(['chat', 'chat', 'dashboard'], ['voice']),
      domain: label,
      workspace: label,
      session_token: mostly(['eyJhbGciOiJIUzI1NiJ9.e30.x', 'token'], ['']),
      session_id: mostly(['no-such-session'], ['', 's'.repeat(129)]),
      position: fc.record({
        epoch: mostly(['e'], ['']),
        seq: mostly([0, 7], [-1, 0.5]),
        tag: mostly(['t'], ['']),
      }),
      partial: fc.record({
        message_id: mostly(['m'], ['']),
        attempt: mostly([1], [0]),
        next_index: fc.nat(),
      }),
      protocol_version: mostly<unknown, unknown>([1, 1, 1, 2], ['1', 1.5, null]),
      client: fc.record({ name: fc.string(), version: fc.string() }),
    },
    { requiredKeys: ['api_key'] },
  ),
  auth_refresh: fc.record({ api_key: key }),
  chat_message: fc.record(
    { content, on_busy: fc.constantFrom('enqueue', 'reject', 'interrupt', 'maybe'), metadata: object },
    { requiredKeys: ['content'] },
  ),
  run_cancel: fc.record({ run_id: fc.constantFrom('some-run', '', 'r'.repeat(200), '!fin:x') }),
  run_retry: fc.record({ run_id: fc.constantFrom('some-run', '', '__proto__') }),
  input_respond: fc.record({
    responses: fc.array(
      fc.record(
        { request_id: fc.constantFrom('a', 'b', ''), approved: fc.boolean(), value: json },
        { requiredKeys: ['request_id'] },
      ),
      { maxLength: 3 },
    ),
  }),
  context_update: fc.record({ memory: object, preferences: object }, { requiredKeys: [] }),
  context_request: fc.constant({}),
  history_request: fc.record(
    {
      before_seq: fc.integer({ min: -1, max: 100 }),
      limit: fc.integer({ min: -1, max: 600 }),
      roles: fc.array(fc.constantFrom('user', 'assistant', 'system', 'robot'), { maxLength: 4 }),
    },
    { requiredKeys: [] },
  ),
  ping: fc.constant({}),
  channel_join: fc.record({ channel: fc.constantFrom('room', 'ROOM', '') }),
  channel_leave: fc.record({ channel: fc.constantFrom('room', 'ROOM', '') }),
  channel_message: fc.record({ channel: fc.constantFrom('room', ''), content }),
  disconnect: fc.constant({}),
};

const dataOf = (type: string) => (Object.hasOwn(DATA, type) ? (DATA[type] ?? object) : object);

const upType = fc.constantFrom(...Object.keys(UP));
const anyType = fc.oneof(
  { weight: 20, arbitrary: upType },
  { weight: 1, arbitrary: fc.constantFrom(...Object.keys(DOWN)) },
  { weight: 1, arbitrary: fc.constantFrom('', '__proto__', 'toString', 't'.repeat(65), 'CONNECT') },
);

/** A connect that is let in: without it hardly anything would be said after authentication. */
const goodConnect = fc.constantFrom<object>(
  { type: 'connect', data: { api_key: 'development' } },
  { type: 'connect', data: { api_key: 'valid-test-key', domain: 'work' }, id: 'c' },
);
/** One that may be let in, or not. */
const nearConnect = fc.record({ type: fc.constant('connect'), data: dataOf('connect'), id });
/** Good, or nearly so. */
const envelope = anyType.chain((type) =>
  fc.record(
    {
      type: fc.constant(type),
      data: dataOf(type),
      id: fc.oneof({ weight: 30, arbitrary: id }, { weight: 1, arbitrary: json }),
    },
    { requiredKeys: ['type', 'data'] },
  ),
);
/** With an id of the right form, so that more is stored. */
const change = fc
  .constantFrom('chat_message', 'context_update', 'run_cancel', 'input_respond')
  .chain((type) =>
    fc.record({
      type: fc.constant(type),
      data: dataOf(type),
      id: fc.constantFrom('id-number-1', 'id-number-2'),
    }),
  );
/** With one of its members replaced by something else. */
const distorted = fc
  .tuple(envelope, fc.constantFrom('type', 'data', 'id', 'extra'), json)
  .map(([frame, member, value]) => ({ ...frame, [member]: value }));
const nested = fc
  .tuple(upType, fc.constantFrom(10, 63, 64, 65, 66, 500, 5000))
  .map(
    ([type, depth]) =>
      `{"type":"${type}","data":{"memory":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}},"id":"id-number-4"}`,
  );
const sized = fc
  .tuple(
    fc.constantFrom(...Object.keys(UP)),
    fc.constantFrom(16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 90_000),
  )
  .map(([type, bytes]) => {
    const data = type === 'connect' ? { api_key: 'development' } : {};
    const frame = (padding: string) =>
      JSON.stringify({ type, data: { ...data, padding }, id: 'id-number-5' });
    return frame('x'.repeat(bytes - frame('').length));
  });

const stringify = (value: unknown): string => JSON.stringify(value) ?? '';
/** Text that was good once. */
const broken = fc
  .tuple(
    envelope.map(stringify),
    fc.nat(),
    fc.constantFrom('cut', 'double', '\u0000', '}', '"', '\ufeff', '\\ud800', '1e999'),
  )
  .map(([text, at, how]) => {
    const place = at % (text.length + 1);
    if (how === 'cut') return text.slice(0, place);
    if (how === 'double') return text + text;
    return text.slice(0, place) + how + text.slice(place);
  });

const text = fc.oneof(
  { weight: 20, arbitrary: envelope.map(stringify) },
  { weight: 20, arbitrary: change.map(stringify) },
  { weight: 2, arbitrary: distorted.map(stringify) },
  { weight: 2, arbitrary: broken },
  { weight: 1, arbitrary: nested },
  { weight: 1, arbitrary: sized },
  { weight: 1, arbitrary: json.map(stringify) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
);

/** A frame of any kind. What is sent as text is Unicode: lone surrogates would not survive the way. */
export const frame: fc.Arbitrary<FuzzFrame> = fc.oneof(
  { weight: 60, arbitrary: text.map((t) => ({ text: t.toWellFormed() })) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ binary: Buffer.from(bytes) })),
  },
  { weight: 1, arbitrary: envelope.map((e) => ({ binary: Buffer.from(stringify(e)) })) },
);

/** The frames of one connection: most begin with a connect that is good. */
export const conversation: fc.Arbitrary<readonly FuzzFrame[]> = fc.oneof(
  { weight: 4, arbitrary: beginning(goodConnect, 12) },
  { weight: 2, arbitrary: beginning(nearConnect, 4) },
  { weight: 1, arbitrary: fc.array(frame, { minLength: 1, maxLength: 3 }) },
);

function beginning(first: fc.Arbitrary<object>, maxLength: number): fc.Arbitrary<readonly FuzzFrame[]> {
  return fc
    .tuple(first, fc.array(frame, { minLength: 1, maxLength }))
    .map(([connect, rest]) => [{ text: stringify(connect) }, ...rest]);
}
