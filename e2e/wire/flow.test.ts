import { expect, test } from 'vitest';
import { metric, untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { answersOf, ask, counted, ended, streamed } from './support/runs.ts';
import { describeStore, describeStores } from './support/site.ts';

const MIB = 1024 * 1024;

describeStores('slow readers', { SEND_QUEUE_BYTES: '65536', SLOW_READER_MS: '0', AGENT: 'none' }, (site) => {
  test('FLO-3 FLO-4 delay nobody, cost the server nothing, and catch up without a gap', async () => {
    await using writer = await WireClient.connect(site.url);
    await using reader = await WireClient.connect(site.url, { session_id: writer.sessionId });
    const slow = await Promise.all(
      Array.from({ length: 8 }, () => WireClient.connect(site.url, { session_id: writer.sessionId })),
    );
    // Warm: what the server needs for such messages at all is not counted.
    const content = 'x'.repeat(50_000);
    for (let i = 0; i < 40; i++) await writer.say(content);
    for (const client of [reader, ...slow]) await client.find((frame) => frame.seq === 40);
    for (const client of slow) client.socket.pause();
    const before = await metric(site.url, 'process_resident_memory_bytes');
    // 20 MiB for each of them, far more than the system's buffers and the queue hold.
    for (let i = 0; i < 400; i++) await writer.say(content);
    await reader.find((frame) => frame.seq === 440);
    for (const client of slow) expect(client.position.seq).toBeLessThan(440);
    const grown = (await metric(site.url, 'process_resident_memory_bytes')) - before;
    expect(grown).toBeLessThan(100 * MIB);
    for (const client of slow) client.socket.resume();
    for (const client of slow) await client.find((frame) => frame.seq === 440);
    // That there is no gap and no repeat is checked for every frame.
    for (const client of slow) expect(client.position).toEqual(reader.position);
    // And they follow on.
    await writer.say('the end');
    for (const client of slow) await client.find((frame) => frame.seq === 441);
    for (const client of slow) await client[Symbol.asyncDispose]();
  }, 60_000);

  test('FLO-3 a new connection that does not read its replay is no different', async () => {
    await using writer = await WireClient.connect(site.url);
    const content = 'x'.repeat(90_000);
    for (let i = 0; i < 60; i++) await writer.say(content);
    await writer.find((frame) => frame.seq === 60);
    await using slow = await WireClient.open(site.url);
    slow.send('connect', {
      api_key: 'development',
      session_token: writer.token,
      position: { epoch: writer.position.epoch, seq: 0 },
    });
    await slow.next('session_restored');
    slow.socket.pause();
    for (let i = 0; i < 60; i++) await writer.say(content);
    slow.socket.resume();
    await slow.find((frame) => frame.seq === 120);
  });
});

describeStore('sqlite', 'one that asks and does not read', { SLOW_READER_MS: '0' }, (site) => {
  test('FLO-13 is answered as it reads, and costs the server one answer', async () => {
    await using writer = await WireClient.connect(site.url);
    for (let i = 0; i < 100; i++) await writer.say('x'.repeat(90_000));
    await using greedy = await WireClient.connect(site.url, { session_token: writer.token });
    await greedy.request('history_request', { limit: 100 });
    greedy.socket.pause();
    const before = await metric(site.url, 'process_resident_memory_bytes');
    // 9 MiB each, 2.7 GiB in all.
    const ids = Array.from({ length: 300 }, () => greedy.send('history_request', { limit: 100 }));
    for (let i = 0; i < 50; i++) await writer.say('meanwhile');
    const grown = (await metric(site.url, 'process_resident_memory_bytes')) - before;
    expect(grown).toBeLessThan(200 * MIB);
    greedy.socket.resume();
    await greedy.find((frame) => frame.reply_to === ids[5]);
    const answered = greedy.frames.filter((frame) => frame.type === 'history').map((frame) => frame.reply_to);
    expect(answered.slice(1, 7)).toEqual(ids.slice(0, 6));
    await greedy.find((frame) => frame.seq === 150);
  }, 60_000);

  test('FLO-13 is not asked for more while it does not read', async () => {
    await using greedy = await WireClient.connect(site.url);
    await using other = await WireClient.connect(site.url);
    await greedy.request('context_update', { memory: { notes: 'x'.repeat(50_000) } });
    greedy.socket.pause();
    const before = await metric(site.url, 'process_resident_memory_bytes');
    // 1 GB in all.
    for (let i = 0; i < 20_000; i++) greedy.sendRaw('{"type":"context_request","data":{}}');
    for (let i = 0; i < 100; i++) await other.say('meanwhile');
    const grown = (await metric(site.url, 'process_resident_memory_bytes')) - before;
    expect(grown).toBeLessThan(600 * MIB);
    greedy.socket.resume();
    await greedy.find(() => greedy.frames.length >= 300);
    greedy.cut();
  }, 60_000);
});

describeStore(
  'sqlite',
  'a slow reader of a stream',
  { SEND_QUEUE_BYTES: '1024', SLOW_READER_MS: '0', AGENT: 'demo' },
  (site) => {
    test('DEL-33 gets the whole answer, with or without its chunks', async () => {
      await using writer = await WireClient.connect(site.url);
      await using slow = await WireClient.connect(site.url, { session_id: writer.sessionId });
      const run = await ask(writer, 'count to 60');
      await streamed(slow, run, 3);
      slow.socket.pause();
      // Fills the socket of the slow one, so that the stream is held back.
      for (let i = 0; i < 60; i++)
        await writer.request('context_update', {
          memory: { [`k${i}`]: 'x'.repeat(200_000), [`k${i - 1}`]: null },
        });
      await ended(writer, run);
      slow.socket.resume();
      await ended(slow, run);
      expect(answersOf(slow, run)).toEqual([counted(60)]);
    }, 60_000);
  },
);

describeStore(
  'sqlite',
  'one that reads nothing',
  { SEND_QUEUE_BYTES: '65536', SLOW_READER_MS: '1500' },
  (site) => {
    test('FLO-5 MSG-22 is dropped without a close frame, and misses nothing when it comes back', async () => {
      await using writer = await WireClient.connect(site.url);
      await using slow = await WireClient.connect(site.url, { session_id: writer.sessionId });
      slow.socket.pause();
      for (let i = 0; i < 200; i++) await writer.say('x'.repeat(90_000));
      await untilConnections(site.url, 1);
      expect(await metric(site.url, 'holdfast_slow_readers_total')).toBe(1);
      slow.socket.resume();
      expect(await slow.closed()).toMatchObject({ code: 1006 });
      await using back = await WireClient.resume(site.url, slow);
      await back.find((frame) => frame.seq === 200);
      expect(back.events[0]?.seq).toBe(slow.position.seq + 1);
      await writer.request('ping', {});
    }, 60_000);
  },
);

describeStore('sqlite', 'silence', { HEARTBEAT_INTERVAL_MS: '300', SILENCE_TIMEOUT_MS: '4000' }, (site) => {
  test('FLO-6 MSG-22 a peer that shows no life is dropped without a close frame, others are not', async () => {
    await using answers = await WireClient.connect(site.url);
    await using silent = await WireClient.connect(site.url, {}, { autoPong: false });
    await using talks = await WireClient.connect(site.url, {}, { autoPong: false });
    let pings = 0;
    silent.socket.on('ping', () => pings++);
    // Each frame of its own is a sign of life too.
    talks.socket.on('ping', () => talks.send('ping', {}));
    expect(await silent.closed()).toEqual({ code: 1006, reason: '' });
    expect(pings).toBeGreaterThanOrEqual(1);
    expect(silent.frames.map((frame) => frame.type)).not.toContain('disconnect');
    for (const client of [answers, talks]) await client.request('ping', {});
    expect(answers.success?.heartbeat_interval_ms).toBe(300);
  });

  test('FLO-6 a clock that is moved makes nobody silent', async () => {
    await using client = await WireClient.connect(site.url);
    await site.advance(3_600_000);
    await client.request('ping', {});
    await using other = await WireClient.open(site.url);
    await other.authenticate();
    await client.request('ping', {});
  });
});

const OFF = {
  MAX_CONTEXT_BYTES: '0',
  MAX_SESSION_BYTES: '0',
  MAX_SESSIONS_PER_SUBJECT: '0',
  MAX_CONNECTIONS: '0',
  MAX_CONNECTIONS_PER_SUBJECT: '0',
  MAX_UNAUTHENTICATED: '0',
  MAX_QUEUED_RUNS: '0',
  AUTH_TIMEOUT_MS: '0',
  SLOW_READER_MS: '0',
  HEARTBEAT_INTERVAL_MS: '0',
  SILENCE_TIMEOUT_MS: '0',
  SESSION_TOKEN_MAX_AGE_MS: '0',
  RUN_MAX_MS: '0',
  AGENT: 'demo',
};

describeStore('sqlite', 'limits that are off', OFF, (site) => {
  test('FLO-8 0 is no limit', async () => {
    await using client = await WireClient.connect(site.url);
    const big = await client.request('context_update', { memory: { big: 'x'.repeat(600_000) } });
    expect(big.type).toBe('message_delivered');
    const run = await ask(client, 'count to 20');
    const queued = [];
    for (let i = 0; i < 20; i++) queued.push(await ask(client, 'hello'));
    await client.request('run_cancel', { run_id: run });
    for (const id of queued) await client.request('run_cancel', { run_id: id });
    client.cut();
    await untilConnections(site.url, 0);
    await using other = await WireClient.connect(site.url);
    await site.advance(365 * 86_400_000);
    await using later = await WireClient.resume(site.url, client);
    expect(later.success?.outcome).toBe('expired');
    await other.request('ping', {});
  });
});
