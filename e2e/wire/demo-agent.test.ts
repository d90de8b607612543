import { describe, expect, test } from 'vitest';
import { type DownData, isEventType } from '../../protocol/chat/down.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { answersOf, ask, converse, counted, ended, eventsOf, expectSoundLog } from './support/runs.ts';
import { describeStores } from './support/site.ts';

const STEPS = ['gather', 'outline', 'draft', 'review', 'publish'];

describeStores('the demo agent', { AGENT: 'demo' }, (site) => {
  describe.concurrent('says', () => {
    test.for([
      ['count to 1', '1'],
      ['  COUNT To 12 ', counted(12)],
      ['count to 0', 'Message 1: "count to 0"'],
      ['count to 501', 'Message 1: "count to 501"'],
      ['remember tea is green', 'Remembered tea = green.'],
      ['prefer theme dark', 'Preference theme = dark.'],
      ['recall tea', 'I know no tea.'],
      ['calc (1 + 2) * 3', '(1 + 2) * 3 = 9'],
      ['hello "there"\n😀', 'Message 1: "hello "there"\n😀"'],
    ])('DEM-1 %j is answered %j', async ([content, answer]) => {
      await using client = await WireClient.connect(site.url);
      expect(await converse(client, content!)).toBe(answer);
      expectSoundLog(client);
    });

    test('DEM-1 it counts the person’s messages', async () => {
      await using client = await WireClient.connect(site.url);
      expect(await converse(client, 'one')).toBe('Message 1: "one"');
      expect(await converse(client, 'calc 1+1')).toBe('1+1 = 2');
      expect(await converse(client, 'three')).toBe('Message 3: "three"');
    });

    test('DEL-1 events are numbered from 1 and tagged, and nothing else is', async () => {
      await using client = await WireClient.connect(site.url);
      const run = await ask(client, 'calc 6*7');
      await client.request('context_update', { memory: { a: 1 } });
      await client.request('history_request', {});
      await client.request('history_request', { limit: 0 });
      await ended(client, run);
      await client.request('ping', {});
      for (const { type, seq, tag, ts } of client.frames)
        expect([type, typeof seq, typeof tag, typeof ts]).toEqual(
          isEventType(type)
            ? [type, 'number', 'string', 'string']
            : [type, 'undefined', 'undefined', 'undefined'],
        );
      expect(client.events.length).toBeGreaterThan(5);
      expect(client.events.map(({ seq }) => seq)).toEqual(client.events.map((_, i) => i + 1));
      expect(new Set(client.events.map(({ tag }) => tag)).size).toBe(client.events.length);
    });

    test('DEL-21 DEL-30 DEL-31 DEL-32 an answer is streamed, and then there whole', async () => {
      await using client = await WireClient.connect(site.url);
      const runId = await ask(client, 'count to 15');
      await ended(client, runId);
      const types = client.frames.slice(3).map((frame) => frame.type);
      expect(types.filter((type) => type !== 'message_delta' && type !== 'message_delivered')).toEqual([
        'message_created',
        'run_queued',
        'run_started',
        'message_started',
        'message_completed',
        'run_finished',
      ]);
      const deltas = client.frames
        .filter((frame) => frame.type === 'message_delta')
        .map((frame) => frame.data as DownData<'message_delta'>);
      expect(deltas.length).toBeGreaterThan(5);
      expect(deltas.map((delta) => delta.index)).toEqual(deltas.map((_, i) => i));
      expect(new Set(deltas.map(({ attempt, part, kind }) => `${attempt} ${part} ${kind}`))).toEqual(
        new Set(['1 0 text']),
      );
      expect(deltas.map((delta) => delta.delta).join('')).toBe(counted(15));
      const [completed] = eventsOf(client, 'message_completed');
      expect(completed?.data.message).toEqual({
        id: deltas[0]?.message_id,
        seq: completed?.seq,
        role: 'assistant',
        parts: [{ type: 'text', text: counted(15) }],
        status: 'completed',
        run_id: runId,
        ts: expect.any(String),
      });
    });

    test('DEM-3 DEM-4 what it remembers is in the context, and RES-13 in a restore', async () => {
      await using client = await WireClient.connect(site.url);
      await converse(client, 'remember Favourite Tea is Darjeeling');
      await converse(client, 'prefer theme dark');
      expect(await converse(client, 'recall favourite tea')).toMatch(/ is Darjeeling\.$/);
      expect((await client.request('context_request', {})).data).toMatchObject({
        memory: { 'Favourite Tea': 'Darjeeling' },
        preferences: { theme: 'dark' },
      });
      await using again = await WireClient.connect(site.url, { session_token: client.token });
      expect(again.restored?.context).toMatchObject({ memory: { 'Favourite Tea': 'Darjeeling' } });
    });

    test('DEM-3 it sees what a person changed', async () => {
      await using client = await WireClient.connect(site.url);
      await client.request('context_update', { memory: { name: 'Ada' } });
      expect(await converse(client, 'recall name')).toBe('name is Ada.');
      await client.request('context_update', { memory: { name: null } });
      expect(await converse(client, 'recall name')).toBe('I know no name.');
    });

    test('DEM-5 SES-34 a calculation is a tool call that everybody can see', async () => {
      await using client = await WireClient.connect(site.url);
      const runId = await ask(client, 'calc 6 * 7');
      await ended(client, runId);
      const [call] = eventsOf(client, 'tool_call');
      const [result] = eventsOf(client, 'tool_result');
      expect(call?.data).toMatchObject({
        run_id: runId,
        name: 'calculator',
        arguments: { expression: '6 * 7' },
      });
      expect(result?.data).toEqual({
        run_id: runId,
        tool_call_id: call?.data.tool_call_id,
        result: { result: '42' },
      });
      const { data } = await client.request('context_request', {});
      expect(data).toMatchObject({ tool_calls: [{ ...call?.data, result: { result: '42' } }] });
      // RES-15: history shows what the run came to, and its calls at its last message.
      const history = (await client.request('history_request', {})).data as DownData<'history'>;
      expect(history.messages.map(({ role, run_outcome }) => [role, run_outcome])).toEqual([
        ['user', 'completed'],
        ['assistant', 'completed'],
      ]);
      expect(history.messages[1]?.tool_calls).toHaveLength(1);
    });

    test('DEM-6 a bad expression is an error of the tool, told politely', async () => {
      await using client = await WireClient.connect(site.url);
      const answer = await converse(client, 'calc 1 / 0');
      expect(answer).toMatch(/1 \/ 0/);
      const [result] = eventsOf(client, 'tool_result');
      expect(result?.data.error).toEqual({ code: 'division_by_zero', message: expect.any(String) });
      expect(result?.data).not.toHaveProperty('result');
      expectSoundLog(client);
    });

    test('DEM-7 SES-35 a plan takes five steps, asks, and goes on when it may', async () => {
      await using client = await WireClient.connect(site.url);
      const runId = await ask(client, 'plan Tea');
      const { data: request } = await client.next('input_requested');
      expect(request).toMatchObject({
        run_id: runId,
        kind: 'approval',
        prompt: expect.stringContaining('Tea'),
      });
      const during = (await client.request('context_request', {})).data as DownData<'context'>;
      expect(during.workflow).toMatchObject({
        workflow_id: runId,
        step: 4,
        total_steps: 5,
        status: 'waiting_input',
        pending: ['review', 'publish'],
      });
      expect(during.workflow?.completed.map((step) => step.name)).toEqual(STEPS.slice(0, 3));
      const responses = [{ request_id: request.request_id, approved: true }];
      const reply = await client.request('input_respond', { responses });
      const { data: resolved, seq } = await client.next('input_resolved');
      expect(reply.data).toMatchObject({ status: 'success', seq });
      expect(resolved).toMatchObject({
        resolution: 'answered',
        approved: true,
        resolved_by: client.success?.user.subject,
      });
      expect(await ended(client, runId)).toMatchObject({ outcome: 'completed', attempt: 1 });
      expect(eventsOf(client, 'step_started').map((event) => event.data.step.name)).toEqual(STEPS);
      expect(eventsOf(client, 'step_completed').map((event) => event.data.step)).toEqual(
        STEPS.map((name, i) => ({ index: i + 1, name, status: 'completed' })),
      );
      expect(eventsOf(client, 'tool_call').length).toBeGreaterThanOrEqual(5);
      const after = (await client.request('context_request', {})).data as DownData<'context'>;
      expect(after.workflow).toMatchObject({ step: 5, pending: [], status: 'completed' });
      expect(answersOf(client, runId)).toHaveLength(1);
      expectSoundLog(client);
    });

    test('DEM-8 it ends canceled when it may not', async () => {
      await using client = await WireClient.connect(site.url);
      const runId = await ask(client, 'plan Tea');
      const { data: request } = await client.next('input_requested');
      await client.request('input_respond', {
        responses: [{ request_id: request.request_id, approved: false }],
      });
      expect(await ended(client, runId)).toMatchObject({ outcome: 'canceled' });
      const { data } = await client.request('context_request', {});
      expect(data).toMatchObject({ workflow: { status: 'canceled', pending: ['review', 'publish'] } });
      expectSoundLog(client);
    });
  });
});

describeStores('coalescing', { AGENT: 'demo', CHUNK_COALESCE_MS: '400' }, (site) => {
  test('DEL-37 what comes faster goes out together', async () => {
    await using client = await WireClient.connect(site.url);
    const began = performance.now();
    expect(await converse(client, 'count to 30')).toBe(counted(30));
    const most = Math.ceil((performance.now() - began) / 400) + 1;
    const deltas = client.frames.filter((frame) => frame.type === 'message_delta');
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.length).toBeLessThanOrEqual(most);
  });
});
