import { describe, expect, test } from 'vitest';
import type { RewriteRequest } from '../../server/store/store.ts';
import {
  connection,
  event,
  everything,
  lease,
  newSession,
  readLog,
  T0,
  type TestSession,
  texts,
  unique,
} from './fixtures.ts';
import { NODE, type Suite } from './harness.ts';

export function rewriteRules(suite: Suite): void {
  const requestFor = (session: TestSession, over: Partial<RewriteRequest> = {}): RewriteRequest => ({
    sessionId: session.id,
    nodeId: NODE,
    epochBefore: session.epoch,
    epoch: unique('ep'),
    events: [event(1, 'user'), event(2), event(3, 'assistant')],
    cells: { memory: '{"b":2}' },
    ids: [{ id: 'client-id-2', digest: '*', seq: 1 }],
    annotations: [{ seq: 3, json: '{"y":2}' }],
    alarmAt: T0 + 7,
    ...over,
  });

  /** A session with something in every place that a session has, and one event lost. */
  async function broken(): Promise<TestSession> {
    const session = await newSession(suite.store(), { title: 'mine', attach: connection() });
    await session.stream(3);
    await session.append({
      events: session.next('user', 'assistant', undefined, undefined),
      cells: { memory: '{"a":1}', workflow: 'null' },
      ids: [{ id: 'client-id-1', digest: 'd', seq: 2 }],
      annotations: [{ seq: 2, json: '{"x":1}' }],
      lastMessage: '{"text":"hi"}',
      holdUntil: T0 + 900_000,
      alarmAt: T0 + 900_000,
    });
    await suite.harness.damage(session.id, 'hole');
    return session;
  }

  describe('rewrite', () => {
    test('STO-109 another log takes the place of the one that is not continuous, whole', async () => {
      const session = await broken();
      const before = await session.info();
      const request = requestFor(session);
      expect(await suite.store().rewrite(request)).toBe(true);
      const bytes = request.events.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0);
      expect(await session.info()).toEqual({
        ...before,
        epoch: request.epoch,
        seq: 3,
        tag: request.events[2]?.tag,
        messageCounts: { user: 1, assistant: 1, system: 0 },
        logBytes: bytes,
        lease: undefined,
        alarmAt: T0 + 7,
      });
      const opened = await session.open({ position: { epoch: request.epoch, seq: 0 } });
      expect(opened).toMatchObject({
        kind: 'open',
        position: 'valid',
        cells: { memory: '{"b":2}' },
        content: { mode: 'replay', afterSeq: 0, events: texts(request.events) },
        chunks: undefined,
      });
      expect(opened.kind === 'open' && Object.keys(opened.cells)).toEqual(['memory']);
      const page = await session.history();
      expect(page.items.map(({ annotation }) => annotation)).toEqual([undefined, '{"y":2}']);
      expect(await suite.store().lookupIds(session.id, ['client-id-1', 'client-id-2'])).toEqual(request.ids);
      expect(await suite.store().due(T0 + 7, 1000)).toContain(session.id);
    });

    test('STO-109 the new log is appended to like any other', async () => {
      const session = await broken();
      const request = requestFor(session);
      await suite.store().rewrite(request);
      const next = event(4, 'user');
      const append = session.request({
        ...{ epoch: request.epoch, expectedSeq: 3, expectedTag: request.events[2]?.tag, events: [next] },
        lease: { set: lease() },
      });
      expect(await suite.store().append(append)).toEqual({ kind: 'applied' });
      expect(await readLog(suite.store(), session.id, 3, 10)).toEqual([
        ...texts(request.events).slice(2),
        next.json,
      ]);
      expect((await session.info()).messageCounts.user).toBe(2);
    });

    test('STO-109 nothing may be left of a log, and much', async () => {
      const [empty, long] = [await broken(), await broken()];
      expect(
        await suite.store().rewrite(requestFor(empty, { events: [], cells: {}, ids: [], annotations: [] })),
      ).toBe(true);
      expect(await empty.info()).toMatchObject({ seq: 0, tag: undefined, logBytes: 0 });
      expect((await empty.open()).kind).toBe('open');
      const events = Array.from({ length: 2500 }, (_, i) => event(i + 1, i % 2 === 0 ? 'user' : undefined));
      const ids = events.map(({ tag }, i) => ({ id: `id-${tag}`, digest: '*', seq: i + 1 }));
      const annotations = events.map((_, i) => ({ seq: i + 1, json: `${i}` }));
      await suite.store().rewrite(requestFor(long, { events, ids, annotations }));
      expect(await readLog(suite.store(), long.id, 1, 5000)).toEqual(texts(events));
      expect(await suite.store().lookupIds(long.id, [ids[2400]?.id ?? ''])).toEqual([ids[2400]]);
      expect((await long.info()).messageCounts.user).toBe(1250);
    });

    test('STO-109 only the log that was meant is replaced, once', async () => {
      const session = await broken();
      const request = requestFor(session);
      await suite.store().rewrite(request);
      const after = await everything(session, ['client-id-2']);
      expect(await suite.store().rewrite(request)).toBe(true);
      expect(await suite.store().rewrite(requestFor(session))).toBe(false);
      expect(await suite.store().rewrite(requestFor(session, { sessionId: unique('ses') }))).toBe(false);
      expect(await everything(session, ['client-id-2'])).toEqual(after);
      const archived = await broken();
      const now = T0;
      await suite.store().expire({
        ...{ sessionId: archived.id, successorId: unique('ses'), archiveUntil: T0 + 9, force: true, now },
      });
      expect(await suite.store().rewrite(requestFor(archived))).toBe(false);
    });
  });
}
