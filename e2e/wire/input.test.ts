import { describe, expect, test } from 'vitest';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { expectError } from './support/expect-frames.ts';
import { ask, ended, eventsOf, expectSoundLog } from './support/runs.ts';
import { describeStores } from './support/site.ts';

const CONFLICT = { error_type: 'conflict', code: 409, retryable: false } as const;
const NOT_FOUND = { error_type: 'not_found', code: 404, retryable: false } as const;

describeStores('input_respond', { AGENT: 'demo' }, (site) => {
  /** A session whose run asks, and the id of its request. */
  async function asking() {
    const client = await WireClient.connect(site.url);
    const runId = await ask(client, 'plan Tea');
    const { data } = await client.next('input_requested');
    return { client, runId, request_id: data.request_id };
  }

  describe.concurrent('an answer', () => {
    test('MSG-42 may come from any device; an equal one is a duplicate, another a conflict', async () => {
      const { client, runId, request_id } = await asking();
      await using asker = client;
      await using phone = await WireClient.connect(site.url, { session_id: asker.sessionId });
      expect(phone.restored?.run).toMatchObject({
        run_id: runId,
        state: 'waiting_input',
        pending_inputs: [{ request_id, kind: 'approval' }],
      });
      const yes = { responses: [{ request_id, approved: true }] };
      const first = await phone.request('input_respond', yes);
      const [resolved] = eventsOf(phone, 'input_resolved');
      expect(first.data).toMatchObject({ status: 'success', seq: resolved?.seq });
      const equal = await asker.request('input_respond', yes);
      expect(equal.data).toMatchObject({ status: 'duplicate', seq: resolved?.seq });
      expectError(
        await asker.request('input_respond', { responses: [{ request_id, approved: false }] }),
        CONFLICT,
      );
      expectError(
        await asker.request('input_respond', { responses: [{ request_id, approved: true, value: 'and' }] }),
        CONFLICT,
      );
      expect(await ended(asker, runId)).toMatchObject({ outcome: 'completed' });
      // After the end as well.
      expect((await phone.request('input_respond', yes)).data).toMatchObject({ status: 'duplicate' });
      expect(eventsOf(asker, 'input_resolved')).toHaveLength(1);
      expectSoundLog(asker);
    });

    test('MSG-42 of two at once one is taken', async () => {
      const { client, runId, request_id } = await asking();
      await using asker = client;
      await using phone = await WireClient.connect(site.url, { session_id: asker.sessionId });
      const replies = await Promise.all([
        asker.request('input_respond', { responses: [{ request_id, approved: true }] }),
        phone.request('input_respond', { responses: [{ request_id, approved: false }] }),
      ]);
      expect(replies.map((reply) => reply.type).sort()).toEqual(['error', 'message_delivered']);
      expectError(
        replies.find((reply) => reply.type === 'error'),
        CONFLICT,
      );
      const taken = replies[0]?.type === 'message_delivered';
      expect(await ended(asker, runId)).toMatchObject({ outcome: taken ? 'completed' : 'canceled' });
    });

    test('MSG-42 an approval needs approved, and a request must be there', async () => {
      const { client, runId, request_id } = await asking();
      await using asker = client;
      await using other = await WireClient.connect(site.url);
      expectError(
        await asker.request('input_respond', { responses: [{ request_id, value: 'yes' }] }),
        CONFLICT,
      );
      const yes = [{ request_id, approved: true }];
      expectError(await other.request('input_respond', { responses: yes }), NOT_FOUND);
      expectError(
        await asker.request('input_respond', { responses: [{ request_id: 'no-such', approved: true }] }),
        NOT_FOUND,
      );
      for (const responses of [[], [{ request_id }], [...yes, ...yes]]) {
        const reply = await asker.request('input_respond', { responses });
        expectError(reply, { error_type: 'invalid_message', code: 422 });
      }
      await asker.request('run_cancel', { run_id: runId });
    });

    test('MSG-43 a batch is applied wholly or not at all', async () => {
      const { client, runId, request_id } = await asking();
      await using asker = client;
      const responses = [
        { request_id, approved: true },
        { request_id: 'no-such', approved: true },
      ];
      expectError(await asker.request('input_respond', { responses }, 'my-batch-1'), NOT_FOUND);
      expect(eventsOf(asker, 'input_resolved')).toEqual([]);
      // The refused batch was not remembered: its id may be used for what is right.
      asker.send('input_respond', { responses: responses.slice(0, 1) }, 'my-batch-1');
      await asker.next('input_resolved');
      expect(await ended(asker, runId)).toMatchObject({ outcome: 'completed' });
    });

    test('DEL-11 the same message again is a duplicate', async () => {
      const { client, request_id } = await asking();
      await using asker = client;
      const no = { responses: [{ request_id, approved: false }] };
      await asker.request('input_respond', no, 'my-answer-1');
      asker.send('input_respond', no, 'my-answer-1');
      const again = await asker.next('message_delivered', (data) => data.status === 'duplicate');
      expect(again.data.seq).toBe(eventsOf(asker, 'input_resolved')[0]?.seq);
    });
  });
});
