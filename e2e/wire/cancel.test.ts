import { describe, expect, test } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import { textOf } from '../../test-helpers/frame-checker.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { expectError } from './support/expect-frames.ts';
import { answersOf, ask, counted, ended, eventsOf, expectSoundLog, streamed } from './support/runs.ts';
import { describeStores } from './support/site.ts';

describeStores('run_cancel', { AGENT: 'demo' }, (site) => {
  describe.concurrent('of', () => {
    test('MSG-38 a run that streams keeps what it said, and ends', async () => {
      await using client = await WireClient.connect(site.url);
      await using other = await WireClient.connect(site.url, { session_id: client.sessionId });
      const runId = await ask(client, 'count to 500');
      await streamed(client, runId, 5);
      const reply = await other.request('run_cancel', { run_id: runId }, 'my-cancel-1');
      const end = await ended(client, runId);
      expect(end).toMatchObject({ outcome: 'canceled' });
      const [finished] = eventsOf(client, 'run_finished');
      expect(reply.data).toEqual({
        original_type: 'run_cancel',
        message_id: 'my-cancel-1',
        seq: finished?.seq,
        status: 'success',
      });
      const [kept] = eventsOf(client, 'message_completed');
      expect(kept?.seq).toBe((finished?.seq ?? 0) - 1);
      expect(kept?.data.message.status).toBe('partial');
      const text = textOf(kept!.data.message);
      expect(text.length).toBeGreaterThan(5);
      expect(counted(500).startsWith(text)).toBe(true);
      // Nothing of it follows: the next answer comes, whole.
      const next = await ask(client, 'count to 3');
      await ended(client, next);
      expect(answersOf(client, next)).toEqual([counted(3)]);
      expect(answersOf(client, runId)).toEqual([text]);
      expectSoundLog(client);
    });

    test('MSG-38 a run that waits in the queue never begins', async () => {
      await using client = await WireClient.connect(site.url);
      const first = await ask(client, 'count to 20');
      const second = await ask(client, 'hello');
      const reply = await client.request('run_cancel', { run_id: second });
      expect(await ended(client, second)).toMatchObject({ outcome: 'canceled', attempt: 0 });
      expect(reply.data).toMatchObject({ seq: eventsOf(client, 'run_finished')[0]?.seq });
      expect(await ended(client, first)).toMatchObject({ outcome: 'completed' });
      expect(answersOf(client, first)).toEqual([counted(20)]);
      expect(eventsOf(client, 'run_started').map((event) => event.data.run_id)).toEqual([first]);
      expectSoundLog(client);
    });

    test('MSG-38 a run that waits for a person resolves its request', async () => {
      await using client = await WireClient.connect(site.url);
      const runId = await ask(client, 'plan Tea');
      const { data: request } = await client.next('input_requested');
      await client.request('run_cancel', { run_id: runId });
      await ended(client, runId);
      const [resolved] = eventsOf(client, 'input_resolved');
      expect(resolved?.data).toEqual({
        run_id: runId,
        request_id: request.request_id,
        resolution: 'canceled',
      });
      const responses = [{ request_id: request.request_id, approved: true }];
      expectError(await client.request('input_respond', { responses }), {
        error_type: 'conflict',
        code: 409,
      });
      expect((await client.request('context_request', {})).data).toMatchObject({
        workflow: { status: 'canceled' },
      });
      expectSoundLog(client);
    });

    test('MSG-38 DEL-23 a run with a tool at work gives it an error result', async () => {
      // The tool may be quicker than the cancel: then once more.
      for (let canceled = false; !canceled; ) {
        await using client = await WireClient.connect(site.url);
        const runId = await ask(client, 'plan Tea');
        const { data: call } = await client.next('tool_call');
        await client.request('run_cancel', { run_id: runId });
        expect(await ended(client, runId)).toMatchObject({ outcome: 'canceled' });
        const [result] = eventsOf(client, 'tool_result');
        expect(result?.data.tool_call_id).toBe(call.tool_call_id);
        canceled = result?.data.error?.code === 'canceled';
        expectSoundLog(client);
      }
    });

    test('MSG-39 a run that has ended is acknowledged with seq null, and nothing changes', async () => {
      await using client = await WireClient.connect(site.url);
      const runId = await ask(client, 'hello');
      await ended(client, runId);
      const { seq } = client.position;
      const reply = await client.request('run_cancel', { run_id: runId }, 'my-cancel-1');
      expect(reply.raw).toBe(
        '{"type":"message_delivered","data":{"original_type":"run_cancel","message_id":"my-cancel-1","seq":null,"status":"success"},"reply_to":"my-cancel-1"}',
      );
      expect((await client.request('context_request', {})).data).toMatchObject({ position: { seq } });
    });

    test('MSG-39 SES-5 a run of another session, or that never was, is not found', async () => {
      await using client = await WireClient.connect(site.url);
      await using other = await WireClient.connect(site.url);
      const runId = await ask(client, 'count to 20');
      for (const run_id of [runId, 'never-was', '!fin:x', '']) {
        const reply = await other.request('run_cancel', { run_id });
        if (run_id === '') expectError(reply, { error_type: 'invalid_message', code: 422 });
        else expectError(reply, { error_type: 'not_found', code: 404 });
      }
      expect(await ended(client, runId)).toMatchObject({ outcome: 'completed' });
    });

    test('DEL-11 the same cancel again is a duplicate', async () => {
      await using client = await WireClient.connect(site.url);
      const runId = await ask(client, 'count to 100');
      await streamed(client, runId, 2);
      const first = await client.request('run_cancel', { run_id: runId }, 'my-cancel-1');
      client.send('run_cancel', { run_id: runId }, 'my-cancel-1');
      const again = await client.next('message_delivered', (data) => data.status === 'duplicate');
      expect(again.data.seq).toBe((first.data as DownData<'message_delivered'>).seq);
    });

    test('MSG-40 of a cancel and a completion exactly one is in the log', async () => {
      await using client = await WireClient.connect(site.url);
      const outcomes = new Set<string>();
      let pings = 0;
      for (let i = 0; i < 40; i++) {
        const runId = await ask(client, 'count to 1');
        // Later each time that it was too soon, and sooner each time that it was too late: close to its end in the end.
        for (let wait = 0; wait < pings; wait++) await client.request('ping', {});
        const reply = await client.request('run_cancel', { run_id: runId });
        const { outcome } = await ended(client, runId);
        outcomes.add(outcome);
        pings = outcome === 'canceled' ? 2 * pings + 1 : pings >> 1;
        const { seq } = reply.data as DownData<'message_delivered'>;
        const end = eventsOf(client, 'run_finished').find((event) => event.data.run_id === runId);
        expect(seq).toBe(outcome === 'canceled' ? end?.seq : null);
      }
      expectSoundLog(client);
      expect([...outcomes].sort()).toEqual(['canceled', 'completed']);
    });
  });
});
