import { describe, expect, test } from 'vitest';
import { connection, event, newSession, POLICY, sized, sorted, T0, texts, unique } from './fixtures.ts';
import type { Suite } from './harness.ts';

export function openRules(suite: Suite): void {
  const { harness } = suite;

  describe('open', () => {
    test('STO-20 a session that is not there, or of another scope, is missing and gets no attachment', async () => {
      const session = await newSession(suite.store(), { domain: 'work', workspace: 'acme' });
      const scope = { subject: session.subject, domain: 'work', workspace: 'acme' };
      expect((await session.open({ scope })).kind).toBe('open');
      const attach = { ...connection(), policy: POLICY };
      for (const other of [{ subject: 'x' }, { domain: 'personal' }, { workspace: 'x' }])
        expect(await session.open({ scope: { ...scope, ...other }, attach })).toEqual({ kind: 'missing' });
      expect(await session.open({ sessionId: unique('ses'), attach })).toEqual({ kind: 'missing' });
      expect((await session.info()).attachments).toEqual([]);
    });

    test('STO-21 without a position the answer is the newest messages, the cells and the record', async () => {
      const session = await newSession(suite.store());
      await session.append({ events: session.next('user', undefined, 'assistant', 'user', undefined) });
      await session.append({ cells: { memory: '{"a":1}', runs: '[]' } });
      const opened = await session.opened({ historyPage: 2 });
      expect(opened).toEqual({
        kind: 'open',
        info: await session.info(),
        cells: { memory: '{"a":1}', runs: '[]' },
        position: 'none',
        content: {
          mode: 'snapshot',
          page: {
            items: [session.events[2]!, session.events[3]!].map((e) => ({
              event: e.json,
              annotation: undefined,
            })),
            total: 3,
            hasMore: true,
          },
        },
        chunks: undefined,
      });
    });

    test('STO-22 from a valid position the answer is exactly what was missed', async () => {
      const session = await newSession(suite.store());
      await session.grow(5);
      for (let seq = 0; seq <= 5; seq++) {
        const opened = await session.opened({ position: session.position(seq) });
        expect(opened.position).toBe('valid');
        expect(opened.content).toEqual({
          mode: 'replay',
          afterSeq: seq,
          events: texts(session.events.slice(seq)),
        });
      }
    });

    test('STO-23 up to maxReplay events are replayed; beyond, a valid position gets a snapshot', async () => {
      const session = await newSession(suite.store());
      await session.append({ events: session.next('user', undefined, undefined, undefined) });
      const at = await session.opened({ position: session.position(1), maxReplay: 3 });
      expect(at.content).toEqual({ mode: 'replay', afterSeq: 1, events: texts(session.events.slice(1)) });
      const beyond = await session.opened({ position: session.position(1), maxReplay: 2 });
      expect(beyond.position).toBe('valid');
      expect(beyond.content).toEqual({ mode: 'snapshot', page: await session.history() });
      const none = await session.opened({ position: session.position(4), maxReplay: 0 });
      expect(none.content).toEqual({ mode: 'replay', afterSeq: 4, events: [] });
    });

    test('STO-29 a replay begins with the missed events that fit into maxBytes, and with one in any case', async () => {
      const session = await newSession(suite.store());
      await session.append({
        events: [1, 2, 3, 4].map((seq) => sized(seq, undefined, seq === 3 ? 1000 : 200)),
      });
      const all = texts(session.events);
      const replay = async (seq: number, maxBytes: number) => {
        const { content } = await session.opened({ position: session.position(seq), maxBytes });
        if (content.mode !== 'replay') throw new Error('no replay');
        expect(content.afterSeq).toBe(seq);
        return content.events;
      };
      expect(await replay(0, 400)).toEqual(all.slice(0, 2));
      expect(await replay(0, 399)).toEqual(all.slice(0, 1));
      expect(await replay(0, 1400)).toEqual(all.slice(0, 3));
      expect(await replay(0, 1600)).toEqual(all);
      expect(await replay(2, 10)).toEqual(all.slice(2, 3));
      expect(await replay(4, 0)).toEqual([]);
    });

    test('STO-29 bytes are those of UTF-8', async () => {
      const session = await newSession(suite.store());
      await session.append({ events: [1, 2].map((seq) => event(seq, 'user', '\u6f22'.repeat(100))) });
      const [first] = texts(session.events);
      const bytes = Buffer.byteLength(first!);
      const position = session.position(0);
      const count = async (maxBytes: number) => {
        const { content } = await session.opened({ position, maxBytes });
        return content.mode === 'replay' ? content.events.length : content.page.items.length;
      };
      expect([await count(2 * bytes - 1), await count(2 * bytes)]).toEqual([1, 2]);
    });

    test('STO-24 a position that is not of this log is reset, with a snapshot', async () => {
      const session = await newSession(suite.store());
      await session.append({ events: session.next('user', undefined, 'assistant') });
      const { tag } = session.events[2]!;
      for (const position of [
        { epoch: unique('ep'), seq: 3, tag },
        { epoch: unique('ep'), seq: 0 },
        { epoch: session.epoch, seq: 4, tag },
        { epoch: session.epoch, seq: 2, tag },
        { epoch: session.epoch, seq: 3, tag: 'other' },
        { epoch: session.epoch, seq: Number.MAX_SAFE_INTEGER, tag },
      ]) {
        const opened = await session.opened({ position });
        expect(opened.position, JSON.stringify(position)).toBe('reset');
        expect(opened.content).toEqual({ mode: 'snapshot', page: await session.history() });
      }
    });

    test('STO-25 a position without a tag is judged by epoch and seq', async () => {
      const session = await newSession(suite.store());
      await session.grow(2);
      const opened = await session.opened({ position: { epoch: session.epoch, seq: 1 } });
      expect(opened.position).toBe('valid');
      expect(opened.content).toEqual({ mode: 'replay', afterSeq: 1, events: texts(session.events.slice(1)) });
    });

    test('STO-26 opening attaches, and answers the record as it was before', async () => {
      const session = await newSession(suite.store());
      const [one, two] = [connection(), connection('node-b')];
      const policy = { briefMs: 1, mediumMs: 2_000, archiveMs: 0, attachTtlMs: 3_000 };
      const first = await session.opened({ attach: { ...one, policy: POLICY }, now: T0 + 1 });
      expect(first.info.attachments).toEqual([]);
      const second = await session.opened({ attach: { ...two, policy }, now: T0 + 2 });
      expect(second.info.attachments).toEqual([{ ...one, beatAt: T0 + 1, goneAt: undefined }]);
      expect(second.info.policy).toEqual(POLICY);
      const { attachments, policy: now } = await session.info();
      expect(now).toEqual(policy);
      expect(attachments).toEqual(
        sorted([
          { ...one, beatAt: T0 + 1, goneAt: undefined },
          { ...two, beatAt: T0 + 2, goneAt: undefined },
        ]),
      );
    });

    test('STO-26 opening without a connection changes nothing', async () => {
      const session = await newSession(suite.store(), { attach: connection() });
      const before = await session.info();
      await session.opened({ now: T0 + 500 });
      expect(await session.info()).toEqual(before);
    });

    test('STO-27 the chunks of the message in flight come from the index that is asked for', async () => {
      const session = await newSession(suite.store());
      const chunks = await session.stream(4);
      const buffer = { messageId: 'answer-1', runId: 'run-1', attempt: 1, count: 4 };
      const partial = (over: object) => ({ messageId: 'answer-1', attempt: 1, nextIndex: 2, ...over });
      const from = async (asked: undefined | ReturnType<typeof partial>) =>
        (await session.opened({ partial: asked })).chunks;
      expect(await from(undefined)).toEqual({ ...buffer, fromIndex: 0, chunks });
      expect(await from(partial({}))).toEqual({ ...buffer, fromIndex: 2, chunks: chunks.slice(2) });
      expect(await from(partial({ nextIndex: 4 }))).toEqual({ ...buffer, fromIndex: 4, chunks: [] });
    });

    test('STO-27 whoever holds another message, another attempt or more than is stored gets them from 0', async () => {
      const session = await newSession(suite.store());
      const chunks = await session.stream(2);
      for (const partial of [
        { messageId: 'answer-0', attempt: 1, nextIndex: 1 },
        { messageId: 'answer-1', attempt: 2, nextIndex: 1 },
        { messageId: 'answer-1', attempt: 1, nextIndex: 3 },
      ]) {
        const opened = await session.opened({ partial });
        expect(opened.chunks).toMatchObject({ count: 2, fromIndex: 0, chunks });
      }
    });

    test('STO-28 a log with a hole, or a head that is not its last event, is a fault and attaches nothing', async () => {
      for (const how of ['hole', 'head'] as const) {
        const session = await newSession(suite.store());
        await session.append({ events: session.next('user', undefined, undefined, 'user') });
        const position = session.position(1);
        await harness.damage(session.id, how);
        const result = await session.open({ position, attach: { ...connection(), policy: POLICY } });
        expect(result.kind, how).toBe('fault');
        if (result.kind === 'fault') expect(result.detail).not.toBe('');
        expect((await session.info()).attachments).toEqual([]);
        await suite.store().erase(session.id);
      }
    });
  });
}
