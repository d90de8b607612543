import { describe, expect, it } from 'vitest';
import { EMPTY_CONVERSATION, reduce } from './conversation.ts';
import { MAX_SEAMS } from './conversation-seams.ts';
import type { Conversation } from './conversation-types.ts';
import {
  AT,
  asked,
  fold,
  log,
  queued,
  RUN,
  restore,
  restoredEvent,
  started,
  workflow,
} from './testing/conversation.ts';
import { delta, EPOCH, event, message, TS } from './testing/frames.ts';
import type { ClientEvent } from './types.ts';

describe('messages', () => {
  it('CLI-17 come in the order of the log', () => {
    const c = fold(asked, queued, started, [
      'message_completed',
      { message: message(4, 'answer-1', 'hi', { role: 'assistant', run_id: 'run-1' }) },
    ]);
    expect(c.messages).toEqual([
      {
        id: 'message-1',
        seq: 1,
        role: 'user',
        parts: [{ type: 'text', text: 'hello' }],
        status: 'completed',
        runId: null,
        ts: TS,
        metadata: null,
        delivery: 'sent',
        runOutcome: null,
        toolCalls: [],
      },
      {
        id: 'answer-1',
        seq: 4,
        role: 'assistant',
        parts: [{ type: 'text', text: 'hi' }],
        status: 'completed',
        runId: 'run-1',
        ts: TS,
        metadata: null,
        delivery: null,
        runOutcome: null,
        toolCalls: [],
      },
    ]);
    expect(c.history.total).toBe(2);
  });

  it('CLI-17 a chunk touches nothing but the stream', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => message(i + 1, `message-${i + 1}`, 'x'));
    const before = restore(EMPTY_CONVERSATION, 10_000, {
      mode: 'snapshot',
      history: { messages: many, total: 10_000, has_more: false },
    });
    const begun = reduce(before, { type: 'message_started', messageId: 'answer-1', runId: 'run-1' });
    const c = reduce(begun, { type: 'delta', delta: delta('answer-1', 0, 'a').data });
    const { streaming, ...rest } = c;
    expect(streaming?.parts).toEqual([{ type: 'text', text: 'a' }]);
    for (const [key, value] of Object.entries(rest))
      expect(value, key).toBe(before[key as keyof Conversation]);
  });

  it('CLI-17 parts of an answer are told apart', () => {
    const chunk = (index: number, part: number, kind: 'text' | 'reasoning', text: string): ClientEvent => ({
      type: 'delta',
      delta: { message_id: 'a', attempt: 1, index, part, kind, delta: text },
    });
    const c = [
      chunk(0, 0, 'reasoning', 'let me '),
      chunk(1, 0, 'reasoning', 'see'),
      chunk(2, 1, 'text', 'yes'),
    ].reduce(reduce, EMPTY_CONVERSATION);
    expect(c.streaming?.parts).toEqual([
      { type: 'reasoning', text: 'let me see' },
      { type: 'text', text: 'yes' },
    ]);
  });
});

describe('restores', () => {
  const view = { run_id: 'run-9', message_id: 'message-9', state: 'waiting_input' as const };
  const request = { run_id: 'run-9', request_id: 'r-9', kind: 'question' as const, prompt: 'Which?' };

  it('CLI-12 a snapshot is all there is', () => {
    const c = restore(fold(asked, queued, started), 40, {
      mode: 'snapshot',
      context: {
        memory: { a: 1 },
        preferences: { b: 2 },
        workflow,
        tool_calls: [{ run_id: 'run-9', tool_call_id: 'call-9', name: 'search', arguments: null }],
      },
      history: { messages: [message(40, 'message-40', 'new')], total: 7, has_more: true },
      run: { ...view, pending_inputs: [request] },
      queued_runs: [{ run_id: 'run-10', message_id: 'message-10', state: 'queued', pending_inputs: [] }],
    });
    expect(c.messages.map((m) => m.id)).toEqual(['message-40']);
    expect(c.context).toEqual({ memory: { a: 1 }, preferences: { b: 2 } });
    expect(c.workflow).toEqual(workflow);
    expect(c.run).toMatchObject({ runId: 'run-9', state: 'waiting_input' });
    expect(c.run?.toolCalls.map((call) => call.tool_call_id)).toEqual(['call-9']);
    expect(c.queuedRuns.map((run) => run.runId)).toEqual(['run-10']);
    expect(c.inputs).toMatchObject([{ requestId: 'r-9', resolved: null }]);
    expect(c.history).toEqual({ total: 7, hasMore: true, loading: false });
  });

  it('CLI-12 the first restore of a client leaves no seam', () => {
    expect(restore(EMPTY_CONVERSATION, 1, { mode: 'snapshot' }).seams).toEqual([]);
  });

  it('CLI-18 a seam says when, how long, and what happened meanwhile', () => {
    const lost = { at: AT - 5000, seq: 2, epoch: EPOCH };
    const warnings = [{ code: 'away', message: 'You were away' }];
    let c = reduce(
      fold(asked, queued),
      restoredEvent(
        8,
        {
          tier: 'medium',
          away_ms: 4900,
          disconnected_ms: 4800,
          warnings,
          replay: { from_seq: 3, to_seq: 8 },
        },
        lost,
      ),
    );
    const replay = [
      event(3, 'run_started', { ...RUN, attempt: 1 }),
      event(4, 'step_started', {
        run_id: 'run-1',
        step: { index: 4, name: 'review', status: 'running' },
        workflow,
      }),
      event(5, 'tool_call', { run_id: 'run-1', tool_call_id: 'c', name: 'x', arguments: null }),
      event(6, 'tool_result', { run_id: 'run-1', tool_call_id: 'c', result: 1 }),
      event(7, 'message_completed', { message: message(7, 'answer-1', 'hi', { role: 'assistant' }) }),
      event(8, 'run_finished', { ...RUN, attempt: 1, outcome: 'completed' }),
    ];
    for (const e of replay) c = reduce(c, { type: 'event', event: e, replayed: true });
    expect(c.seams).toEqual([
      {
        afterSeq: 2,
        lostAt: AT - 5000,
        restoredAt: AT,
        awayMs: 4900,
        disconnectedMs: 4800,
        tier: 'medium',
        outcome: 'restored',
        mode: 'replay',
        warnings,
        meanwhile: {
          events: 6,
          messages: 1,
          runsFinished: 1,
          toolCalls: 1,
          lastStep: { name: 'review', step: 4, total: 5 },
        },
      },
    ]);
    expect(log(c, event(9, 'message_created', { message: message(9, 'm9', 'x') })).seams).toBe(c.seams);
  });

  it('CLI-18 only the newest seams are kept', () => {
    let c = fold(asked);
    for (let i = 0; i < MAX_SEAMS + 5; i++) c = restore(c, 1, {}, { at: i, seq: 1, epoch: EPOCH });
    expect(c.seams).toHaveLength(MAX_SEAMS);
    expect(c.seams[0]?.lostAt).toBe(5);
  });

  it('CLI-12 who answered is remembered over a snapshot of the same log', () => {
    const answered = log(
      fold(asked, queued, started),
      event(4, 'input_requested', { run_id: 'run-1', request_id: 'r-1', kind: 'question', prompt: '?' }),
      event(5, 'input_resolved', {
        run_id: 'run-1',
        request_id: 'r-1',
        resolution: 'answered',
        value: 'x',
        resolved_by: 'ada',
      }),
      event(6, 'input_requested', { run_id: 'run-1', request_id: 'r-2', kind: 'question', prompt: '?' }),
    );
    const same = restore(answered, 2000, { mode: 'snapshot' }, { at: 1, seq: 6, epoch: EPOCH });
    expect(same.inputs.map((input) => input.requestId)).toEqual(['r-1']);
    const other = restore(answered, 3, { mode: 'snapshot' }, { at: 1, seq: 6, epoch: 'epoch-0' });
    expect(other.inputs).toEqual([]);
  });
});

describe('what changes nothing', () => {
  it('CLI-17 gives the very same conversation back', () => {
    const c = fold(asked);
    const events: ClientEvent[] = [
      { type: 'notice', level: 'info', code: 'x', message: 'x' },
      { type: 'server_closing', reconnectInMs: 1 },
      { type: 'lagged', dropped: 1 },
      { type: 'delta', delta: delta('unknown', 3, 'x').data },
      { type: 'caught_up', at: AT, restored: null },
      {
        type: 'outbox',
        change: 'discarded',
        entry: {
          id: 'nobody',
          content: 'x',
          onBusy: 'enqueue',
          metadata: undefined,
          createdAt: 0,
          state: 'queued',
        },
        seq: null,
        error: null,
      },
    ];
    for (const e of events) expect(reduce(c, e)).toBe(c);
  });
});
