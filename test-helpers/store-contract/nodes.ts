import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { NodeRecord, Store } from '../../server/store/store.ts';
import {
  connection,
  createRequest,
  event,
  lease,
  newSession,
  POLICY,
  readLog,
  T0,
  TestSession,
  texts,
  unique,
} from './fixtures.ts';
import { NODE, type Suite } from './harness.ts';

const OTHER = 'node-b';

/** Registered only where two stores may be open over the same data. */
export function nodeRules(suite: Suite): void {
  if (suite.harness.nodes === 1) return;

  describe('two nodes', () => {
    let other: Store;
    const heardHere: NodeRecord[] = [];
    const heardThere: NodeRecord[] = [];

    beforeAll(async () => {
      other = await suite.harness.open(OTHER);
      await suite.store().subscribe(
        NODE,
        (record) => heardHere.push(record),
        () => {},
      );
      await other.subscribe(
        OTHER,
        (record) => heardThere.push(record),
        () => {},
      );
    });
    afterAll(async () => {
      await other.close();
    });

    const of = (heard: NodeRecord[], session: TestSession) =>
      heard.filter((record) => record.sessionId === session.id);
    /** A session with a connection on both nodes, seen from each. */
    const shared = async () => {
      const request = createRequest({ attach: connection(NODE) });
      await suite.store().create(request);
      const [here, there] = [new TestSession(suite.store(), request), new TestSession(other, request)];
      const attached = await there.attach(connection(OTHER), T0);
      expect(attached.kind).toBe('open');
      return { here, there };
    };

    test('STO-120 both nodes have one id, one secret and the same sessions', async () => {
      expect(other.storeId).toBe(suite.store().storeId);
      const name = unique('secret');
      const answers = await Promise.all([suite.store().secret(name, 'a'), other.secret(name, 'b')]);
      expect(answers[0]).toBe(answers[1]);
      const session = await newSession(suite.store());
      await session.append({ events: session.next('user', undefined), cells: { memory: '1' } });
      expect(await other.info(session.id)).toEqual(await session.info());
      expect(await readLog(other, session.id, 1, 10)).toEqual(texts(session.events));
    });

    test('STO-121 of two nodes that append on one head, one is applied', async () => {
      const session = await newSession(suite.store());
      for (let seq = 0; seq < 20; seq++) {
        const requests = [event(seq + 1), event(seq + 1)].map((e) =>
          session.request({ expectedSeq: seq, events: [e] }),
        );
        const results = await Promise.all([suite.store().append(requests[0]!), other.append(requests[1]!)]);
        expect(results.map((r) => r.kind).sort()).toEqual(['applied', 'conflict']);
      }
      expect((await session.info()).seq).toBe(20);
    });

    test('STO-122 an append reaches the other attached node, and not the one that made it', async () => {
      const { here, there } = await shared();
      await here.append({ events: here.next('user', undefined) });
      await vi.waitFor(() => expect(of(heardThere, here)).toHaveLength(1), 10_000);
      expect(of(heardThere, here)).toEqual([
        { kind: 'events', sessionId: here.id, epoch: here.epoch, fromSeq: 1, events: texts(here.events) },
      ]);
      there.events.push(...here.events);
      await there.append({ nodeId: OTHER });
      await vi.waitFor(() => expect(of(heardHere, here)).toHaveLength(1), 10_000);
      expect(of(heardHere, here)).toMatchObject([
        { kind: 'events', fromSeq: 3, events: texts(there.events.slice(2)) },
      ]);
      expect(of(heardThere, here)).toHaveLength(1);
    });

    test('STO-123 a chunk reaches the other attached node', async () => {
      const { here } = await shared();
      await here.append({ lease: { set: lease() } });
      const chunk = here.chunk(0);
      await suite.store().appendChunk(chunk);
      await vi.waitFor(() => expect(of(heardThere, here)).toHaveLength(2), 10_000);
      expect(of(heardThere, here)).toContainEqual({
        kind: 'chunk',
        sessionId: here.id,
        messageId: 'answer-1',
        runId: 'run-1',
        attempt: 1,
        index: 0,
        json: chunk.json,
      });
    });

    test('STO-124 a refused append, a repeat, and a session of others are not heard', async () => {
      const { here } = await shared();
      const request = here.request();
      await here.append(request);
      await suite.store().append(request);
      await suite.store().append(here.request({ expectedSeq: 0, events: [event(1)] }));
      const left = await shared();
      const attached = await left.here.info();
      const there = attached.attachments.find((a) => a.nodeId === OTHER)!;
      await other.detach(left.here.id, there.connectionId, T0);
      await left.here.append();
      await here.append();
      await vi.waitFor(
        () => expect(of(heardThere, here).map((r) => r.kind === 'events' && r.fromSeq)).toContain(2),
        10_000,
      );
      expect(of(heardThere, here).map((r) => r.kind === 'events' && r.fromSeq)).toEqual([1, 2]);
      expect(of(heardThere, left.here)).toEqual([]);
    });

    test('STO-125 a rewritten log is reported to the other attached node', async () => {
      const { here } = await shared();
      const nothing = { events: [], cells: {}, ids: [], annotations: [] };
      const epochs = { epochBefore: here.epoch, epoch: unique('ep') };
      const request = { sessionId: here.id, nodeId: NODE, alarmAt: T0, ...nothing, ...epochs };
      expect(await suite.store().rewrite(request)).toBe(true);
      await vi.waitFor(
        () => expect(of(heardThere, here)).toEqual([{ kind: 'gone', sessionId: here.id }]),
        10_000,
      );
    });

    test('STO-125 an erased session is reported to the other attached node', async () => {
      const { here } = await shared();
      await suite.store().erase(here.id);
      await vi.waitFor(
        () => expect(of(heardThere, here)).toEqual([{ kind: 'gone', sessionId: here.id }]),
        10_000,
      );
    });

    test('STO-126 touch tells a node the head that another node moved', async () => {
      const { here } = await shared();
      await here.grow(2);
      expect(await other.touch(OTHER, [{ sessionId: here.id, connectionIds: [] }], T0)).toEqual([
        { epoch: here.epoch, seq: 2, tag: (await here.info()).tag },
      ]);
    });

    test('STO-127 a run that one node took over is fenced for the other', async () => {
      const { here, there } = await shared();
      await here.stream(1);
      there.events.push(...here.events);
      await there.append({ nodeId: OTHER, lease: { set: lease({ attempt: 2, owner: OTHER }) } });
      expect(await suite.store().renewLease(here.id, lease())).toBe(false);
      expect(await suite.store().appendChunk(here.chunk(1))).toEqual({ kind: 'fenced' });
    });

    test('STO-129 the holder of the lease hears of its session though it is not attached', async () => {
      const session = await newSession(suite.store());
      await session.append({ lease: { set: lease({ owner: OTHER }) } });
      await session.append();
      await vi.waitFor(
        () => expect(of(heardThere, session).at(-1)).toMatchObject({ kind: 'events', fromSeq: 2 }),
        10_000,
      );
    });

    test('STO-128 two nodes that expire a session agree on the successor', async () => {
      const session = await newSession(suite.store());
      const ask = (store: Store) =>
        store.expire({
          sessionId: session.id,
          successorId: unique('ses'),
          archiveUntil: T0 + 1,
          force: false,
          now: T0 + POLICY.mediumMs + 1,
        });
      const results = await Promise.all([ask(suite.store()), ask(other)]);
      expect(results[0]).toEqual(results[1]);
    });
  });
}
