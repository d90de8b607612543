// One customer's ids in another's hands: always as if they were not there, and nothing changes.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import type { UpInput, UpType } from '../../protocol/chat/up.ts';
import type { ThreadList } from '../../protocol/http/threads.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { ask, ended, streamed } from '../wire/support/runs.ts';
import { describeStores, type Site } from '../wire/support/site.ts';
import { listThreads } from '../wire/support/threads.ts';
import { ADA, ADA_OFFICE, EVE, productionEnv } from './support/customers.ts';
import { connectVerdict } from './support/way-in.ts';

const env = await productionEnv();
/** Of the same length as an id of the server. */
const NOBODYS = '01a2236d-0000-7000-8000-000000000000';
const THREAD = 'adas-own-thread-1';

interface Victim extends AsyncDisposable {
  readonly client: WireClient;
  readonly sessionId: string;
  readonly namedId: string;
  /** Of a run that waits for a person, and of its question. */
  readonly runId: string;
  readonly requestId: string;
  /** Of a run that has ended, and of the message that it answered. */
  readonly endedRunId: string;
  readonly messageId: string;
}

async function victim(site: Site): Promise<Victim> {
  const client = await WireClient.connect(site.url, { api_key: ADA });
  await client.request('context_update', { memory: { secret: 'adas secret' } });
  const messageId = client.newId();
  client.send('chat_message', { content: 'adas words' }, messageId);
  const { data } = await client.next('run_finished');
  const runId = await ask(client, 'plan Tea');
  const { data: question } = await client.next('input_requested');
  const named = await http(site, ADA, 'POST', '/api/chat/threads', { id: THREAD });
  return {
    client,
    sessionId: client.sessionId,
    namedId: (JSON.parse(named.body) as { session_id: string }).session_id,
    runId,
    requestId: question.request_id,
    endedRunId: data.run_id,
    messageId,
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

async function http(site: Site, key: string, method: string, path: string, body?: object): Promise<Answer> {
  const answer = await fetch(`${site.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const { date: _, ...headers } = Object.fromEntries(answer.headers);
  return { status: answer.status, headers, body: await answer.text() };
}

/** What tells Ada that somebody was there: her log, her context, and how her threads stand. */
async function stateOf(site: Site, { client, sessionId, namedId }: Victim): Promise<unknown> {
  const context = await client.request('context_request', {});
  const [open, named] = await Promise.all(
    [sessionId, namedId].map((id) => http(site, ADA, 'GET', `/api/chat/threads/${id}`)),
  );
  const { expires_in_ms: _, ...rest } = JSON.parse(named?.body ?? '') as Record<string, unknown>;
  return [context.data, open?.body, rest];
}

/** An id of the same form and length that nobody has. */
const nobodys = (id: string) => `${id.slice(0, -8)}00000000`;

/** The same answer to both, to the byte, but for the id itself. */
const same = (id: string, hers: Answer, nobody: Answer) =>
  expect({ ...hers, body: hers.body.replaceAll(id, nobodys(id)) }).toEqual(nobody);

/** What three of four took longer than. */
const lowerQuartile = (times: readonly number[]) =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 4)] ?? 0;

describeStores('another customer', { ...env, AGENT: 'demo' }, (site) => {
  let her: Victim;
  beforeAll(async () => {
    her = await victim(site);
  });
  afterAll(() => her[Symbol.asyncDispose]());

  const untouched = async (attack: (her: Victim) => Promise<void>) => {
    const before = await stateOf(site, her);
    const frames = her.client.frames.length;
    await attack(her);
    expect(her.client.frames.length).toBe(frames);
    expect(await stateOf(site, her)).toEqual(before);
  };

  test('SES-3 HEL-23 cannot open the session, by its id or its token, from any place', () =>
    untouched(async ({ sessionId, client: { token }, namedId }) => {
      for (const place of [{}, { domain: 'home' }, { workspace: 'office' }])
        for (const id of [
          sessionId,
          namedId,
          THREAD,
          NOBODYS,
          '__proto__',
          `${sessionId} `,
          sessionId.toUpperCase(),
        ])
          expect(await connectVerdict(site.url, { api_key: EVE, session_id: id, ...place })).toBe(
            'not_found open',
          );
      expect(await connectVerdict(site.url, { api_key: EVE, session_token: token })).toBe(
        'invalid_session_token 4000',
      );
      // Nor can a key of the same customer that does not reach the workspace.
      for (const id of [sessionId, NOBODYS])
        expect(
          await connectVerdict(site.url, { api_key: ADA_OFFICE, session_id: id, workspace: 'office' }),
        ).toBe('not_found open');
    }));

  test('SES-3 what such a connect is told is the same text as for an id that nobody has', () =>
    untouched(async ({ sessionId }) => {
      await using eve = await WireClient.open(site.url);
      const tell = async (session_id: string) =>
        (await eve.request('connect', { api_key: EVE, session_id }, 'the-connect')).raw;
      const [hers, nobodys] = [await tell(sessionId), await tell(NOBODYS)];
      expect(hers).toBe(nobodys);
    }));

  test('SES-5 MSG-18 her runs and questions are not there', () =>
    untouched(async (her) => {
      await using eve = await WireClient.connect(site.url, { api_key: EVE });
      const tell = async <T extends UpType>(type: T, data: UpInput<T>) =>
        JSON.stringify((await eve.request(type, data)).data);
      for (const runId of [her.runId, her.endedRunId]) {
        expect(await tell('run_cancel', { run_id: runId })).toBe(
          await tell('run_cancel', { run_id: NOBODYS }),
        );
        expect(await tell('run_retry', { run_id: runId })).toBe(await tell('run_retry', { run_id: NOBODYS }));
      }
      const answer = (request_id: string) =>
        tell('input_respond', { responses: [{ request_id, approved: true }] });
      expect(await answer(her.requestId)).toBe(await answer(NOBODYS));
      expect(await answer(her.requestId)).toContain('not_found');
      expect(eve.events).toEqual([]);
    }));

  test('DEL-13 her message ids are free, and her cursors lead nowhere', () =>
    untouched(async (her) => {
      await using eve = await WireClient.connect(site.url, {
        api_key: EVE,
        position: her.client.position,
        partial: { message_id: her.messageId, attempt: 1, next_index: 0 },
      });
      expect(eve.success?.outcome).toBe('fresh');
      const reply = await eve.request('chat_message', { content: 'eves words' }, her.messageId);
      expect(reply.data).toMatchObject({ status: 'success', seq: 1 });
      await eve.runFinished();
      for (const before_seq of [her.client.position.seq, 1_000_000]) {
        const page = await eve.request('history_request', { before_seq, limit: 500 });
        expect(page.raw).not.toContain('adas');
      }
      await using back = await WireClient.resume(site.url, eve, {
        api_key: EVE,
        position: her.client.position,
        partial: { message_id: her.messageId, attempt: 1, next_index: 0 },
      });
      expect(back.restored).toMatchObject({ outcome: 'reset', mode: 'snapshot' });
      expect(back.frames.map((frame) => frame.raw).join()).not.toContain('adas');
    }));

  test('RES-22 a message in flight is not shown to anybody who names it', async () => {
    await using ada = await WireClient.connect(site.url, { api_key: ADA });
    const run = await ask(ada, 'count to 40');
    await streamed(ada, run, 3);
    const { message_id, attempt } = (await ada.next('message_delta')).data as DownData<'message_delta'>;
    await using eve = await WireClient.connect(site.url, { api_key: EVE });
    await using back = await WireClient.resume(site.url, eve, {
      api_key: EVE,
      partial: { message_id, attempt, next_index: 0 },
    });
    expect(back.restored).toMatchObject({ partial: null, run: null });
    await ended(ada, run);
    expect(back.frames.some((frame) => frame.type === 'message_delta')).toBe(false);
  });

  test.each(['GET', 'PATCH', 'DELETE'])('HTP-4 %s of her threads is 404, as for nobody’s', (method) =>
    untouched(async ({ sessionId, namedId }) => {
      const body = method === 'PATCH' ? { title: 'mine now' } : undefined;
      for (const query of ['', '?limit=1', '?before_seq=3&roles=user'])
        for (const id of [sessionId, namedId]) {
          const ask1 = (thread: string, key = EVE) =>
            http(site, key, method, `/api/chat/threads/${thread}${query}`, body);
          const hers = await ask1(id);
          expect(hers.status).toBe(404);
          same(id, hers, await ask1(nobodys(id)));
          same(id, await ask1(id, ADA_OFFICE), await ask1(nobodys(id), ADA_OFFICE));
        }
      const byName = await http(site, EVE, method, `/api/chat/threads/${THREAD}`, body);
      expect(byName.status).toBe(404);
    }),
  );

  test('HTP-11 HTP-12 her names make threads of one’s own, and her lists and cursors show nothing', () =>
    untouched(async ({ sessionId, namedId }) => {
      for (const id of [THREAD, sessionId, namedId]) {
        const made = await http(site, EVE, 'POST', '/api/chat/threads', { id, title: 'eves' });
        expect(made.status).toBe(201);
        expect([sessionId, namedId]).not.toContain(
          (JSON.parse(made.body) as { session_id: string }).session_id,
        );
        expect((await http(site, EVE, 'DELETE', `/api/chat/threads/${id}`)).status).toBe(204);
      }
      const page = await http(site, ADA, 'GET', '/api/chat/threads?limit=1');
      const cursor = (JSON.parse(page.body) as ThreadList).next_cursor ?? '';
      expect(cursor).not.toBe('');
      const own = (await listThreads(site.url, EVE)).threads.map((thread) => thread.session_id);
      for (const path of [`?cursor=${cursor}`, '?domain=personal', '?workspace=personal&limit=200']) {
        const list = await http(site, EVE, 'GET', `/api/chat/threads${path}`);
        for (const { session_id } of (JSON.parse(list.body) as ThreadList).threads)
          expect(own).toContain(session_id);
        expect(list.body).not.toContain('adas');
      }
      const office = await http(site, ADA_OFFICE, 'GET', '/api/chat/threads');
      expect((JSON.parse(office.body) as ThreadList).threads).toEqual([]);
    }));

  // The times cannot be equal to the microsecond: the store reads a record that is there. But the server asks the store no
  // second time for a thread that the caller may not see, which would take half as long again.
  test.each(['GET', 'DELETE'])('HTP-4 %s takes no longer because the thread is another’s', async (method) => {
    const took = async (id: string) => {
      const began = performance.now();
      expect((await http(site, EVE, method, `/api/chat/threads/${id}`)).status).toBe(404);
      return performance.now() - began;
    };
    const [hers, nobody]: [number[], number[]] = [[], []];
    for (let i = 0; i < 300; i++) {
      // In turns, so that whatever else the machine does falls on both.
      hers.push(await took(her.sessionId));
      nobody.push(await took(nobodys(her.sessionId)));
    }
    expect(lowerQuartile(hers) / lowerQuartile(nobody)).toBeLessThan(1.4);
    expect(lowerQuartile(nobody) / lowerQuartile(hers)).toBeLessThan(1.4);
  });
});
