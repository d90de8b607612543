/** What an input comes to: the type of the answer or of the error, with the close code if it ends the connection. */
export type Verdict = string;

export interface Malformed {
  readonly name: string;
  readonly text: string | Buffer;
  /** One of these. */
  readonly verdicts: readonly Verdict[];
  /** It is the first frame, in place of `connect`. */
  readonly first?: true;
}

/** Stands for an id that is good and new each time. */
export const NEW_ID = '$NEW_ID';
/** A value that no error may repeat. */
export const SENTINEL = 'hunter2-sentinel';

const STORED = 'message_delivered';
const INVALID = 'invalid_message';
const FORMAT = 'invalid_format 4002';
const TOO_LARGE = 'limit_exceeded';
const VIOLATION = 'protocol_violation 4003';
const json = JSON.stringify;

const row = (name: string, text: string | Buffer, ...verdicts: Verdict[]): Malformed => ({
  name,
  text,
  verdicts,
});
const first = (name: string, data: string, ...verdicts: Verdict[]): Malformed => ({
  name,
  text: `{"type":"connect","data":{"api_key":"development",${data}}}`,
  verdicts,
  first: true,
});
const patch = (memory: string) => `{"type":"context_update","id":"${NEW_ID}","data":{"memory":${memory}}}`;
const history = (data: string) => `{"type":"history_request","data":{${data}}}`;
const ping = (data: string) => `{"type":"ping","data":${data}}`;
const respond = (responses: string) =>
  `{"type":"input_respond","id":"${NEW_ID}","data":{"responses":${responses}}}`;
const chat = (rest: string) => `{"type":"chat_message","id":"${NEW_ID}","data":{${rest}}}`;

/** Names that mean something to objects of the language. */
const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__defineGetter__',
  'then',
  'toJSON',
  'valueOf',
  'length',
  '',
];
const names: Malformed[] = NAMES.flatMap((name) => {
  const key = json(name);
  const stored = name === '__proto__' ? INVALID : STORED;
  return [
    row(`the type ${key}`, json({ type: name || ' ', data: {} }), VIOLATION),
    row(`memory of ${key}`, patch(`{${key}:{"polluted":"${SENTINEL}"}}`), stored),
    row(`memory of ${key}, deeper`, patch(`{"a":{${key}:{"polluted":1}}}`), stored),
    row(`metadata of ${key}`, chat(`"content":"x","metadata":{${key}:{"polluted":1}}`), stored),
    row(`an envelope with ${key}`, `{"type":"ping","data":{},${key}:{"id":"x","polluted":1}}`, 'pong'),
    row(`data with ${key}`, ping(`{${key}:{"polluted":1}}`), 'pong'),
    row(
      `the run ${key}`,
      json({ type: 'run_cancel', id: NEW_ID, data: { run_id: name || ' ' } }),
      'not_found',
    ),
    row(`the role ${key}`, json({ type: 'history_request', data: { roles: [name] } }), INVALID),
    first(`the session ${key}`, `"session_id":${json(name || ' ')}`, 'not_found'),
    first(
      `the workspace ${key}`,
      `"workspace":${json(name || ' ')}`,
      name ? 'connection_success' : 'invalid_message 4002',
    ),
  ];
});

/** Numbers, and what each is as a whole one from 0 on; `undefined`: none. */
const NUMBERS: readonly (readonly [string, number | undefined])[] = [
  ['1e400', undefined],
  ['-1e400', undefined],
  ['1e-400', 0],
  ['-0', 0],
  ['9007199254740993', undefined],
  ['1'.repeat(400), undefined],
  [`0.${'1'.repeat(5000)}`, undefined],
  ['1E+2', 100],
];
const numbers: Malformed[] = NUMBERS.flatMap(([number, whole]) => {
  const name = number.slice(0, 20);
  const positive = whole === 100 ? 'history' : INVALID;
  const natural = whole === undefined ? 'invalid_message 4002' : 'connection_success';
  const isNumber = Number.isFinite(Number(number));
  // A whole number of any size is a version, and none that is known.
  const version = Number.isInteger(Number(number)) ? 'unsupported_version 4003' : 'invalid_message 4002';
  return [
    // What is beyond all numbers would be another thing on each device.
    row(`memory of ${name}`, patch(`{"n":${number}}`), isNumber ? STORED : INVALID),
    row(`before ${name}`, history(`"before_seq":${number}`), positive),
    row(`a page of ${name}`, history(`"limit":${number}`), positive),
    first(`a position at ${name}`, `"position":{"epoch":"x","seq":${number}}`, natural),
    first(`the version ${name}`, `"protocol_version":${number}`, version),
    first(`chunks from ${name}`, `"partial":{"message_id":"x","attempt":1,"next_index":${number}}`, natural),
  ];
});

/** Lists in lists, so many deep. */
export const lists = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const depths: Malformed[] = [10, 63, 64, 65, 1000, 100_000, 260_000].flatMap((depth) => [
  row(`memory ${depth} lists deep`, patch(`{"a":${lists(depth)}}`), depth + 1 <= 64 ? STORED : INVALID),
  row(
    `memory ${depth} objects deep`,
    patch(objects(Math.min(depth, 150_000))),
    depth <= 64 ? STORED : INVALID,
  ),
  row(`an unknown field ${depth} deep`, ping(`{"x":${lists(depth)}}`), 'pong'),
  row(`a frame of ${depth} lists`, lists(depth), FORMAT),
  row(
    `a value ${depth} deep`,
    respond(`[{"request_id":"x","value":${lists(depth)}}]`),
    depth <= 64 ? 'not_found' : INVALID,
  ),
  {
    name: `a key ${depth} deep`,
    text: `{"type":"connect","data":{"api_key":${lists(Math.min(depth, 8000))}}}`,
    verdicts: ['invalid_message 4002'],
    first: true,
  },
]);

const characters: Malformed[] = [
  '\\ud800',
  '\\udfff',
  '\\ud800\\ud800',
  '\\udc00\\ud800',
  '\\u0000',
  '\\u2028',
  '\\ufeff',
].flatMap((escaped) => {
  const bare = JSON.parse(`"${escaped}"`) as string;
  return [
    row(`content with ${escaped}`, chat(`"content":"a${escaped}b"`), STORED),
    row(`the id ${escaped}`, `{"type":"ping","id":"${escaped}","data":{}}`, 'pong'),
    row(`the type ${escaped}`, `{"type":"${escaped}","data":{}}`, VIOLATION),
    row(`memory of ${escaped}`, patch(`{"${escaped}":"${escaped}"}`), STORED),
    first(`the session ${escaped}`, `"session_id":"${escaped}"`, 'not_found'),
    {
      name: `the key ${escaped}`,
      text: `{"type":"connect","data":{"api_key":"${escaped}"}}`,
      verdicts: ['invalid_key 4000'],
      first: true,
    },
    row(`${escaped} alone`, bare, FORMAT),
    row(`${escaped} before a frame`, `${bare}${ping('{}')}`, FORMAT),
  ];
});

const many = <T>(count: number, of: (i: number) => T) => Array.from({ length: count }, (_, i) => of(i));
const shapes: Malformed[] = [
  ...[
    '',
    ' ',
    'null',
    '[]',
    '1',
    '"x"',
    '{',
    '{"type":"ping"}',
    '{"type":1,"data":{}}',
    '{"type":"","data":{}}',
  ],
  ...['{"data":{}}', '{}', ping('null'), ping('[]'), ping('"x"'), ping('{"a":NaN}'), ping('{"a":Infinity}')],
  ...[
    `${ping('{}')}${ping('{}')}`,
    `${ping('{}')},`,
    `/*x*/${ping('{}')}`,
    "{'type':'ping'}",
    'NaN',
    'undefined',
  ],
  ...['{"type":"ping","data":{},}', '{"type":"ping","data":{},"id":{}}', '{"type":"ping","data":{},"id":""}'],
  ...['{"data":{},"type":"ping","id":null}', '{"__proto__":{"type":"ping"},"data":{}}'],
  `{"type":"ping","data":{},"id":"${'x'.repeat(65)}"}`,
  `{"type":"${'x'.repeat(65)}","data":{}}`,
].map((text) => row(`${text.slice(0, 60)} (${text.length})`, text, FORMAT));
const others: Malformed[] = [
  row('a field twice', '{"type":"disconnect","type":"ping","data":{}}', 'pong'),
  row('fields of the server', '{"type":"ping","data":{},"seq":1,"tag":"x","ts":"y","reply_to":"z"}', 'pong'),
  row('a message of the server', '{"type":"message_completed","data":{"message":{}}}', VIOLATION),
  row('a restore of one’s own', '{"type":"session_restored","data":{}}', VIOLATION),
  row(
    'a channel',
    `{"type":"channel_message","id":"${NEW_ID}","data":{"channel":"x","content":"y"}}`,
    'not_available',
  ),
  row(
    '65 answers',
    respond(json(many(65, () => ({ request_id: 'x', approved: true })))),
    INVALID,
    'not_found',
  ),
  row('20 000 answers that are none', respond(json(many(20_000, () => 1))), INVALID),
  row('100 000 roles', history(`"roles":${json(many(100_000, () => 'x'))}`), INVALID),
  row('30 000 names to delete', patch(`{${many(30_000, (i) => `"k${i}":null`).join(',')}}`), STORED),
  row('60 000 names to delete', patch(`{${many(60_000, (i) => `"k${i}":null`).join(',')}}`), TOO_LARGE),
  row('memory that is a list', patch('[]'), INVALID),
  row('a patch of nothing', `{"type":"context_update","id":"${NEW_ID}","data":{}}`, INVALID),
  row('a long text of pairs', chat(`"content":"${'\\ud83d\\ude00'.repeat(40_000)}"`), STORED),
  row('a text that is too long', chat(`"content":"${'x'.repeat(100_001)}"`), INVALID),
  row('an answer to nothing', respond('[]'), INVALID),
  row('a value that no error repeats', `{"type":"history_request","data":{"limit":"${SENTINEL}"}}`, INVALID),
  row('a binary frame', Buffer.from(ping('{}')), FORMAT),
  row('a binary frame of nothing', Buffer.alloc(0), FORMAT),
];

/** Every malformed frame, and some that only look so. */
export const MALFORMED: readonly Malformed[] = [
  ...names,
  ...numbers,
  ...depths,
  ...characters,
  ...shapes,
  ...others,
];
