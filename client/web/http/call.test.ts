import { expect, test } from 'vitest';
import { ApiError, Http } from './call.ts';
import { threadsApi } from './threads-api.ts';

function answering(...responses: (Response | Error)[]) {
  const asked: { url: string; init: RequestInit }[] = [];
  const http = new Http('secret-key', async (url, init) => {
    asked.push({ url: String(url), init: init ?? {} });
    const next = responses.shift();
    if (next === undefined || next instanceof Error) throw next ?? new Error('nothing more to answer');
    return next;
  });
  return { asked, api: threadsApi(http) };
}

const json = (value: unknown, status = 200, headers = {}) =>
  new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });

test('WEB-92 the key goes into the header, never into the address', async () => {
  const { asked, api } = answering(json({ threads: [], next_cursor: null }));
  await api.list({ limit: 5 });
  expect(asked[0]?.url).toBe('/api/chat/threads?limit=5');
  expect(new Headers(asked[0]?.init.headers).get('authorization')).toBe('Bearer secret-key');
  expect(asked[0]?.init.credentials).toBe('omit');
});

test('WEB-92 a thread id cannot leave its place in the path', async () => {
  const { asked, api } = answering(json({ history: {} }));
  await api.detail('../../x?y', { beforeSeq: 7 });
  expect(asked[0]?.url).toBe('/api/chat/threads/..%2F..%2Fx%3Fy?before_seq=7');
});

test.each([
  [json({}, 401), 'unauthorized'],
  [json({ error_type: 'not_found' }, 404), 'not_found'],
  [json({}, 429, { 'retry-after': '3' }), 'rate_limited'],
  [json({}, 503), 'out_of_reach'],
  [json({}, 400), 'refused'],
  [new Response('<html>proxy</html>', { status: 502 }), 'out_of_reach'],
  [new Response('<html>not ours</html>', { status: 200 }), 'out_of_reach'],
  [json({ something: 'else' }), 'out_of_reach'],
  [new TypeError('fetch failed'), 'out_of_reach'],
])('WEB-92 failures have a kind: %#', async (response, kind) => {
  const { api } = answering(response);
  const error = await api.list().then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ kind });
  if (kind === 'rate_limited') expect(error).toMatchObject({ retryAfterMs: 3_000 });
});

test('WEB-92 an answer without a body is one', async () => {
  const { asked, api } = answering(new Response(null, { status: 204 }));
  await api.erase('s-1');
  expect(asked[0]?.init.method).toBe('DELETE');
});
