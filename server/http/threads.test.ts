import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Problem } from '../../protocol/http/problem.ts';
import { problemSchema } from '../../protocol/http/problem.ts';
import {
  type Thread,
  threadDetailSchema,
  threadListSchema,
  threadSchema,
} from '../../protocol/http/threads.ts';
import { bearer, type HttpApp, openHttpApp } from '../../test-helpers/http-app.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { digestOf } from '../auth/key-table.ts';
import { type AppendEvent, type Store, StoreUnavailable } from '../store/store.ts';

const URL = '/api/chat/threads';
let store: Store & AsyncDisposable;
let http: HttpApp;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-keys-'));
  store = await openTestStore();
  http = await openHttpApp(store, { env: { API_KEYS_FILE: await keyFile() } });
});
afterEach(async () => {
  await http[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function keyFile(): Promise<string> {
  const key = (name: string, more: object) => ({ sha256: digestOf(name), subject: name, ...more });
  const path = join(folder, 'keys.json');
  const keys = [
    key('ada', {}),
    key('bob', {}),
    { ...key('ada-at-home', { workspaces: ['home'] }), subject: 'ada' },
    key('operator', { permissions: ['operate'] }),
    key('old', { expires_at: '2001-01-01T00:00:00Z' }),
  ];
  await writeFile(path, JSON.stringify({ keys }));
  return path;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
async function call(method: Method, url: string, payload?: object, key = 'ada') {
  const reply = await http.inject({ method, url, headers: bearer(key), ...(payload && { payload }) });
  return {
    status: reply.statusCode,
    headers: reply.headers,
    body: reply.body === '' ? undefined : reply.json(),
  };
}
async function create(body: object = {}, key = 'ada'): Promise<Thread> {
  const reply = await call('POST', URL, body, key);
  expect(reply.status).toBe(201);
  return threadSchema.parse(reply.body);
}
async function list(query = '', key = 'ada') {
  const reply = await call('GET', `${URL}${query}`, undefined, key);
  expect(reply.status).toBe(200);
  return threadListSchema.parse(reply.body);
}
function problem(reply: { status: number; headers: object; body: unknown }, status: number): Problem {
  expect(reply.headers).toMatchObject({
    'content-type': expect.stringContaining('application/problem+json'),
  });
  const document = problemSchema.parse(reply.body);
  expect([reply.status, document.status]).toEqual([status, status]);
  return document;
}

/** Puts messages into a session's log, as the chat plane would. */
async function say(sessionId: string, texts: readonly string[]): Promise<void> {
  const info = await store.info(sessionId);
  if (info === undefined) throw new Error('no such session');
  const ts = new Date(http.clock.now()).toISOString();
  const events = texts.map((text, i): AppendEvent => {
    const seq = info.seq + i + 1;
    const role = seq % 2 === 1 ? 'user' : 'assistant';
    const message = { id: `m-${seq}`, seq, role, parts: [{ type: 'text', text }], status: 'completed', ts };
    const json = JSON.stringify({ type: 'message_created', data: { message }, seq, tag: `t${seq}`, ts });
    return { json, tag: `t${seq}`, role };
  });
  const result = await store.append({
    sessionId,
    nodeId: 'n',
    now: http.clock.now(),
    epoch: info.epoch,
    expectedSeq: info.seq,
    expectedTag: undefined,
    events,
    cells: {},
    ids: [],
    annotations: [],
    dropChunks: undefined,
    lease: undefined,
    holdUntil: undefined,
    alarmAt: undefined,
    lastMessage: JSON.stringify({ role: 'user', text: texts.at(-1), ts }),
    titleIfNone: texts[0],
  });
  expect(result.kind).toBe('applied');
}

/** The store, but one of its operations fails. */
function without(whole: Store, operation: keyof Store, error: Error): Store {
  return new Proxy(whole, {
    get: (target, name) => {
      if (name === operation) return () => Promise.reject(error);
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function expire(sessionId: string, archiveUntil: number) {
  await store.expire({ sessionId, successorId: 'next', archiveUntil, force: true, now: http.clock.now() });
}

describe('creating', () => {
  it('HTP-11 makes a thread with defaults, and says where it is', async () => {
    const reply = await call('POST', URL, {});
    expect(reply.status).toBe(201);
    const thread = threadSchema.parse(reply.body);
    expect(thread).toMatchObject({
      title: null,
      domain: 'personal',
      workspace: 'personal',
      last_message: null,
      message_count: 0,
      tier: 'brief',
      expires_in_ms: 300_000,
      archived: false,
    });
    expect(reply.headers.location).toBe(`${URL}/${thread.session_id}`);
    expect((await call('GET', String(reply.headers.location))).status).toBe(200);
  });

  it('HTP-11 gives the same thread for the same id of the same subject', async () => {
    const body = { id: 'my-thread-1', title: 'One' };
    const first = await create(body);
    const again = await call('POST', URL, { ...body, title: 'Two' });
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first);
    expect((await list()).threads).toHaveLength(1);
    const others = await create(body, 'bob');
    expect(others.session_id).not.toBe(first.session_id);
    expect((await call('GET', `${URL}/my-thread-1`)).body).toMatchObject({ session_id: first.session_id });
  });

  it('HTP-11 refuses the same id for another domain or workspace', async () => {
    await create({ id: 'my-thread-1' });
    const reply = await call('POST', URL, { id: 'my-thread-1', workspace: 'home' });
    expect(problem(reply, 409).error_type).toBe('id_conflict');
  });

  it('HTP-11 refuses a workspace that the key does not reach', async () => {
    const reply = await call('POST', URL, { workspace: 'work' }, 'ada-at-home');
    expect(problem(reply, 403).error_type).toBe('forbidden');
    await create({ workspace: 'home' }, 'ada-at-home');
  });

  it('HTP-11 refuses more threads than a subject may have', async () => {
    await http[Symbol.asyncDispose]();
    http = await openHttpApp(store, {
      env: { API_KEYS_FILE: await keyFile(), MAX_SESSIONS_PER_SUBJECT: '1' },
    });
    await create();
    expect(problem(await call('POST', URL, {}), 413).error_type).toBe('limit_exceeded');
  });

  it.each([
    [{ title: '' }, 'body.title'],
    [{ title: 'x'.repeat(201) }, 'body.title'],
    [{ id: 'short' }, 'body.id'],
    [{ domain: 'no spaces' }, 'body.domain'],
    [[], 'body'],
  ])('HTP-3 names what is wrong with %j, without repeating it', async (body, path) => {
    const document = problem(await call('POST', URL, body), 422);
    expect(document.error_type).toBe('invalid_message');
    expect(document.issues?.map((issue) => issue.path)).toEqual([path]);
    expect(JSON.stringify(document)).not.toContain('no spaces');
  });
});

describe('listing', () => {
  it('HTP-12 shows the last used first, page by page, each once', async () => {
    const made: string[] = [];
    for (let i = 0; i < 7; i++) {
      made.unshift((await create()).session_id);
      await http.clock.advance(1000);
    }
    const seen: string[] = [];
    let cursor: null | string = '';
    for (let page = 0; cursor !== null; page++) {
      expect(page).toBeLessThan(10);
      const reply = await list(`?limit=3${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
      expect(reply.threads.length).toBeLessThanOrEqual(3);
      seen.push(...reply.threads.map((thread) => thread.session_id));
      cursor = reply.next_cursor;
    }
    expect(seen).toEqual(made);
  });

  it('HTP-12 looks at some hundred threads for one request, and leads on', async () => {
    const now = http.clock.now();
    await Promise.all(
      Array.from({ length: 1000 }, (_, i) =>
        store.create({
          ...{ sessionId: `s${i}`, epoch: 'e', subject: 'ada', domain: 'd', title: undefined },
          workspace: i === 3 ? 'rare' : 'common',
          ...{ previousId: undefined, maxSessions: 0, attach: undefined, alarmAt: undefined, now: now + i },
          policy: { briefMs: 1e6, mediumMs: 1e6, archiveMs: 1e6, attachTtlMs: 1e6 },
        }),
      ),
    );
    const list = vi.spyOn(store, 'list');
    const seen: string[] = [];
    let requests = 0;
    for (let cursor = ''; ; requests++) {
      list.mockClear();
      const { body } = await call('GET', `${URL}?workspace=rare&limit=200${cursor}`);
      const asked = list.mock.calls.map(([{ limit }]) => limit);
      expect(Math.max(...asked)).toBeLessThanOrEqual(100);
      expect(asked.reduce((sum, limit) => sum + limit, 0)).toBeLessThanOrEqual(400);
      seen.push(...threadListSchema.parse(body).threads.map((thread) => thread.session_id));
      if (body.next_cursor === null) break;
      cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`;
    }
    list.mockRestore();
    expect(seen).toEqual(['s3']);
    expect(requests).toBe(2);
  });

  it('HTP-12 filters by domain and workspace', async () => {
    await create();
    const work = await create({ domain: 'work', workspace: 'a' });
    await create({ domain: 'work', workspace: 'b' });
    expect((await list('?domain=work')).threads).toHaveLength(2);
    expect((await list('?domain=work&workspace=a')).threads.map((t) => t.session_id)).toEqual([
      work.session_id,
    ]);
    expect((await list('?domain=work&workspace=a&limit=1')).threads).toHaveLength(1);
    expect((await list('?domain=none')).threads).toEqual([]);
  });

  it("HTP-12 shows one's own only, and of those the ones that the key reaches", async () => {
    await create({ workspace: 'home' });
    await create({ workspace: 'work' });
    expect((await list()).threads).toHaveLength(2);
    expect((await list('', 'ada-at-home')).threads.map((t) => t.workspace)).toEqual(['home']);
    expect((await list('', 'bob')).threads).toEqual([]);
  });
});

describe('reading', () => {
  it('HTP-13 shows a thread with its newest messages, and older ones by page', async () => {
    const { session_id } = await create();
    const texts = Array.from({ length: 60 }, (_, i) => `text ${i + 1}`);
    await say(session_id, texts);
    const reply = await call('GET', `${URL}/${session_id}`);
    const thread = threadDetailSchema.parse(reply.body);
    expect(thread).toMatchObject({
      title: 'text 1',
      message_count: 60,
      last_message: { role: 'user', text: 'text 60' },
    });
    expect(thread.history).toMatchObject({ total: 60, has_more: true });
    expect(thread.history.messages.map((message) => message.seq)).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 11),
    );
    const older = await call('GET', `${URL}/${session_id}?before_seq=11&limit=4&roles=user`);
    expect(older.body.history).toMatchObject({ total: 30, has_more: true });
    expect(older.body.history.messages.map((message: { seq: number }) => message.seq)).toEqual([3, 5, 7, 9]);
    expect(reply.headers['cache-control']).toBe('no-store');
  });

  it('HTP-13 shows an archived thread until its archive ends', async () => {
    const { session_id } = await create();
    await say(session_id, ['hello']);
    await expire(session_id, http.clock.now() + 1000);
    const { body } = await call('GET', `${URL}/${session_id}`);
    expect(body).toMatchObject({ tier: 'expired', expires_in_ms: null, archived: true, message_count: 1 });
    expect(body.history.messages).toHaveLength(1);
    await http.clock.advance(1001);
    problem(await call('GET', `${URL}/${session_id}`), 404);
    expect((await list()).threads).toEqual([]);
  });

  it('HTP-14 tells the tier by the clock, whether or not a sweep has come by', async () => {
    const { session_id } = await create();
    const life = async () => {
      const { tier, expires_in_ms, archived } = (await call('GET', `${URL}/${session_id}`)).body;
      return [tier, expires_in_ms, archived];
    };
    await http.clock.advance(30_000);
    expect(await life()).toEqual(['brief', 270_000, false]);
    await http.clock.advance(1);
    expect(await life()).toEqual(['medium', 269_999, false]);
    await http.clock.advance(269_999);
    expect(await life()).toEqual(['medium', 0, false]);
    await http.clock.advance(1);
    expect(await life()).toEqual(['expired', null, true]);
  });

  it("HTP-4 another subject's thread, or one out of the key's reach, is not there", async () => {
    const { session_id } = await create({ workspace: 'work' });
    const url = `${URL}/${session_id}`;
    for (const key of ['bob', 'ada-at-home']) {
      problem(await call('GET', url, undefined, key), 404);
      problem(await call('PATCH', url, { title: 'mine' }, key), 404);
      problem(await call('DELETE', url, undefined, key), 404);
    }
    problem(await call('GET', `${URL}/no-such-thread`), 404);
    problem(await call('GET', `${URL}/${'x'.repeat(200)}`), 404);
    expect((await call('GET', url)).body).toMatchObject({ title: null });
    expect(http.erased).toEqual([]);
  });
});

describe('changing', () => {
  it('HTP-15 gives a thread another title', async () => {
    const { session_id } = await create({ title: 'One' });
    const reply = await call('PATCH', `${URL}/${session_id}`, { title: '  Two ' });
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ session_id, title: 'Two' });
    expect((await list()).threads[0]?.title).toBe('Two');
    problem(await call('PATCH', `${URL}/${session_id}`, {}), 422);
  });

  it('HTP-16 erases a thread, after saying so to those who hold it', async () => {
    const { session_id } = await create();
    await say(session_id, ['hello']);
    const reply = await call('DELETE', `${URL}/${session_id}`);
    expect([reply.status, reply.body]).toEqual([204, undefined]);
    expect(http.erased).toEqual([session_id]);
    expect(await store.info(session_id)).toBeUndefined();
    problem(await call('DELETE', `${URL}/${session_id}`), 404);
    problem(await call('GET', `${URL}/${session_id}`), 404);
  });
});

describe('who asks', () => {
  it('HTP-5 401 without a good key, saying how to authenticate', async () => {
    const none = await http.inject(URL);
    expect(none.statusCode).toBe(401);
    expect(none.headers['www-authenticate']).toBe('Bearer realm="holdfast"');
    const wrong = await call('GET', URL, undefined, 'wrong');
    expect(problem(wrong, 401).error_type).toBe('invalid_key');
    expect(wrong.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(problem(await call('GET', URL, undefined, 'old'), 401).error_type).toBe('token_expired');
    expect((await http.inject({ url: URL, headers: { authorization: 'Basic YWRh' } })).statusCode).toBe(401);
  });

  it('HTP-5 403 without the permission', async () => {
    expect(problem(await call('GET', URL, undefined, 'operator'), 403).error_type).toBe('forbidden');
  });

  it('HTP-8 429 for a bad key of an address that failed too often, and never for a good one', async () => {
    for (let i = 0; i < 20; i++) expect((await call('GET', URL, undefined, `wrong-${i}`)).status).toBe(401);
    for (const bad of ['wrong-20', 'old', 'a.b.c']) {
      const reply = await call('GET', URL, undefined, bad);
      expect(problem(reply, 429).retry_after_ms).toBe(3000);
      expect(reply.headers['retry-after']).toBe('3');
      expect((await call('GET', URL)).status).toBe(200);
    }
    await http.clock.advance(3000);
    expect((await call('GET', URL, undefined, 'wrong-21')).status).toBe(401);
    expect((await call('GET', URL, undefined, 'wrong-22')).status).toBe(429);
  });

  it('HTP-9 429 for a subject that asks too often, and for nobody else', async () => {
    await http[Symbol.asyncDispose]();
    http = await openHttpApp(store, { env: { API_KEYS_FILE: await keyFile(), HTTP_RATE_PER_MIN: '3' } });
    for (let i = 0; i < 3; i++) expect((await call('GET', URL)).status).toBe(200);
    const reply = await call('GET', URL);
    expect(problem(reply, 429).error_type).toBe('rate_limited');
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
    expect((await call('GET', URL, undefined, 'bob')).status).toBe(200);
    expect((await http.inject('/healthz')).statusCode).toBe(200);
  });
});

describe('problems', () => {
  const post = (headers: Record<string, string>, payload: string) =>
    http.inject({ method: 'POST', url: URL, headers: { ...bearer('ada'), ...headers }, payload });

  it('HTP-3 400 for what is not JSON, 415 for what says so, 413 for what is too large', async () => {
    const json = { 'content-type': 'application/json' };
    expect((await post(json, '{')).json()).toMatchObject({ status: 400, error_type: 'invalid_format' });
    expect((await post({ 'content-type': 'text/xml' }, '<a/>')).statusCode).toBe(415);
    const large = await post(json, JSON.stringify({ title: 'x'.repeat(70_000) }));
    expect(large.json()).toMatchObject({ status: 413, error_type: 'limit_exceeded' });
    expect((await http.inject('/%zz')).headers['content-type']).toContain('application/problem+json');
  });

  it.each([
    [new StoreUnavailable('redis at 10.0.0.1 is gone'), 503],
    [new TypeError('a bug at 10.0.0.1'), 500],
  ])('HTP-3 %s is %i, without a word of what it was', async (error, status) => {
    await http[Symbol.asyncDispose]();
    http = await openHttpApp(without(store, 'list', error), { env: { API_KEYS_FILE: await keyFile() } });
    const reply = await call('GET', URL);
    const document = problem(reply, status);
    expect(document.error_type).toBe('server_error');
    expect(JSON.stringify(document)).not.toContain('10.0.0.1');
    expect(document.retry_after_ms).toBe(status === 503 ? 1000 : undefined);
    expect(http.lines.some((line) => line.includes('request_failed'))).toBe(true);
  });
});
