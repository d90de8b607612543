import { describe, expect, test } from 'vitest';
import { everything, lease, newSession, unique } from './fixtures.ts';
import type { Suite } from './harness.ts';

export function chunkRules(suite: Suite): void {
  describe('chunks', () => {
    test('STO-50 chunks are stored in order and read from an index on', async () => {
      const session = await newSession(suite.store());
      expect(await suite.store().chunks(session.id, 0)).toBeUndefined();
      const chunks = await session.stream(5);
      const buffer = { messageId: 'answer-1', runId: 'run-1', attempt: 1, count: 5 };
      expect(await suite.store().chunks(session.id, 0)).toEqual({ ...buffer, fromIndex: 0, chunks });
      expect(await suite.store().chunks(session.id, 3)).toEqual({
        ...buffer,
        fromIndex: 3,
        chunks: chunks.slice(3),
      });
      expect(await suite.store().chunks(session.id, 5)).toEqual({ ...buffer, fromIndex: 5, chunks: [] });
      expect(await suite.store().chunks(unique('ses'), 0)).toBeUndefined();
      expect((await session.info()).seq).toBe(1);
    });

    test('STO-51 a repeat of a stored chunk is applied once; another text there, or a later index, is a gap', async () => {
      const session = await newSession(suite.store());
      const chunks = await session.stream(2);
      const append = (index: number, over: object = {}) =>
        suite.store().appendChunk(session.chunk(index, over));
      expect(await append(0)).toEqual({ kind: 'applied' });
      expect(await append(1)).toEqual({ kind: 'applied' });
      expect(await append(1, { json: '"other"' })).toEqual({ kind: 'gap', count: 2 });
      expect(await append(3)).toEqual({ kind: 'gap', count: 2 });
      expect(await suite.store().chunks(session.id, 0)).toMatchObject({ count: 2, chunks });
    });

    test('STO-52 index 0 of another message or attempt begins a new buffer; another index of it is a gap', async () => {
      const session = await newSession(suite.store());
      await session.stream(3);
      const append = (index: number, over: object) =>
        suite.store().appendChunk(session.chunk(index, { json: '"n"', ...over }));
      expect(await append(3, { messageAttempt: 2 })).toEqual({ kind: 'gap', count: 0 });
      expect(await append(3, { messageId: 'answer-2' })).toEqual({ kind: 'gap', count: 0 });
      expect(await append(0, { messageAttempt: 2 })).toEqual({ kind: 'applied' });
      expect(await suite.store().chunks(session.id, 0)).toEqual({
        messageId: 'answer-1',
        runId: 'run-1',
        attempt: 2,
        count: 1,
        fromIndex: 0,
        chunks: ['"n"'],
      });
      expect(await append(0, { messageId: 'answer-2' })).toEqual({ kind: 'applied' });
      expect(await suite.store().chunks(session.id, 0)).toMatchObject({
        messageId: 'answer-2',
        attempt: 1,
        count: 1,
      });
      expect(await append(1, {})).toEqual({ kind: 'gap', count: 0 });
    });

    test('STO-53 only the holder of the lease may append: run, attempt and owner', async () => {
      const session = await newSession(suite.store());
      const fence = { runId: 'run-1', attempt: 2, owner: 'node-x' };
      const append = (over: object) => suite.store().appendChunk(session.chunk(0, over));
      expect(await append({ fence })).toEqual({ kind: 'fenced' });
      await session.append({ lease: { set: { ...fence, until: 1 } } });
      for (const other of [{ runId: 'run-2' }, { attempt: 1 }, { attempt: 3 }, { owner: 'node-y' }])
        expect(await append({ fence: { ...fence, ...other } })).toEqual({ kind: 'fenced' });
      expect(await append({ fence, sessionId: unique('ses') })).toEqual({ kind: 'fenced' });
      expect(await suite.store().chunks(session.id, 0)).toBeUndefined();
      expect(await append({ fence })).toEqual({ kind: 'applied' });
      await session.append({ lease: { clear: true } });
      expect(await append({ fence })).toEqual({ kind: 'fenced' });
    });

    test('STO-54 whoever takes the run over goes on in the same buffer', async () => {
      const session = await newSession(suite.store());
      const chunks = await session.stream(2);
      await session.append({ lease: { set: lease({ attempt: 2, owner: 'node-b' }) } });
      const chunk = session.chunk(2, { fence: { runId: 'run-1', attempt: 2, owner: 'node-b' } });
      expect(await suite.store().appendChunk(session.chunk(2))).toEqual({ kind: 'fenced' });
      expect(await suite.store().appendChunk(chunk)).toEqual({ kind: 'applied' });
      expect(await suite.store().chunks(session.id, 0)).toMatchObject({
        count: 3,
        chunks: [...chunks, chunk.json],
      });
    });

    test('STO-55 an append drops the buffer only if it holds exactly what was expected', async () => {
      const session = await newSession(suite.store());
      const chunks = await session.stream(2);
      const expected = { messageId: 'answer-1', attempt: 1, count: 2 };
      const before = await everything(session);
      for (const other of [
        { messageId: 'answer-2' },
        { attempt: 2 },
        { count: 1 },
        { count: 3 },
        { count: 0 },
      ])
        expect(await session.append({ dropChunks: { ...expected, ...other } })).toEqual({
          kind: 'chunk_conflict',
          chunks: { messageId: 'answer-1', runId: 'run-1', attempt: 1, count: 2, fromIndex: 0, chunks },
        });
      expect(await everything(session)).toEqual(before);
      expect((await session.append()).kind).toBe('applied');
      expect(await suite.store().chunks(session.id, 0)).toMatchObject({ count: 2 });
      expect((await session.append({ dropChunks: expected })).kind).toBe('applied');
      expect(await suite.store().chunks(session.id, 0)).toBeUndefined();
      expect((await session.opened()).chunks).toBeUndefined();
    });

    test('STO-56 where no buffer is, a count of 0 is what is expected', async () => {
      const session = await newSession(suite.store());
      const none = { messageId: 'answer-1', attempt: 1, count: 0 };
      expect(await session.append({ dropChunks: { ...none, count: 1 } })).toEqual({
        kind: 'chunk_conflict',
        chunks: undefined,
      });
      expect(await session.append({ dropChunks: none })).toEqual({ kind: 'applied' });
    });

    test('STO-57 after a drop the next message begins at 0', async () => {
      const session = await newSession(suite.store());
      await session.stream(2);
      await session.append({ dropChunks: { messageId: 'answer-1', attempt: 1, count: 2 } });
      expect(await suite.store().appendChunk(session.chunk(2))).toEqual({ kind: 'gap', count: 0 });
      const next = session.chunk(0, { messageId: 'answer-2' });
      expect(await suite.store().appendChunk(next)).toEqual({ kind: 'applied' });
      expect(await suite.store().chunks(session.id, 0)).toMatchObject({
        messageId: 'answer-2',
        count: 1,
        chunks: [next.json],
      });
    });

    test('STO-58 chunks that are sent together are stored in their order', async () => {
      const session = await newSession(suite.store());
      await session.append({ lease: { set: lease() } });
      const chunks = Array.from({ length: 50 }, (_, i) => session.chunk(i));
      const results = await Promise.all(chunks.map((c) => suite.store().appendChunk(c)));
      expect(results.every((r) => r.kind === 'applied')).toBe(true);
      expect((await suite.store().chunks(session.id, 0))?.chunks).toEqual(chunks.map((c) => c.json));
    });
  });
}
