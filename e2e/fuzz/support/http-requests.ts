import fc from 'fast-check';

/** How the body is told from the next request. */
export type Framing = 'none' | 'length' | 'chunked';

/** A request that is HTTP, whatever it asks for. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly framing: Framing;
  /** How large chunks are, and how large the pieces in which it is written. */
  readonly piece: number;
}

/** The name by which a credential of the fuzzer is found where it must not be. */
export const SENTINEL = 'hunter2';
/** Names of threads that the fuzzer's own requests make, use and erase. */
const NAMES = ['thread-name-1', 'thread-name-2', 'thread-name-3'];

const method = fc.oneof(
  { weight: 8, arbitrary: fc.constant('GET') },
  { weight: 5, arbitrary: fc.constantFrom('POST', 'PATCH', 'DELETE') },
  { weight: 1, arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'PUT', 'TRACE', 'PROPFIND', 'LOCK') },
);
const threadId = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NAMES) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('nobody-there', 'x'.repeat(129), '%00', '%ff', 'a%2Fb', '__proto__', '%F0%9F'),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }).map(encodeURIComponent) },
);
const path = fc.oneof(
  { weight: 8, arbitrary: fc.constant('/api/chat/threads') },
  { weight: 8, arbitrary: threadId.map((id) => `/api/chat/threads/${id}`) },
  { weight: 3, arbitrary: fc.constantFrom('/healthz', '/readyz', '/client_x', '/ws/agent', '/ws') },
  { weight: 1, arbitrary: fc.constantFrom('/metrics', '/api/openapi.json', '/api/asyncapi.json', '/') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '/debug/clock',
      '/client_%00',
      `/client_${'x'.repeat(65)}`,
      '/assets/../../package.json',
      '/..%2f..%2fpackage.json',
      '//evil.example/x',
      '/.env',
      '/HEALTHZ',
      '/healthz/',
      '/api/chat/threads/',
      `/${'a'.repeat(4000)}`,
    ),
  },
  { weight: 1, arbitrary: fc.webPath({ size: 'small' }).map((tail) => `/${tail.replace(/^\/+/, '')}`) },
);

const parameter = fc.oneof(
  fc.tuple(fc.constant('limit'), fc.constantFrom('1', '2', '200', '0', '201', '-1', '1e1', 'NaN', '')),
  fc.tuple(fc.constant('before_seq'), fc.constantFrom('1', '7', '0', '1e400', '9007199254740993', 'x')),
  fc.tuple(
    fc.constant('roles'),
    fc.constantFrom('user', 'user,assistant', 'robot', ',', 'user,user,user,user'),
  ),
  fc.tuple(
    fc.constantFrom('domain', 'workspace'),
    fc.constantFrom('personal', 'work', '', '%C3%BC', 'x'.repeat(129)),
  ),
  fc.tuple(fc.constantFrom('__proto__', 'constructor', 'api_key', 'x[]'), fc.constantFrom('1', SENTINEL)),
);
const query = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  {
    weight: 4,
    arbitrary: fc
      .array(parameter, { minLength: 1, maxLength: 3 })
      .map((pairs) => `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('?', '?&&=', '?%', '?a=%ff', `?${'q'.repeat(2000)}`) },
);

const authorization = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('Bearer development', 'Bearer valid-test-key', 'bearer  development '),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      undefined,
      '',
      'Bearer',
      `Bearer ${SENTINEL}`,
      `Basic ${SENTINEL}`,
      `Bearer development ${SENTINEL}`,
      `Bearer eyJhbGciOiJub25lIn0.e30.${SENTINEL}`,
      `Bearer ${SENTINEL.repeat(600)}`,
    ),
  },
);
const contentType = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('application/json', 'application/json; charset=utf-8') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      undefined,
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/json; charset=utf-16',
      'application/merge-patch+json',
      'application/json, text/plain',
      '/',
      '',
    ),
  },
);
const further = fc.constantFrom<readonly [string, string]>(
  ['X-Forwarded-For', '203.0.113.7'],
  ['X-Forwarded-For', 'unknown, ::1, 1.2.3.4:5'],
  ['Forwarded', 'for="[::1]"'],
  ['Origin', 'http://evil.example'],
  ['Cookie', `key=${SENTINEL}`],
  ['Accept', 'image/png'],
  ['Accept-Encoding', 'gzip, br'],
  ['Connection', 'close'],
  ['Connection', 'keep-alive, x-odd'],
  ['Range', 'bytes=0-,5-1'],
  ['If-None-Match', '*'],
  ['Expect', '100-continue'],
  ['Content-Encoding', 'gzip'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X-Odd', '\u00ff\u0080 \t"'],
  ['X-Long', 'y'.repeat(1500)],
);

const label = fc.constantFrom('personal', 'work', '', 'two words', 'x'.repeat(129), 7, null);
const body = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record(
        {
          id: fc.constantFrom<unknown>(...NAMES, ...NAMES, 'short', 7, '__proto__x'),
          title: fc.constantFrom<unknown>('a title', ' ', '', 'x'.repeat(201), '\u0000', '\ud800', 7, null),
          domain: fc.oneof(
            { weight: 4, arbitrary: fc.constant('personal') },
            { weight: 1, arbitrary: label },
          ),
          advance_ms: fc.constantFrom(0, -1, 0.5, 1e18, '7'),
        },
        { requiredKeys: [] },
      )
      .map((value) => Buffer.from(JSON.stringify(value))),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(
        '',
        '{',
        '[]',
        'null',
        '{"__proto__":{"title":"x"}}',
        '{"constructor":{"prototype":{}}}',
        '{"title":1e400}',
        '{"title":"a","title":"b"}',
        `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
        '\ufeff{}',
        `{"x": ${SENTINEL}}`,
        `{"title":"${'x'.repeat(70_000)}"}`,
      )
      .map((text) => Buffer.from(text)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
);

/** One request. */
const request: fc.Arbitrary<HttpRequest> = fc
  .record({
    method,
    path,
    query,
    authorization,
    contentType,
    further: fc.array(further, { maxLength: 3 }),
    body,
    framing: fc.constantFrom<Framing>('none', 'length', 'length', 'chunked'),
    piece: fc.constantFrom(7, 100, 1_000_000),
  })
  .map(({ authorization: key, contentType: type, further: more, framing: wanted, ...rest }) => {
    const framing = rest.method === 'TRACE' || rest.method === 'HEAD' ? 'none' : wanted;
    const headers: (readonly [string, string])[] = [['Host', '127.0.0.1'], ...more];
    if (key !== undefined) headers.push(['Authorization', key]);
    if (type !== undefined && framing !== 'none') headers.push(['Content-Type', type]);
    return { ...rest, framing, headers, body: framing === 'none' ? Buffer.alloc(0) : rest.body };
  });

/** The requests of one connection. */
export const requests = fc.array(request, { minLength: 1, maxLength: 12 });

/** The bytes of a request. */
export function bytesOf({ method, path, query, headers, body, framing, piece }: HttpRequest): Buffer {
  const lines = [
    `${method} ${path}${query} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  if (framing === 'length') lines.push(`Content-Length: ${body.length}`);
  if (framing === 'chunked') lines.push('Transfer-Encoding: chunked');
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return Buffer.concat([head, ...(framing === 'chunked' ? chunksOf(body, piece) : [body])]);
}

function chunksOf(body: Buffer, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size);
    chunks.push(Buffer.from(`${part.length.toString(16)};x=y\r\n`), part, Buffer.from('\r\n'));
  }
  return [...chunks, Buffer.from('0\r\nX-Trailer: t\r\n\r\n')];
}

/** What was a request once: cut off, with bytes changed, or with what no request may have. */
export const brokenRequest: fc.Arbitrary<Buffer> = fc.oneof(
  fc.tuple(request.map(bytesOf), fc.nat(), fc.uint8Array({ maxLength: 3 })).map(([bytes, at, noise]) => {
    const place = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, place), noise, bytes.subarray(place + noise.length)]);
  }),
  fc.tuple(request.map(bytesOf), fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1))),
  fc
    .constantFrom(
      'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
      'Content-Length: -1\r\n\r\n',
      'Content-Length: 99999999999999999999\r\n\r\n',
      'Transfer-Encoding: chunked\r\n\r\nzz\r\n',
      'Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n',
      'Transfer-Encoding: gzip\r\n\r\n',
      `Transfer-Encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
      `X: ${'a'.repeat(20_000)}\r\n\r\n`,
      `${'a: b\r\n'.repeat(3000)}\r\n`,
      'Bad Header\r\n\r\n',
      ' folded: x\r\n\r\n',
      'X: a\nY: b\r\n\r\n',
      'Expect: something\r\n\r\n',
    )
    .map((rest) =>
      Buffer.from(
        `POST /api/chat/threads HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer development\r\n${rest}`,
      ),
    ),
  fc
    .constantFrom(
      'CONNECT a:1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
    )
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);
