import { describe, expect, test } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import { advanceClock, untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { answersOf, ask, counted, ended, eventsOf, expectSoundLog, streamed } from './support/runs.ts';
import { describeStores } from './support/site.ts';
import { threadRequest } from './support/threads.ts';

type Delta = DownData<'message_delta'>;
const deltasOf = (client: WireClient) =>
  client.frames.filter((frame) => frame.type === 'message_delta').map((frame) => frame.data as Delta);
const partialText = (client: WireClient) =>
  client.restored?.partial?.chunks.map((chunk) => chunk.delta).join('') ?? '';
const streamedText = (client: WireClient) =>
  partialText(client) +
  deltasOf(client)
    .map((d) => d.delta)
    .join('');

describeStores('coming back to a run', { AGENT: 'demo' }, (site) => {
  describe.concurrent('that streams', () => {
    test('RES-20 RES-22 RES-23 a snapshot shows it from its first chunk, and it goes on from there', async () => {
      await using client = await WireClient.connect(site.url);
      const run = await ask(client, 'count to 40');
      const waiting = await ask(client, 'hello');
      await streamed(client, run, 5);
      await using back = await WireClient.connect(site.url, { session_token: client.token });
      const { restored } = back;
      const [question, next] = eventsOf(client, 'message_created');
      expect(restored?.run).toEqual({
        run_id: run,
        message_id: question?.data.message.id,
        state: 'running',
        pending_inputs: [],
      });
      expect(restored?.queued_runs).toEqual([
        { run_id: waiting, message_id: next?.data.message.id, state: 'queued', pending_inputs: [] },
      ]);
      expect(restored?.partial).toMatchObject({
        message_id: deltasOf(client)[0]?.message_id,
        attempt: 1,
        from_index: 0,
      });
      expect(restored?.partial?.chunks.length).toBeGreaterThanOrEqual(5);
      await ended(back, run);
      // The answer to the one that waited may have begun.
      const rest = deltasOf(back).filter((delta) => delta.message_id === restored?.partial?.message_id);
      expect(partialText(back) + rest.map((delta) => delta.delta).join('')).toBe(counted(40));
      expect(back.frames.filter((frame) => frame.type === 'message_started').length).toBeLessThanOrEqual(1);
      await ended(client, waiting);
      expect(client.events.slice(-1)).toEqual((await nextEvents(back, client)).slice(-1));
    });

    test('RES-22 a client that says what it holds gets only the rest', async () => {
      await using client = await WireClient.connect(site.url);
      const run = await ask(client, 'count to 40');
      await streamed(client, run, 6);
      client.cut();
      const held = deltasOf(client);
      const { message_id, attempt, index } = held.at(-1)!;
      await using back = await WireClient.resume(site.url, client, {
        partial: { message_id, attempt, next_index: index + 1 },
      });
      expect(back.restored).toMatchObject({ mode: 'replay', partial: { from_index: index + 1 } });
      await ended(back, run);
      expect(held.map((delta) => delta.delta).join('') + streamedText(back)).toBe(counted(40));
    });

    test('RES-22 a position in another message or attempt, or beyond the end, starts from 0', async () => {
      await using client = await WireClient.connect(site.url);
      const run = await ask(client, 'count to 60');
      await streamed(client, run, 4);
      const { message_id } = deltasOf(client)[0]!;
      for (const partial of [
        { message_id, attempt: 2, next_index: 2 },
        { message_id: 'another', attempt: 1, next_index: 2 },
        { message_id, attempt: 1, next_index: 10_000 },
      ]) {
        await using back = await WireClient.resume(site.url, client, { partial });
        expect(back.restored?.partial).toMatchObject({ message_id, attempt: 1, from_index: 0 });
        expect(counted(60).startsWith(partialText(back))).toBe(true);
      }
      await client.request('run_cancel', { run_id: run });
    });

    test('RES-24 an answer that was completed meanwhile comes as a message', async () => {
      await using client = await WireClient.connect(site.url);
      const run = await ask(client, 'count to 10');
      await streamed(client, run, 3);
      const { position } = client;
      const { message_id, attempt } = deltasOf(client)[0]!;
      await ended(client, run);
      await using back = await WireClient.resume(site.url, client, {
        position,
        partial: { message_id, attempt, next_index: 3 },
      });
      expect(back.restored).toMatchObject({ mode: 'replay', partial: null, run: null });
      await ended(back, run);
      expect(answersOf(back, run)).toEqual([counted(10)]);
      expect(deltasOf(back)).toEqual([]);
    });

    test('DEL-2 DEL-31 whoever comes and goes at any moment gets the text exactly once', async () => {
      await using stays = await WireClient.connect(site.url);
      const run = await ask(stays, 'count to 60');
      await streamed(stays, run, 1);
      let text = '';
      let last: WireClient = stays;
      let held: undefined | { message_id: string; attempt: number; next_index: number };
      for (let hop = 0; hop < 12; hop++) {
        await using client: WireClient = await WireClient.resume(
          site.url,
          last,
          held === undefined ? {} : { partial: held },
        );
        const { partial } = client.restored!;
        if (partial === null) break;
        if (partial.from_index === 0) text = '';
        const count = deltasOf(client).length + (hop % 3);
        await client.find(
          () => deltasOf(client).length >= count || eventsOf(client, 'message_completed').length > 0,
        );
        client.cut();
        text += streamedText(client);
        expect(counted(60).startsWith(text)).toBe(true);
        const end = deltasOf(client).at(-1)?.index ?? partial.from_index + partial.chunks.length - 1;
        held = { message_id: partial.message_id, attempt: partial.attempt, next_index: end + 1 };
        last = client;
      }
      await ended(stays, run);
      expect(streamedText(stays)).toBe(counted(60));
    });

    test('DEL-24 it goes on when everybody has gone', async () => {
      await using client = await WireClient.connect(site.url);
      const run = await ask(client, 'count to 30');
      await streamed(client, run, 2);
      client.cut();
      const read = () => threadRequest(site.url, client.sessionId);
      while ((await read()).body.last_message?.role !== 'assistant');
      await using back = await WireClient.resume(site.url, client);
      expect(back.restored).toMatchObject({ mode: 'replay', run: null, partial: null });
      expect(await ended(back, run)).toMatchObject({ outcome: 'completed' });
      expect(answersOf(back, run)).toEqual([counted(30)]);
    });
  });
});

/** The first client's events, once it has all that the second one has. */
async function nextEvents(client: WireClient, other: WireClient) {
  await client.find((frame) => frame.seq === other.position.seq);
  return client.events;
}

// The clock is moved: one session at a time. A lease that outlives the jumps keeps the runs with their executor.
describeStores('expiry and runs', { AGENT: 'demo', RUN_LEASE_MS: '86400000' }, (site) => {
  test('SES-17 a run at work defers expiry to its end', async () => {
    const client = await WireClient.connect(site.url);
    const run = await ask(client, 'count to 100');
    await streamed(client, run, 2);
    client.cut();
    await untilConnections(site.url, 0);
    await site.advance(400_000);
    await using back = await WireClient.resume(site.url, client);
    expect(back.success).toMatchObject({ outcome: 'restored', tier: 'medium' });
    expect(back.restored?.run).toMatchObject({ run_id: run, state: 'running' });
    expect(back.restored?.warnings.map((warning) => warning.code)).toEqual(
      expect.arrayContaining(['away', 'run_in_hand']),
    );
    expect(await ended(back, run)).toMatchObject({ outcome: 'completed' });
    expect(answersOf(back, run)).toEqual([counted(100)]);
  });

  test('SES-17 and the session expires when it ends', async () => {
    const client = await WireClient.connect(site.url);
    const run = await ask(client, 'count to 20');
    await streamed(client, run, 2);
    client.cut();
    await untilConnections(site.url, 0);
    await site.advance(400_000);
    const read = () => threadRequest(site.url, client.sessionId);
    while ((await read()).body.last_message?.role !== 'assistant');
    await using back = await WireClient.resume(site.url, client);
    expect(back.success).toMatchObject({ outcome: 'expired' });
    const { history, archived } = (await read()).body;
    expect(archived).toBe(true);
    expect(history.messages.map(({ run_outcome }) => run_outcome)).toEqual(['completed', 'completed']);
  });

  test('SES-17 but by no more than RUN_MAX_MS', async () => {
    const client = await WireClient.connect(site.url);
    const run = await ask(client, 'count to 200');
    await streamed(client, run, 2);
    client.cut();
    await untilConnections(site.url, 0);
    await site.advance(901_000);
    await using back = await WireClient.resume(site.url, client);
    expect(back.success).toMatchObject({ outcome: 'expired' });
    const { history } = (await threadRequest(site.url, client.sessionId)).body;
    // What was said is kept.
    expect(history.messages.map(({ role, status }) => [role, status])).toEqual([
      ['user', 'completed'],
      ['assistant', 'partial'],
    ]);
    expect(
      history.messages.every(({ run_outcome }) => run_outcome !== undefined && run_outcome !== 'completed'),
    ).toBe(true);
  });

  test('SES-17 a run that waits for a person does not: it ends canceled with its session', async () => {
    const client = await WireClient.connect(site.url);
    await ask(client, 'plan Tea');
    await client.next('input_requested');
    client.cut();
    await untilConnections(site.url, 0);
    await site.advance(299_000);
    const still = await WireClient.resume(site.url, client);
    expect(still.restored?.run).toMatchObject({ state: 'waiting_input' });
    expect(still.restored?.warnings.map((warning) => warning.code)).toContain('input_waiting');
    still.cut();
    await untilConnections(site.url, 0);
    await site.advance(301_000);
    await using back = await WireClient.resume(site.url, still);
    expect(back.success).toMatchObject({ outcome: 'expired', previous_session_id: client.sessionId });
    expect(back.restored).toMatchObject({
      run: null,
      queued_runs: [],
      context: { workflow: null, tool_calls: [] },
    });
    const { history } = (await threadRequest(site.url, client.sessionId)).body;
    expect(history.messages.map(({ run_outcome }) => run_outcome)).toEqual(['canceled']);
  });
});

describeStores('warnings', { AGENT: 'demo', RUN_LEASE_MS: '86400000' }, (site) => {
  test.each([
    ['plan Tea', 'input_requested', 'input_waiting'],
    ['count to 500', 'message_delta', 'run_in_hand'],
  ] as const)('RES-31 after %s they tell what happened, and what is at work', async (content, sign, work) => {
    await using client = await WireClient.connect(site.url);
    const first = client.position;
    const done = await ask(client, 'calc 1+1');
    await ended(client, done);
    const { position } = client;
    const run = await ask(client, content);
    await client.next(sign);
    const before = client.position;
    client.cut();
    await untilConnections(site.url, 0);
    for (const [from, codes] of [
      [first, ['away', 'missed_events', 'runs_finished', work]],
      [position, ['away', 'missed_events', work]],
      [undefined, ['away', work]],
    ] as const) {
      await site.advance(30_001);
      const data = from === undefined ? { session_token: client.token } : { position: from };
      await using back = await (from === undefined
        ? WireClient.connect(site.url, data)
        : WireClient.resume(site.url, client, data));
      expect(back.success).toMatchObject({ outcome: 'restored', tier: 'medium' });
      expect(back.restored?.warnings.map((warning) => warning.code)).toEqual(codes);
      back.cut();
      await untilConnections(site.url, 0);
    }
    await using last = await WireClient.resume(site.url, client, { position: before });
    await last.request('run_cancel', { run_id: run });
  });
});

describeStores('a run that nobody holds', { AGENT: 'demo' }, (site) => {
  test('RES-21 is recovering, unless it waits for a person', async () => {
    const busy = await site.start({}, { database: 3 });
    await using counts = await WireClient.connect(busy.url);
    await using asks = await WireClient.connect(busy.url);
    const run = await ask(counts, 'count to 500');
    await ask(asks, 'plan Tea');
    await streamed(counts, run, 2);
    await asks.next('input_requested');
    const stateAt = async (url: string, client: WireClient) => {
      await using back = await WireClient.resume(url, client);
      return back.restored?.run?.state;
    };
    expect(await stateAt(busy.url, counts)).toBe('running');
    expect(await stateAt(busy.url, asks)).toBe('waiting_input');
    await busy.kill9();
    // One without an agent: it takes no run.
    const idle = await site.start({ AGENT: 'none' }, { database: 3, dataDir: busy.dataDir });
    await advanceClock(idle.url, 10_001);
    expect(await stateAt(idle.url, counts)).toBe('recovering');
    expect(await stateAt(idle.url, asks)).toBe('waiting_input');
    await site.end(idle);
    await site.end(busy);
  });
});

// The usual lease: a jump of the clock is longer, and the run is taken over within the same process.
describeStores('a lease that ran out', { AGENT: 'demo' }, (site) => {
  test('DEL-36 whoever takes the run over goes on after what is stored', async () => {
    await using client = await WireClient.connect(site.url);
    const run = await ask(client, 'count to 80');
    await streamed(client, run, 5);
    await site.advance(60_000);
    expect(await ended(client, run)).toMatchObject({ outcome: 'completed' });
    expect(answersOf(client, run)).toEqual([counted(80)]);
    expect(streamedText(client)).toBe(counted(80));
    expectSoundLog(client);
  });
});
