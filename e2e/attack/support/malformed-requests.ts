import { lists, SENTINEL } from './malformed.ts';

interface MalformedRequest {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly type?: string;
  readonly statuses: readonly number[];
}

const THREADS = '/api/chat/threads';
const post = (body: string, ...statuses: number[]): MalformedRequest => ({
  name: `POST ${body.slice(0, 50)} (${body.length})`,
  method: 'POST',
  path: THREADS,
  body,
  statuses,
});
const typed = (type: string, ...statuses: number[]): MalformedRequest => ({
  name: `POST as ${type}`,
  method: 'POST',
  path: THREADS,
  body: '{}',
  type,
  statuses,
});
const get = (path: string, ...statuses: number[]): MalformedRequest => ({
  name: `GET ${path.slice(0, 60)} (${path.length})`,
  method: 'GET',
  path,
  statuses,
});

/** Every malformed request, and some that only look so. */
export const MALFORMED_REQUESTS: readonly MalformedRequest[] = [
  post(`{"__proto__":{"title":"${SENTINEL}"}}`, 400),
  post('{"constructor":{"prototype":{"x":1}}}', 400),
  post('{"title":"\\ud800"}', 201),
  post('{"title":"\\u0000"}', 201),
  post('{"title":1e400}', 422),
  post('{"title":"a","title":"b"}', 201),
  post('[]', 422),
  post('null', 422),
  post('', 400),
  post('{', 400),
  post(lists(30_000), 422),
  post(`{"title":"${'x'.repeat(60_000)}"}`, 422),
  post(`{"title":"${'x'.repeat(70_000)}"}`, 413),
  post('{"id":"__proto__x"}', 201),
  post('{"id":"constructor"}', 201),
  post('{"domain":"__proto__","workspace":"constructor"}', 201),
  post('{"title":"<img src=x onerror=alert(1)>"}', 201),
  post('\ufeff{}', 201, 400),
  // Text is read, and is no object.
  typed('text/plain', 415, 422),
  ...['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/xml'].map((type) =>
    typed(type, 415),
  ),
  ...['application/merge-patch+json', 'application/jsonx', 'application/json, text/plain'].map((type) =>
    typed(type, 415),
  ),
  ...['application/json; charset=utf-7', 'application/json; charset=utf-16', 'APPLICATION/JSON'].map((type) =>
    typed(type, 201, 415),
  ),
  ...['limit=NaN', 'limit=', 'limit=0x100', `cursor=${'A'.repeat(257)}`].map((query) =>
    get(`${THREADS}?${query}`, 422),
  ),
  ...['__proto__=1', 'limit=0x10', 'cursor=W251bGwsbnVsbF0'].map((query) =>
    get(`${THREADS}?${query}`, 200, 422),
  ),
  ...['[-9007199254740991,"\\ud800"]', '[0.5,""]', '{}', 'x'].map((cursor) =>
    get(`${THREADS}?cursor=${Buffer.from(cursor).toString('base64url')}`, 200, 422),
  ),
  ...[
    'before_seq=1e400',
    'before_seq=9007199254740993',
    'roles=user,user,__proto__',
    `roles=${'user,'.repeat(1000)}`,
  ].map((query) => get(`${THREADS}/x?${query}`, 422)),
  ...['%00', `${'x'.repeat(129)}`, '..%2f..', '__proto__'].map((id) => get(`${THREADS}/${id}`, 404)),
  ...['/%', '/%c0%ae%c0%ae/', `${THREADS}/%ff`, '/debug/client_%ff'].map((path) => get(path, 400, 404)),
  ...[
    '/..%2f..%2fpackage.json',
    '/assets/..%5c..%5cpackage.json',
    '//evil.example/x',
    '/healthz/',
    '/HEALTHZ',
  ].map((path) => get(path, 404)),
  ...['/.env', '/.git/config', '/index.html%00.js', '/node_modules/ws/package.json', '/server/main.ts'].map(
    (path) => get(path, 404),
  ),
  ...['/client_%00', `/client_${'a'.repeat(65)}`, '/client_a%2fb'].map((path) => get(path, 404)),
  get(`/client_a?api_key=${SENTINEL}`, 426),
  get(`/healthz?${SENTINEL}`, 200),
  ...['PUT', 'OPTIONS', 'PROPFIND', 'LOCK'].map((method) => ({
    name: method,
    method,
    path: THREADS,
    statuses: [404],
  })),
];
