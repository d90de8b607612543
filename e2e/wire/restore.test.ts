import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { untilConnections } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStore, describeStores } from './support/site.ts';

const LIMITS = { REPLAY_MAX_EVENTS: '10', HISTORY_PAGE: '4' };

describeStores('restore', LIMITS, (site) => {
  /** A session with so many messages, and the position after each of them. */
  async function withMessages(count: number) {
    const client = await WireClient.connect(site.url);
    for (let i = 1; i <= count; i++) await client.say(`message ${i}`);
    await client.find((frame) => frame.seq === count);
    const { epoch } = client.position;
    const at = (seq: number) => ({ epoch, seq, ...(seq > 0 && { tag: client.events[seq - 1]!.tag }) });
    return { client, at };
  }
  const numbers = (client: WireClient) => client.restored?.history.messages.map((message) => message.seq);

  test('SES-1 without token and id a session is fresh, and nothing is restored', async () => {
    await using client = await WireClient.connect(site.url);
    await client.request('ping', {});
    expect(client.success).toMatchObject({ outcome: 'fresh', tier: 'brief', position: { seq: 0 } });
    expect(client.success?.position).not.toHaveProperty('tag');
    expect(client.success).not.toHaveProperty('previous_session_id');
    expect(client.frames.map((frame) => frame.type)).not.toContain('session_restored');
  });

  test('RES-1 what the client named is there, whole: by its token and by its id', async () => {
    await using client = await WireClient.connect(site.url);
    await client.request('chat_message', { content: 'hello' }, 'my-message-1');
    await client.request('context_update', { memory: { a: 1 }, preferences: { theme: 'dark' } });
    await client.find((frame) => frame.seq === 2);
    const { sessionId, events } = client;
    for (const named of [{ session_token: client.token }, { session_id: sessionId }]) {
      const position = { epoch: client.position.epoch, seq: 0 };
      await using back = await WireClient.connect(site.url, { ...named, position });
      expect(back.success).toMatchObject({ outcome: 'restored', session_id: sessionId });
      expect(back.restored).toMatchObject({
        outcome: 'restored',
        context: { memory: { a: 1 }, preferences: { theme: 'dark' } },
      });
      await back.find((frame) => frame.seq === 2);
      expect(back.events).toEqual(events);
      const again = await back.request('chat_message', { content: 'hello' }, 'my-message-1');
      expect(again.data).toMatchObject({ status: 'duplicate', seq: 1 });
    }
  });

  test('RES-10 what was missed follows in order', async () => {
    const { client, at } = await withMessages(5);
    await using _ = client;
    await using back = await WireClient.resume(site.url, client, { position: at(2) });
    await back.find((frame) => frame.seq === 5);
    expect(back.success?.position).toEqual(at(5));
    expect(back.restored).toMatchObject({
      outcome: 'restored',
      mode: 'replay',
      history: { messages: [], total: 5, has_more: true },
      replay: { from_seq: 3, to_seq: 5 },
    });
    expect(back.events.map((event) => event.seq)).toEqual([3, 4, 5]);
  });

  test('RES-11 when nothing was missed there is no replay', async () => {
    const { client, at } = await withMessages(2);
    await using _ = client;
    await using back = await WireClient.resume(site.url, client, { position: at(2) });
    expect(back.restored).toMatchObject({ mode: 'replay', replay: null, history: { messages: [] } });
    expect(await back.say('next')).toBe(3);
    expect(back.events.map((event) => event.seq)).toEqual([3]);
  });

  test('RES-10 RES-12 up to REPLAY_MAX_EVENTS are replayed, inclusive; beyond it is a snapshot', async () => {
    const { client, at } = await withMessages(13);
    await using _ = client;
    await using ten = await WireClient.resume(site.url, client, { position: at(3) });
    expect(ten.restored).toMatchObject({ mode: 'replay', replay: { from_seq: 4, to_seq: 13 } });
    await using eleven = await WireClient.resume(site.url, client, { position: at(2) });
    expect(eleven.restored).toMatchObject({
      outcome: 'restored',
      mode: 'snapshot',
      replay: null,
      history: { total: 13, has_more: true },
    });
    expect(numbers(eleven)).toEqual([10, 11, 12, 13]);
    expect(await eleven.say('next')).toBe(14);
    expect(eleven.events.map((event) => event.seq)).toEqual([14]);
  });

  test('RES-12 without a position it is a snapshot, whole where it fits', async () => {
    const { client } = await withMessages(4);
    await using _ = client;
    await using back = await WireClient.connect(site.url, { session_token: client.token });
    expect(back.restored).toMatchObject({
      outcome: 'restored',
      mode: 'snapshot',
      replay: null,
      history: { total: 4, has_more: false },
    });
    expect(back.restored?.history.messages.map((message) => message.parts)).toEqual(
      [1, 2, 3, 4].map((i) => [{ type: 'text', text: `message ${i}` }]),
    );
  });

  test('RES-16 a position at 0, or without a tag, is judged by epoch and seq', async () => {
    const { client, at } = await withMessages(3);
    await using _ = client;
    await using zero = await WireClient.resume(site.url, client, { position: at(0) });
    expect(zero.restored).toMatchObject({ outcome: 'restored', replay: { from_seq: 1, to_seq: 3 } });
    const { epoch } = at(1);
    await using untagged = await WireClient.resume(site.url, client, { position: { epoch, seq: 1 } });
    expect(untagged.restored).toMatchObject({ outcome: 'restored', replay: { from_seq: 2, to_seq: 3 } });
  });

  test('RES-2 a position of another epoch, ahead of the log, or with another tag is a reset', async () => {
    const { client, at } = await withMessages(3);
    await using _ = client;
    for (const position of [
      { ...at(2), epoch: 'another' },
      { epoch: at(1).epoch, seq: 4 },
      { ...at(3), seq: 4 },
      { ...at(2), tag: 'another' },
      { ...at(2), tag: at(1).tag! },
      { epoch: 'another', seq: 0 },
    ]) {
      await using back = await WireClient.resume(site.url, client, { position });
      expect(back.success).toMatchObject({ outcome: 'reset', tier: 'brief', session_id: client.sessionId });
      expect(back.success?.position).toEqual(at(3));
      expect(back.restored).toMatchObject({ outcome: 'reset', mode: 'snapshot', replay: null });
      expect(numbers(back)).toEqual([1, 2, 3]);
    }
    expect(await client.say('as before')).toBe(4);
  });

  test('RES-13 the context is the head’s, whatever is replayed', async () => {
    await using client = await WireClient.connect(site.url);
    const before = client.position;
    await client.request('context_update', { memory: { a: 1, b: 2 }, preferences: { theme: 'dark' } });
    await client.request('context_update', { memory: { b: null, c: [3] } });
    for (const position of [before, undefined]) {
      await using back = await WireClient.connect(site.url, {
        session_token: client.token,
        ...(position && { position }),
      });
      expect(back.restored?.context).toEqual({
        memory: { a: 1, c: [3] },
        preferences: { theme: 'dark' },
        workflow: null,
        tool_calls: [],
      });
      expect((await back.request('context_request', {})).data).toEqual({
        ...back.restored?.context,
        position: back.success?.position,
      });
    }
  });

  test('SES-2 SES-4 a second device by session_id sees the same, and both go on together', async () => {
    const { client } = await withMessages(2);
    await using _ = client;
    await using second = await WireClient.connect(site.url, { session_id: client.sessionId });
    expect(second.success).toMatchObject({ outcome: 'restored', session_id: client.sessionId });
    expect(numbers(second)).toEqual([1, 2]);
    await second.say('from the second');
    await client.say('from the first');
    await second.find((frame) => frame.seq === 4);
    expect(second.events.map((event) => event.seq)).toEqual([3, 4]);
  });

  test('RES-14 whoever comes while others write misses nothing and gets nothing twice', async () => {
    const { client, at } = await withMessages(1);
    await using writer = client;
    const comers: WireClient[] = [];
    for (let i = 0; i < 60; i++) {
      writer.send('chat_message', { content: `${i}` });
      if (i % 6 === 0)
        comers.push(await WireClient.resume(site.url, writer, i % 12 === 0 ? { position: at(1) } : {}));
    }
    for (const comer of comers) await comer.find((frame) => frame.seq === 61);
    // That there is no gap and no repeat is checked for every frame of every client.
    for (const comer of comers) expect(comer.position).toEqual(comers[0]?.position);
    for (const comer of comers) await comer[Symbol.asyncDispose]();
  });

  test('RES-41 a restore of a long log sends as many bytes as one of a short log', async () => {
    /** What is sent to a client that missed two messages of so many, and to one that is shown a page. */
    async function bytesAfter(count: number) {
      await using client = await WireClient.connect(site.url);
      for (let i = 1; i <= count; i++)
        client.send('chat_message', { content: 'as ever' }, `message-${1000 + i}`);
      await client.find((frame) => frame.seq === count);
      const { epoch } = client.position;
      const missedTwo = { epoch, seq: count - 2, tag: client.events[count - 3]!.tag };
      const sizes = [];
      for (const position of [missedTwo, undefined]) {
        await using back = await WireClient.connect(site.url, {
          session_token: client.token,
          ...(position && { position }),
        });
        if (position) await back.find((frame) => frame.seq === count);
        // Whatever else was sent came before this.
        await back.request('ping', {}, 'the-last');
        sizes.push(
          back.frames.reduce((bytes, frame) => bytes + frame.raw.replace(/test-[\w-]+/, '').length, 0),
        );
      }
      return sizes;
    }
    // As many digits in each number: equal to the byte.
    expect(await bytesAfter(900)).toEqual(await bytesAfter(110));
  });

  test('RES-5 connection_success and session_restored agree', async () => {
    const { client } = await withMessages(1);
    await using _ = client;
    client.cut();
    await untilConnections(site.url, 0);
    for (const ms of [0, 31_000, 300_000]) {
      await site.advance(ms);
      await using back = await WireClient.resume(site.url, client);
      const { outcome, tier, previous_session_id } = back.success!;
      expect(back.restored).toMatchObject({ outcome, tier });
      expect(back.restored?.previous_session_id).toBe(previous_session_id);
      back.cut();
      await untilConnections(site.url, 0);
    }
  });
});

/** No heartbeat comes between, and no sweep but the first. */
const STILL = { ATTACH_BEAT_MS: '600000', SWEEP_INTERVAL_MS: '600000' };

describeStore('redis', 'what a restore costs', STILL, (site) => {
  test('RES-40 one command of Redis, whether or not the session is live on this node', async () => {
    await using client = await WireClient.connect(site.url);
    for (let i = 1; i <= 5; i++) await client.say(`message ${i}`);
    const redis = new Redis(site.redis.url);
    const monitor = await redis.monitor();
    const seen: string[] = [];
    let heard = () => {};
    monitor.on('monitor', (_time, [name = '', first = '']: string[], source: string) => {
      if (first === 'mark') return heard();
      // What a function of the store's does inside Redis is part of its one call. A server that starts looks once at
      // what is due.
      if (source !== 'lua' && !first.startsWith('hf:due:')) seen.push(`${name.toLowerCase()} ${first}`);
    });
    /** Resolves once all that was sent before has been seen. */
    async function settle(): Promise<void> {
      const marked = new Promise<void>((resolve) => (heard = resolve));
      await redis.echo('mark');
      await marked;
    }
    const other = await site.start(STILL);
    const back: WireClient[] = [];
    for (const url of [site.url, other.url])
      for (const position of [{ epoch: client.position.epoch, seq: 2 }, undefined]) {
        await settle();
        seen.length = 0;
        const data = { session_token: client.token, ...(position && { position }) };
        back.push(await WireClient.connect(url, data));
        await settle();
        expect(seen).toEqual([expect.stringMatching(/^fcall \w+_open$/)]);
        expect(back.at(-1)?.success?.outcome).toBe('restored');
      }
    for (const one of back) await one[Symbol.asyncDispose]();
    monitor.disconnect();
    await redis.quit();
  });
});

describeStores(
  'a store that lost everything',
  { SESSION_SECRET: 'kept-by-the-operator-not-in-the-store' },
  (site) => {
    test('RES-3 a token that another store issued begins its session again: same id, new epoch', async () => {
      await using before = await WireClient.connect(site.url);
      await using device = await WireClient.connect(site.url, { session_id: before.sessionId });
      await before.say('it will be lost');
      await before.find((frame) => frame.seq === 1);
      // On SQLite another file, on Redis another database: a store with another id, as after a loss.
      const empty = await site.start({}, { database: 5 });
      await using back = await WireClient.resume(empty.url, before);
      expect(back.success).toMatchObject({
        outcome: 'reset',
        session_id: before.sessionId,
        position: { seq: 0 },
      });
      expect(back.position.epoch).not.toBe(before.position.epoch);
      expect(back.restored).toMatchObject({ outcome: 'reset', mode: 'snapshot', history: { total: 0 } });
      await back.say('begun again');
      // The other device, whose position is of the old log, finds the same session.
      await using other = await WireClient.resume(empty.url, device);
      expect(other.success).toMatchObject({
        outcome: 'reset',
        session_id: before.sessionId,
        position: { seq: 1 },
      });
      expect(other.restored?.history.total).toBe(1);
      // By id alone nothing is revived.
      await using stranger = await WireClient.open(empty.url);
      const reply = await stranger.request('connect', { api_key: 'development', session_id: 'never-was' });
      expect(reply.data).toMatchObject({ error_type: 'not_found' });
      await site.end(empty);
    });
  },
);
