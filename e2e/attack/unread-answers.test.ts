import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test, vi } from 'vitest';
import type { DownData } from '../../protocol/chat/down.ts';
import { metric } from '../../test-helpers/server-process.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { describeStores, type Site } from '../wire/support/site.ts';

// A customer whose sockets ask for large answers and do not read them: with pages bounded by count only, 80 sockets and a
// session of 64 MiB ended the process.

const KIB = 1024;
const MIB = 1024 * KIB;
/** What a page's frame has besides its messages. */
const ENVELOPE = 4 * KIB;
const LIMITS = {
  PAGE_BYTES: `${256 * KIB}`,
  SUBJECT_UNSENT_BYTES: `${2 * MIB}`,
  UNSENT_BYTES: `${8 * MIB}`,
  SEND_QUEUE_BYTES: `${128 * KIB}`,
};
const MESSAGES = 120;
const CONTENT_BYTES = 60_000;
const SOCKETS = 40;

/** A session of 7 MiB, and who wrote it. */
async function largeSession(site: Site): Promise<WireClient> {
  const writer = await WireClient.connect(site.url);
  const ids = range(1, MESSAGES).map((i) =>
    writer.send('chat_message', { content: `${i} `.padEnd(CONTENT_BYTES, '.') }),
  );
  await writer.find((frame) => frame.reply_to === ids.at(-1));
  return writer;
}

const unsent = (site: Site) => metric(site.url, 'holdfast_unsent_bytes');
const bytesOf = (frame: { readonly raw: string }) => Buffer.byteLength(frame.raw);
const seqsOf = (messages: readonly { readonly seq: number }[]) => messages.map((message) => message.seq);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** A request for the whole thread whose answer is not read until `resume`. */
async function askInSilence(site: Site, sessionId: string, key = 'development'): Promise<Socket> {
  const { hostname, port } = new URL(site.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.pause();
  const head = [
    `GET /api/chat/threads/${sessionId}?limit=500 HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    `Authorization: Bearer ${key}`,
    'Connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  return socket;
}

describeStores('answers that nobody reads', { ...LIMITS, SLOW_READER_MS: '0' }, (site) => {
  test('MSG-45 HTP-13 RES-12 a page has a size, and paging on by has_more finds every message once', async () => {
    await using writer = await largeSession(site);
    const seen: number[] = [];
    for (let before_seq: undefined | number, more = true; more; ) {
      const reply = await writer.request('history_request', { limit: 500, before_seq });
      expect(bytesOf(reply)).toBeLessThan(256 * KIB + ENVELOPE);
      const { messages, total, has_more } = reply.data as DownData<'history'>;
      expect([messages.length > 0, total]).toEqual([true, MESSAGES]);
      seen.unshift(...seqsOf(messages));
      before_seq = messages[0]?.seq;
      more = has_more;
    }
    expect(seen).toEqual(range(1, MESSAGES));

    const over = `${site.url}/api/chat/threads/${writer.sessionId}?limit=500`;
    const answer = await fetch(over, { headers: { authorization: 'Bearer development' } });
    const body = await answer.text();
    expect(Buffer.byteLength(body)).toBeLessThan(256 * KIB + ENVELOPE);
    const { history } = JSON.parse(body) as { history: DownData<'history'> };
    expect([history.has_more, history.messages.at(-1)?.seq]).toEqual([true, MESSAGES]);

    await using other = await WireClient.connect(site.url, { session_id: writer.sessionId });
    const restored = other.frames.find((frame) => frame.type === 'session_restored');
    expect(bytesOf(restored as never)).toBeLessThan(256 * KIB + ENVELOPE);
    expect(other.restored?.history).toMatchObject({ total: MESSAGES, has_more: true });
  });

  test('RES-10 FLO-3 a replay goes on from the cursor as it is read, and says at once how far it goes', async () => {
    await using writer = await largeSession(site);
    const late = Array.from({ length: 12 }, () => WireClient.open(site.url));
    const readers = await Promise.all(late);
    const position = { epoch: writer.position.epoch, seq: 0 };
    for (const reader of readers) {
      reader.send('connect', { api_key: 'development', session_token: writer.token, position });
      await reader.next('session_restored');
      reader.socket.pause();
    }
    const before = await metric(site.url, 'process_resident_memory_bytes');
    for (let i = 0; i < 20; i++) await writer.say(`more ${i} `.padEnd(CONTENT_BYTES, '.'));
    expect(await unsent(site)).toBeLessThan(3 * MIB);
    expect((await metric(site.url, 'process_resident_memory_bytes')) - before).toBeLessThan(150 * MIB);
    for (const reader of readers) reader.socket.resume();
    for (const reader of readers) {
      expect((await reader.find((frame) => frame.type === 'session_restored')).data).toMatchObject({
        mode: 'replay',
        replay: { from_seq: 1, to_seq: MESSAGES },
        warnings: [],
      });
      // That there is no gap and no repeat is checked for every frame.
      await reader.find((frame) => frame.seq === MESSAGES + 20);
      await reader[Symbol.asyncDispose]();
    }
  });

  test('FLO-14 FLO-15 of many unread pages few are made, every one of them in the end, and others get theirs', async () => {
    await using writer = await largeSession(site);
    await using other = await WireClient.connect(site.url, { api_key: 'valid-test-key' });
    await other.say('mine');
    const before = await metric(site.url, 'process_resident_memory_bytes');
    const readers = await Promise.all(
      Array.from({ length: SOCKETS }, () => WireClient.connect(site.url, { session_id: writer.sessionId })),
    );
    for (const reader of readers) reader.socket.pause();
    const ids = readers.map((reader) =>
      Array.from({ length: 20 }, () => reader.send('history_request', { limit: 500 })),
    );
    // What they asked for has been looked at once all of these were answered.
    for (let i = 0; i < 20; i++) {
      await other.say(`${i}`);
      expect((await other.request('history_request', {})).type).toBe('history');
      expect(await unsent(site)).toBeLessThan(2 * MIB + 512 * KIB);
    }
    expect((await metric(site.url, 'process_resident_memory_bytes')) - before).toBeLessThan(150 * MIB);
    for (const reader of readers) reader.socket.resume();
    for (const [i, reader] of readers.entries()) {
      await reader.find((frame) => frame.reply_to === ids[i]?.at(-1));
      const answered = reader.frames.filter((frame) => frame.type === 'history');
      expect(answered.map((frame) => frame.reply_to)).toEqual(ids[i]);
      await reader[Symbol.asyncDispose]();
    }
    await vi.waitFor(async () => expect(await unsent(site)).toBe(0), { timeout: 5000 });
  });

  test('FLO-14 FLO-15 over HTTP it is no different, and what leaves without reading gives its room back', async () => {
    await using writer = await largeSession(site);
    const silent = await Promise.all(
      Array.from({ length: SOCKETS }, () => askInSilence(site, writer.sessionId)),
    );
    const mine = `${site.url}/api/chat/threads`;
    for (let i = 0; i < 20; i++) {
      expect((await fetch(mine, { headers: { authorization: 'Bearer valid-test-key' } })).status).toBe(200);
      expect(await unsent(site)).toBeLessThan(2 * MIB + 512 * KIB);
    }
    // Half of them leave, the others are answered.
    const [leaving, staying] = [silent.slice(0, SOCKETS / 2), silent.slice(SOCKETS / 2)];
    for (const socket of leaving) socket.destroy();
    const answers = await Promise.all(staying.map((socket) => text(socket)));
    for (const answer of answers) {
      expect(answer.slice(0, 15)).toBe('HTTP/1.1 200 OK');
      expect(answer).toContain('"has_more":true');
    }
    await vi.waitFor(async () => expect(await unsent(site)).toBe(0), { timeout: 5000 });
  });

  test('FLO-14 connections of one subject that read nothing do not keep it from coming in', async () => {
    await using writer = await largeSession(site);
    const opened = await Promise.all(Array.from({ length: SOCKETS }, () => WireClient.open(site.url)));
    for (const one of opened) {
      one.socket.pause();
      one.send('connect', { api_key: 'development', session_id: writer.sessionId });
    }
    await using other = await WireClient.connect(site.url, { api_key: 'valid-test-key' });
    await other.say('in');
    expect(await unsent(site)).toBeLessThan(2 * MIB + 512 * KIB);
    for (const one of opened) one.socket.resume();
    for (const one of opened) {
      await one.next('session_restored');
      await one[Symbol.asyncDispose]();
    }
  });
});

/** Asks for more pages than the kernels of both ends keep, and reads none. */
async function greedyReader(site: Site, writer: WireClient): Promise<WireClient> {
  const reader = await WireClient.connect(site.url, { session_id: writer.sessionId });
  reader.socket.pause();
  for (let i = 0; i < 60; i++) reader.send('history_request', { limit: 500 });
  return reader;
}

const slowReaders = (site: Site) => metric(site.url, 'holdfast_slow_readers_total');

describeStores('a reader that takes nothing', { ...LIMITS, SLOW_READER_MS: '1500' }, (site) => {
  test('FLO-5 of a large answer is dropped', async () => {
    await using writer = await largeSession(site);
    const before = await slowReaders(site);
    const readers = await Promise.all(Array.from({ length: 20 }, () => greedyReader(site, writer)));
    await vi.waitFor(async () => expect(await slowReaders(site)).toBe(before + 20), {
      timeout: 60_000,
      interval: 200,
    });
    for (const reader of readers) reader.cut();
    await vi.waitFor(async () => expect(await unsent(site)).toBe(0), { timeout: 5000 });
    expect((await writer.request('ping', {})).type).toBe('pong');
  });
});

const PATIENT = { SLOW_READER_MS: '0', SILENCE_TIMEOUT_MS: '0', PRESSED_READER_MS: '1500' };
describeStores('a reader that takes nothing, and others that wait', { ...LIMITS, ...PATIENT }, (site) => {
  test('FLO-16 is dropped then, and only then', async () => {
    await using writer = await largeSession(site);
    const before = await slowReaders(site);
    const readers = await Promise.all(Array.from({ length: 20 }, () => greedyReader(site, writer)));
    // They have all that their subject may have unsent, and wait for one another.
    await vi.waitFor(async () => expect(await slowReaders(site)).toBeGreaterThan(before), {
      timeout: 30_000,
    });
    await using other = await WireClient.connect(site.url, { session_id: writer.sessionId });
    expect((await other.request('history_request', { limit: 500 })).type).toBe('history');
    // Those who are left fit in together: nobody waits, and they stay.
    await vi.waitFor(async () => expect(await unsent(site)).toBeLessThan(2 * MIB - 256 * KIB), {
      timeout: 30_000,
    });
    const left = readers.filter((reader) => reader.socket.readyState === reader.socket.OPEN);
    expect(await slowReaders(site)).toBeLessThan(before + 20);
    for (const reader of left) reader.cut();
  });
});
