import { describe, expect, test } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { expectError } from './support/expect-frames.ts';
import {
  answersOf,
  ask,
  converse,
  counted,
  ended,
  eventsOf,
  expectSoundLog,
  streamed,
} from './support/runs.ts';
import { describeStores } from './support/site.ts';

const BUSY = { error_type: 'busy', code: 409, retryable: true } as const;
const CONFLICT = { error_type: 'conflict', code: 409, retryable: false } as const;

describeStores('messages while a run is in hand', { AGENT: 'demo', MAX_QUEUED_RUNS: '3' }, (site) => {
  describe.concurrent('on_busy', () => {
    test('MSG-33 enqueue: they are answered one after another, in their order', async () => {
      await using client = await WireClient.connect(site.url);
      const runs = [await ask(client, 'count to 10')];
      for (const text of ['calc 1+1', 'calc 2+2', 'calc 3+3']) runs.push(await ask(client, text));
      for (const run of runs) expect(await ended(client, run)).toMatchObject({ outcome: 'completed' });
      expect(eventsOf(client, 'run_started').map((event) => event.data.run_id)).toEqual(runs);
      expect(runs.flatMap((run) => answersOf(client, run))).toEqual([
        counted(10),
        '1+1 = 2',
        '2+2 = 4',
        '3+3 = 6',
      ]);
      expectSoundLog(client);
    });

    test('MSG-34 reject: nothing is stored, and the same message is taken later', async () => {
      await using client = await WireClient.connect(site.url);
      const first = await ask(client, 'count to 500');
      const data = { content: 'hello', on_busy: 'reject' } as const;
      expectError(await client.request('chat_message', data, 'rejected-1'), {
        ...BUSY,
        reply_to: 'rejected-1',
      });
      await client.request('run_cancel', { run_id: first });
      await ended(client, first);
      expect(eventsOf(client, 'message_created')).toHaveLength(1);
      client.send('chat_message', data, 'rejected-1');
      const taken = await client.find((f) => f.type === 'message_delivered' && f.reply_to === 'rejected-1');
      expect(taken.data).toMatchObject({ status: 'success' });
      await client.find(
        (f) => f.type === 'run_finished' && f.seq! > (taken.data as DownData<'message_delivered'>).seq!,
      );
      expectSoundLog(client);
    });

    test('MSG-37 a message that was taken is a duplicate, busy or not', async () => {
      await using client = await WireClient.connect(site.url);
      const data = { content: 'count to 10', on_busy: 'reject' } as const;
      await client.request('chat_message', data, 'my-message-1');
      await client.next('run_started');
      client.send('chat_message', data, 'my-message-1');
      const again = await client.next('message_delivered');
      expect(again.data).toMatchObject({ status: 'duplicate', seq: 1 });
      // Nor does a repeated interrupt interrupt what came after it.
      await client.runFinished();
      const interrupt = { content: 'hello', on_busy: 'interrupt' } as const;
      await client.request('chat_message', interrupt, 'my-message-2');
      await client.runFinished();
      const run = await ask(client, 'count to 10');
      client.send('chat_message', interrupt, 'my-message-2');
      await client.next('message_delivered', (d) => d.status === 'duplicate');
      expect(await ended(client, run)).toMatchObject({ outcome: 'completed' });
    });

    test('MSG-35 interrupt: the run in hand ends canceled, and the new one goes before those that wait', async () => {
      await using client = await WireClient.connect(site.url);
      const first = await ask(client, 'count to 500');
      const waiting = await ask(client, 'calc 1+1');
      await streamed(client, first, 3);
      const urgent = await ask(client, 'calc 2+2', { on_busy: 'interrupt' });
      expect(await ended(client, first)).toMatchObject({
        outcome: 'canceled',
        error: { code: 'interrupted' },
      });
      await ended(client, waiting);
      expect(eventsOf(client, 'run_started').map((event) => event.data.run_id)).toEqual([
        first,
        urgent,
        waiting,
      ]);
      const queued = eventsOf(client, 'run_queued').find((event) => event.data.run_id === urgent);
      expect(queued?.data.ahead).toBe(true);
      // One append: message, partial answer, end and new run stand together.
      const at = eventsOf(client, 'run_finished').find((event) => event.data.run_id === first)?.seq ?? 0;
      expect(client.events.slice(at - 2, at + 2).map((event) => event.type)).toEqual([
        'message_completed',
        'run_finished',
        'message_created',
        'run_queued',
      ]);
      expectSoundLog(client);
    });

    test('MSG-35 interrupt where nothing is at work is a message like any other', async () => {
      await using client = await WireClient.connect(site.url);
      const run = await ask(client, 'hello', { on_busy: 'interrupt' });
      await ended(client, run);
      expect(eventsOf(client, 'run_queued')[0]?.data).toEqual({
        run_id: run,
        message_id: expect.any(String),
      });
    });

    test('MSG-36 beyond MAX_QUEUED_RUNS nothing is stored; an interrupt takes the place of what it ends', async () => {
      await using client = await WireClient.connect(site.url);
      const first = await ask(client, 'count to 500');
      await streamed(client, first, 1);
      for (let i = 0; i < 3; i++) await ask(client, `calc ${i}`);
      const over = await client.request('chat_message', { content: 'one more' });
      expectError(over, { error_type: 'limit_exceeded', code: 413, retryable: false });
      expect(eventsOf(client, 'message_created')).toHaveLength(4);
      const urgent = await ask(client, 'hello', { on_busy: 'interrupt' });
      await ended(client, urgent);
      const last = eventsOf(client, 'run_queued')[3]?.data.run_id ?? '';
      await ended(client, last);
      expectSoundLog(client);
    });
  });

  describe.concurrent('run_retry', () => {
    test('MSG-41 of the last run answers the same message anew', async () => {
      await using client = await WireClient.connect(site.url);
      await converse(client, 'first');
      const run = await ask(client, 'second');
      await ended(client, run);
      const [, message] = eventsOf(client, 'message_created');
      const reply = await client.request('run_retry', { run_id: run });
      const again = await client.next('run_queued', (data) => data.retry_of === run);
      expect(reply.data).toMatchObject({ original_type: 'run_retry', status: 'success', seq: again.seq });
      expect(again.data).toEqual({
        run_id: expect.not.stringMatching(run),
        message_id: message?.data.message.id,
        retry_of: run,
      });
      const second = await ended(client, again.data.run_id);
      expect(second).toMatchObject({ outcome: 'completed', retry_of: run });
      expect(answersOf(client, again.data.run_id)).toEqual(['Message 2: "second"']);
      expect(eventsOf(client, 'message_created')).toHaveLength(2);
      // The retry can be retried, and then it is the last one.
      expectError(await client.request('run_retry', { run_id: run }), CONFLICT);
      await client.request('run_retry', { run_id: again.data.run_id });
      await client.next('run_finished', (data) => data.retry_of === again.data.run_id);
      expectSoundLog(client);
    });

    test('MSG-41 of a canceled run too', async () => {
      await using client = await WireClient.connect(site.url);
      const run = await ask(client, 'count to 500');
      await streamed(client, run, 2);
      await client.request('run_cancel', { run_id: run });
      await client.request('run_retry', { run_id: run });
      const again = await client.next('run_queued', (data) => data.retry_of === run);
      await client.request('run_cancel', { run_id: again.data.run_id });
      expect(await ended(client, again.data.run_id)).toMatchObject({ outcome: 'canceled' });
      expectSoundLog(client);
    });

    test('MSG-41 of an earlier run, or while one is in hand, is a conflict; of none, not found', async () => {
      await using client = await WireClient.connect(site.url);
      expectError(await client.request('run_retry', { run_id: 'never-was' }), {
        error_type: 'not_found',
        code: 404,
      });
      const first = await ask(client, 'one');
      await ended(client, first);
      await converse(client, 'two');
      expectError(await client.request('run_retry', { run_id: first }), CONFLICT);
      expectError(await client.request('run_retry', { run_id: 'never-was' }), CONFLICT);
      const busy = await ask(client, 'count to 20');
      expectError(await client.request('run_retry', { run_id: busy }), CONFLICT);
      await ended(client, busy);
      expect(eventsOf(client, 'run_queued')).toHaveLength(3);
    });
  });
});

describeStores('without an agent', {}, (site) => {
  test('MSG-33 a message starts no run', async () => {
    await using client = await WireClient.connect(site.url);
    for (const on_busy of ['enqueue', 'reject', 'interrupt'] as const) await client.say('hello', { on_busy });
    expect(client.events.map((event) => event.type)).toEqual(Array(3).fill('message_created'));
    await using again = await WireClient.resume(site.url, client);
    expect(again.restored).toMatchObject({ run: null, queued_runs: [] });
  });
});
