import { describe, expect, test } from 'vitest';
import type { Conversation } from '../../sdk/index.ts';
import { dayKey } from '../format/moment.ts';
import * as f from '../testing/fixtures.ts';
import type { Cut, Row } from './row-types.ts';
import { rowBuilder } from './rows.ts';

const today = dayKey(f.NOON);
const none: readonly Cut[] = [];

function rowsOf(more: Partial<Conversation>, cutSince: number | null = null, cuts: readonly Cut[] = none) {
  return rowBuilder()({ conversation: f.conversation(more), cuts, cutSince, today });
}

/** Short names of rows: `p:m-1`, `a:r-2*` (live), `seam`, ... */
function names(rows: readonly Row[]): string[] {
  return rows.map((row) => {
    if (row.kind === 'person') return row.key;
    if (row.kind === 'answer') return row.streaming === null ? row.key : `${row.key}*`;
    return row.kind;
  });
}

const streaming = (runId: string, text: string, more = {}) => ({
  messageId: `m-of-${runId}`,
  runId,
  attempt: 1,
  nextIndex: 1,
  parts: [{ type: 'text' as const, text }],
  ...more,
});

describe('WEB-40 order', () => {
  test('WEB-40 what waits stands below the answer in hand, and nothing moves when its turn comes', () => {
    const asked = [f.person(1, 'one'), f.person(2, 'two'), f.person(3, 'three')];
    const r1 = f.run('r1', { messageId: 'm-1' });
    const r2 = f.run('r2', { messageId: 'm-2', state: 'queued' });
    const r3 = f.run('r3', { messageId: 'm-3', state: 'queued' });
    const done = { ...r1, state: 'finished' as const, outcome: 'completed' as const };
    const a1 = f.answer(7, 'first', { id: 'm-of-r1', runId: 'r1' });
    const stages: Partial<Conversation>[] = [
      { messages: asked, run: r1, queuedRuns: [r2, r3], streaming: streaming('r1', 'fir') },
      { messages: [...asked, a1], run: null, runs: { r1: done }, lastRun: done, queuedRuns: [r2, r3] },
      {
        messages: [...asked, a1],
        runs: { r1: done },
        run: { ...r2, state: 'running' },
        queuedRuns: [r3],
        streaming: streaming('r2', 's'),
      },
    ];
    const build = rowBuilder();
    const seen = stages.map((stage) =>
      names(build({ conversation: f.conversation(stage), cuts: none, cutSince: null, today })),
    );
    expect(seen[0]).toEqual(['p:m-1', 'a:r1*', 'p:m-2', 'p:m-3']);
    expect(seen[1]).toEqual(['p:m-1', 'a:r1', 'p:m-2', 'p:m-3']);
    expect(seen[2]).toEqual(['p:m-1', 'a:r1', 'p:m-2', 'a:r2*', 'p:m-3']);
  });

  test('WEB-40 an interrupting message goes before those that wait', () => {
    const rows = rowsOf({
      messages: [
        f.person(1, 'one'),
        f.person(2, 'waits'),
        f.answer(3, 'cut sh', { runId: 'r1', status: 'partial' }),
        f.person(4, 'instead'),
      ],
      runs: { r1: f.run('r1', { messageId: 'm-1', state: 'finished', outcome: 'canceled' }) },
      run: f.run('r4', { messageId: 'm-4' }),
      queuedRuns: [f.run('r2', { messageId: 'm-2', state: 'queued' })],
    });
    expect(names(rows)).toEqual(['p:m-1', 'a:r1', 'p:m-4', 'a:r4', 'p:m-2']);
  });

  test('WEB-40 a reload shows the same order: history says which run answered a message', () => {
    const rows = rowsOf({
      messages: [
        f.person(1, 'one', { runId: 'r1', runOutcome: 'completed' }),
        f.person(2, 'two', { runId: 'r2', runOutcome: 'completed' }),
        f.answer(5, 'first', { runId: 'r1' }),
        f.answer(9, 'second', { runId: 'r2' }),
      ],
    });
    expect(names(rows)).toEqual(['p:m-1', 'a:r1', 'p:m-2', 'a:r2']);
  });

  test('WEB-40 a message that was only just stored stands last, before its run is known', () => {
    const rows = rowsOf({
      messages: [f.person(1, 'one'), f.person(4, 'just stored')],
      run: f.run('r1', { messageId: 'm-1' }),
      streaming: streaming('r1', 'x'),
    });
    expect(names(rows)).toEqual(['p:m-1', 'a:r1*', 'p:m-4']);
  });

  test('WEB-40 unsent messages come last', () => {
    const rows = rowsOf({
      messages: [f.person(1, 'one')],
      run: f.run('r1', { messageId: 'm-1' }),
      outgoing: [f.outgoing('o-1', 'later')],
    });
    expect(names(rows)).toEqual(['p:m-1', 'a:r1', 'p:o-1']);
  });

  test('WEB-40 a run that failed without a word has a row, and can be tried again', () => {
    const failed = f.run('r1', { messageId: 'm-1', state: 'finished', outcome: 'failed' });
    const rows = rowsOf({ messages: [f.person(1, 'one')], runs: { r1: failed }, lastRun: failed });
    expect(rows.at(-1)).toMatchObject({ kind: 'answer', run: { outcome: 'failed' }, retriable: true });
  });
});

describe('WEB-41 the same element', () => {
  test('WEB-41 an own message keeps its row from writing until it is stored', () => {
    const before = rowsOf({ outgoing: [f.outgoing('m-1', 'hello')] });
    const after = rowsOf({ messages: [f.person(1, 'hello')] });
    expect(before[0]?.key).toBe(after[0]?.key);
  });

  test('WEB-41 an answer keeps its row before, while and after it is written', () => {
    const asked = [f.person(1, 'one')];
    const run = f.run('r1', { messageId: 'm-1' });
    const stages: Partial<Conversation>[] = [
      { messages: asked, run },
      { messages: asked, run, streaming: streaming('r1', 'te') },
      { messages: [...asked, f.answer(5, 'text', { id: 'm-of-r1', runId: 'r1' })], run },
      {
        messages: [...asked, f.answer(5, 'text', { id: 'm-of-r1', runId: 'r1' })],
        lastRun: { ...run, state: 'finished' },
      },
    ];
    expect(stages.map((stage) => rowsOf(stage).find((row) => row.kind === 'answer')?.key)).toEqual(
      Array(4).fill('a:r1'),
    );
  });

  test('WEB-41 rows that did not change are the same objects while an answer grows', () => {
    const build = rowBuilder();
    const base = f.conversation({
      messages: [f.person(1, 'one')],
      run: f.run('r1', { messageId: 'm-1' }),
      streaming: streaming('r1', 'a'),
    });
    const first = build({ conversation: base, cuts: none, cutSince: null, today });
    const second = build({
      conversation: { ...base, streaming: streaming('r1', 'ab') },
      cuts: none,
      cutSince: null,
      today,
    });
    expect(second[0]).toBe(first[0]);
    expect(second[1]).not.toBe(first[1]);
  });

  test('WEB-41 two rows never have one key, whatever comes from outside', () => {
    const rows = rowsOf({
      messages: [f.person(1, 'one'), f.person(2, 'two', { id: 'm-1' })],
      outgoing: [f.outgoing('m-1', 'again')],
      seams: [f.seam({ lostAt: 5, afterSeq: 1 }), f.seam({ lostAt: 5, afterSeq: 2 })],
    });
    expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length);
  });

  test('WEB-41 steps, tools and questions belong to the first message of their run', () => {
    const rows = rowsOf({
      messages: [
        f.person(1, 'one'),
        f.answer(5, 'a', { id: 'x', runId: 'r-live' }),
        f.answer(6, 'b', { id: 'y', runId: 'r-live' }),
      ],
      run: f.run('r-live', { messageId: 'm-1' }),
      workflow: f.plan(2),
      inputs: [f.input()],
    });
    const answers = rows.filter((row) => row.kind === 'answer');
    expect(answers.map((row) => [row.key, row.workflow !== null, row.inputs.length])).toEqual([
      ['a:r-live', true, 1],
      ['a:r-live:y', false, 0],
    ]);
  });
});

describe('WEB-50 seams', () => {
  test('WEB-50 a seam stands after the last message that was there before', () => {
    const rows = rowsOf({
      messages: [f.person(1, 'one'), f.answer(3, 'x'), f.person(6, 'two')],
      seams: [f.seam({ afterSeq: 4 })],
    });
    expect(names(rows)).toEqual(['p:m-1', 'a:r-3', 'seam', 'p:m-6']);
  });

  test('WEB-50 cuts with nothing in between are one seam', () => {
    const rows = rowsOf({
      messages: [f.person(1, 'one')],
      seams: [f.seam({ afterSeq: 1, lostAt: 1 }), f.seam({ afterSeq: 1, lostAt: 9_000 })],
    });
    expect(rows.at(-1)).toMatchObject({ kind: 'seam', seams: [{ lostAt: 1 }, { lostAt: 9_000 }] });
  });

  test('WEB-50 a cut in the middle of an answer stands below it, now and later', () => {
    const asked = [f.person(1, 'one')];
    const run = f.run('r1', { messageId: 'm-1' });
    const cuts = [{ at: 1_000, messageId: 'm-of-r1' }];
    const seams = [f.seam({ afterSeq: 2, lostAt: 1_000 })];
    const cut = rowsOf({ messages: asked, run, streaming: streaming('r1', 'a') }, 1_000);
    const back = rowsOf({ messages: asked, run, streaming: streaming('r1', 'ab'), seams }, null, cuts);
    const done = rowsOf(
      { messages: [...asked, f.answer(9, 'abc', { id: 'm-of-r1', runId: 'r1' })], seams },
      null,
      cuts,
    );
    expect(names(cut)).toEqual(['p:m-1', 'a:r1*', 'cut']);
    expect(names(back)).toEqual(['p:m-1', 'a:r1*', 'seam']);
    expect(names(done)).toEqual(['p:m-1', 'a:r1', 'seam']);
    // The row of the cut becomes that of the seam.
    expect(back.at(-1)?.key).toBe(cut.at(-1)?.key);
  });

  test('WEB-51 while the line is cut, what one writes stands below the cut', () => {
    const rows = rowsOf({ messages: [f.person(1, 'one')], outgoing: [f.outgoing('o-1', 'later')] }, 5_000);
    expect(names(rows)).toEqual(['p:m-1', 'cut', 'p:o-1']);
  });
});

describe('WEB-52 an expired session', () => {
  test('WEB-52 its transcript stands above, greyed, in the order in which it was read, and a clean one begins', () => {
    const build = rowBuilder();
    const messages = [f.person(1, 'one'), f.person(2, 'two'), f.answer(5, 'x', { runId: 'r1' })];
    const done = f.run('r1', { messageId: 'm-1', state: 'finished', outcome: 'completed' });
    build({
      conversation: f.conversation({ messages, runs: { r1: done } }),
      cuts: none,
      cutSince: null,
      today,
    });
    const rows = build({
      conversation: f.conversation({
        session: f.session({ sessionId: 's-2', outcome: 'expired', previousSessionId: 's-1' }),
        previous: { sessionId: 's-1', messages, endedAt: f.NOON },
        seams: [f.seam({ outcome: 'expired', tier: 'expired', awayMs: 400_000 })],
        messages: [f.person(1, 'again', { id: 'n-1' })],
      }),
      cuts: none,
      cutSince: null,
      today,
    });
    expect(names(rows)).toEqual(['p:m-1', 'a:r1:m-5', 'p:m-2', 'ended', 'p:n-1']);
    expect(rows[0]).toMatchObject({ past: true });
    expect(rows[3]).toMatchObject({ sessionId: 's-1', awayMs: 400_000, shown: true });
    expect(rows[4]).toMatchObject({ past: false });
  });

  test('WEB-52 after a reload only the fact is known', () => {
    const rows = rowsOf({ session: f.session({ previousSessionId: 's-0' }) });
    expect(rows).toMatchObject([{ kind: 'ended', sessionId: 's-0', shown: false }]);
  });
});

test('WEB-32 older messages and other days are announced', () => {
  const yesterday = f.iso(f.NOON - 86_400_000);
  const rows = rowsOf({
    history: { total: 9, hasMore: true, loading: false },
    messages: [f.person(1, 'old', { ts: yesterday }), f.person(2, 'new')],
  });
  expect(names(rows)).toEqual(['older', 'day', 'p:m-1', 'day', 'p:m-2']);
});
