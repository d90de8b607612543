import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AppendEvent } from '../../server/store/store.ts';
import { lease, newSession, readLog } from './fixtures.ts';
import type { Suite } from './harness.ts';

/** JSON texts that a store which parsed, re-encoded or cut them would not give back. */
const TEXTS: Readonly<Record<string, string>> = {
  'escaped lone surrogates': '{"a":"\\ud800","b":"\\udfff x"}',
  'escaped NUL and controls': '{"a":"\\u0000\\u0001\\u001f\\u007f"}',
  'numbers that doubles cannot hold': '[1e400,123456789012345678901234567890,0.1000,1.0,-0,1E5]',
  'empty objects and arrays': '{"a":{},"b":[],"c":[{}],"d":""}',
  'key order, twice the same key': '{"b":1,"a":2,"b":3}',
  whitespace: ' { "a" :\t1 ,\r\n "b":[ ] } ',
  'unicode of every length': '{"s":"aé漢😀\u202e\u2028\u2029\ufeff\u007f","t":"e\u0301é"}',
  'Redis and SQL look-alikes': '{"a":"*3\\r\\n$3\\r\\nSET\'; DROP TABLE event; -- ?1 :x","k":"{hash}"}',
  'null, which is not undefined': 'null',
  'a very deep value': `${'['.repeat(5000)}${']'.repeat(5000)}`,
};

export function exactnessRules(suite: Suite): void {
  /** Puts the text in every place that holds JSON, and expects it back from every way to read it. */
  const roundTrip = async (text: string): Promise<void> => {
    const session = await newSession(suite.store());
    const events: AppendEvent[] = [
      { json: text, tag: 'tag-1', role: 'user' },
      { json: text, tag: 'tag-2', role: undefined },
    ];
    const append = { cells: { memory: text }, annotations: [{ seq: 1, json: text }], lastMessage: text };
    await session.append({ ...append, events, lease: { set: lease() } });
    await suite.store().appendChunk(session.chunk(0, { json: text }));

    const position = { epoch: session.epoch, seq: 0 };
    const replay = await session.opened({ position });
    expect(replay.content).toEqual({ mode: 'replay', afterSeq: 0, events: [text, text] });
    expect(replay.cells).toEqual({ memory: text });
    expect(replay.chunks?.chunks).toEqual([text]);
    const page = { items: [{ event: text, annotation: text }], total: 1, hasMore: false };
    expect((await session.opened()).content).toEqual({ mode: 'snapshot', page });
    expect(await session.history()).toEqual(page);
    expect(await readLog(suite.store(), session.id, 1, 10)).toEqual([text, text]);
    expect((await suite.store().chunks(session.id, 0))?.chunks).toEqual([text]);
    const conflict = await suite.store().append(session.request({ expectedSeq: 0, events: [events[1]!] }));
    // Of texts of 1 MiB a conflict brings only the first.
    expect(conflict).toMatchObject({ kind: 'conflict', events: expect.arrayContaining([text]) });
    const info = await session.info();
    expect(info.lastMessage).toBe(text);
    expect(info.logBytes).toBe(2 * Buffer.byteLength(text));
    await suite.store().erase(session.id);
  };

  describe('exactness', () => {
    test.each(Object.keys(TEXTS))('STO-110 JSON texts come back byte for byte: %s', async (name) => {
      await roundTrip(TEXTS[name]!);
    });

    test('STO-110 JSON texts come back byte for byte: any value', async () => {
      const text = fc.json({ stringUnit: 'binary', maxDepth: 4 });
      await fc.assert(fc.asyncProperty(text, roundTrip), { numRuns: 25 });
    });

    test('STO-111 an event of 1 MiB comes back whole', async () => {
      await roundTrip(JSON.stringify({ text: '漢😀"\\\n'.repeat(90_000) }));
    });

    test('STO-112 names keep apart whatever characters they have', async () => {
      const session = await newSession(suite.store(), { title: 'a\n"漢😀' });
      const names = ['a', 'A', ' a', 'a ', 'a:b', '{a}', '漢', '😀', '*', '!fin:a', 'toString'];
      const ids = [...names, '__proto__'].map((id) => ({ id, digest: `digest of ${id}`, seq: 1 }));
      const cells = Object.fromEntries(names.map((name) => [name, JSON.stringify(name)]));
      expect(await session.append({ ids, cells })).toEqual({ kind: 'applied' });
      expect(await suite.store().lookupIds(session.id, [...names, '__proto__'])).toEqual(ids);
      const opened = await session.opened();
      expect(Object.entries(opened.cells).sort()).toEqual(Object.entries(cells).sort());
      expect(opened.info.title).toBe('a\n"漢😀');
    });
  });
}
