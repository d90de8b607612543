import { describe, expect, it } from 'vitest';
import type { EventData, EventType, LogEvent } from '../../protocol/chat/down.ts';
import type { HistoryMessage } from '../../protocol/chat/restore.ts';
import type { Workflow } from '../../protocol/chat/run.ts';
import { EMPTY_CONVERSATION, reduce, runOf } from './conversation.ts';
import { MAX_RESOLVED_INPUTS } from './conversation-runs.ts';
import { MAX_SEAMS } from './conversation-seams.ts';
import type { Conversation } from './conversation-types.ts';
import { delta, EPOCH, event, message, restored, success, TS } from './testing/frames.ts';
import type { ClientEvent } from './types.ts';

const AT = 1_000_000;
const log = (c: Conversation, ...events: LogEvent[]): Conversation =>
  events.reduce((state, e) => reduce(state, { type: 'event', event: e, replayed: false }), c);
/** A conversation after these events, numbered from 1. */
const fold = (...events: [EventType, EventData<EventType>][]): Conversation =>
  log(fresh(), ...events.map(([type, data], i) => event(i + 1, type, data)));

const RUN = { run_id: 'run-1', message_id: 'message-1' };
const asked: [EventType, EventData<EventType>] = [
  'message_created',
  { message: message(1, 'message-1', 'hello') },
];
const queued: [EventType, EventData<EventType>] = ['run_queued', RUN];
const started: [EventType, EventData<EventType>] = ['run_started', { ...RUN, attempt: 1 }];
const workflow: Workflow = {
  workflow_id: 'run-1',
  name: 'plan',
  step: 4,
  total_steps: 5,
  completed: [{ name: 'gather', result: 1 }],
  pending: ['review', 'publish'],
  status: 'running',
};

type RestoreOf = Parameters<typeof restored>[0];
function restoredEvent(
  seq: number,
  more: RestoreOf | null,
  lost: { at: number | null; seq: number; epoch: string } | null = null,
  session: Parameters<typeof success>[1] = {},
): Extract<ClientEvent, { type: 'restored' }> {
  return {
    type: 'restored',
    at: AT,
    session: success(seq, session).data,
    restored: more === null ? null : restored(more).data,
    lost,
  };
}
/** A restore with nothing to replay: both of its ends. */
function restore(
  c: Conversation,
  seq: number,
  more: RestoreOf,
  lost: Parameters<typeof restoredEvent>[2] = null,
  session: Parameters<typeof success>[1] = {},
): Conversation {
  const begun = reduce(c, restoredEvent(seq, more, lost, session));
  return reduce(begun, { type: 'caught_up', at: AT, restored: restored(more).data });
}
function fresh(): Conversation {
  return reduce(EMPTY_CONVERSATION, restoredEvent(0, null, null, { outcome: 'fresh' }));
}

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

describe('runs', () => {
  it('CLI-17 wait in line, an interrupting one ahead, and start', () => {
    const c = fold(
      asked,
      queued,
      ['run_queued', { run_id: 'run-2', message_id: 'message-2' }],
      ['run_queued', { run_id: 'run-3', message_id: 'message-3', ahead: true }],
    );
    expect(c.queuedRuns.map((run) => run.runId)).toEqual(['run-3', 'run-1', 'run-2']);
    const running = log(c, event(5, 'run_started', { run_id: 'run-3', message_id: 'message-3', attempt: 1 }));
    expect(running.run).toMatchObject({ runId: 'run-3', state: 'running', attempt: 1 });
    expect(running.queuedRuns.map((run) => run.runId)).toEqual(['run-1', 'run-2']);
  });

  it('CLI-17 keep their tool calls, and end with an outcome on their messages', () => {
    const calls = log(
      fold(asked, queued, started),
      event(4, 'tool_call', {
        run_id: 'run-1',
        tool_call_id: 'call-1',
        name: 'calculator',
        arguments: { e: '1+1' },
      }),
      event(5, 'tool_call', { run_id: 'run-1', tool_call_id: 'call-2', name: 'search', arguments: null }),
      event(6, 'tool_result', { run_id: 'run-1', tool_call_id: 'call-1', result: 2 }),
      event(7, 'tool_result', {
        run_id: 'run-1',
        tool_call_id: 'call-2',
        error: { code: 'canceled', message: 'no' },
      }),
      event(8, 'message_completed', {
        message: message(8, 'answer-1', 'half', { role: 'assistant', run_id: 'run-1', status: 'partial' }),
      }),
    );
    const c = log(
      calls,
      event(9, 'run_finished', {
        ...RUN,
        attempt: 1,
        outcome: 'failed',
        error: { code: 'agent', message: 'broke' },
      }),
    );
    expect(c.run).toBeNull();
    expect(c.lastRun).toMatchObject({ runId: 'run-1', outcome: 'failed', error: { code: 'agent' } });
    expect(c.lastRun?.toolCalls).toMatchObject([
      { tool_call_id: 'call-1', result: 2 },
      { tool_call_id: 'call-2', error: { code: 'canceled' } },
    ]);
    expect(c.messages.map((m) => m.runOutcome)).toEqual(['failed', 'failed']);
    for (const m of c.messages) expect(runOf(c, m)).toBe(c.lastRun);
  });

  it('CLI-17 recover, and go on', () => {
    const c = fold(asked, queued, started, [
      'run_recovering',
      { ...RUN, attempt: 2, reason: 'executor_lost' },
    ]);
    expect(c.run).toMatchObject({ state: 'recovering', attempt: 2 });
    expect(log(c, event(5, 'run_started', { ...RUN, attempt: 2 })).run).toMatchObject({ state: 'running' });
  });

  it('CLI-17 one that is canceled in line leaves the line', () => {
    const c = fold(asked, queued, ['run_finished', { ...RUN, attempt: 0, outcome: 'canceled' }]);
    expect(c.queuedRuns).toEqual([]);
    expect(c.lastRun).toMatchObject({ runId: 'run-1', outcome: 'canceled' });
  });

  it('CLI-17 history tells of those that nobody saw', () => {
    const call = { run_id: 'run-0', tool_call_id: 'call-0', name: 'search', arguments: null, result: 1 };
    const messages: HistoryMessage[] = [
      { ...message(1, 'message-0', 'q'), run_outcome: 'completed' },
      {
        ...message(3, 'answer-0', 'a', { role: 'assistant', run_id: 'run-0' }),
        run_outcome: 'completed',
        tool_calls: [call],
      },
    ];
    const c = restore(EMPTY_CONVERSATION, 4, {
      mode: 'snapshot',
      history: { messages, total: 2, has_more: false },
    });
    expect(c.messages[0]?.runOutcome).toBe('completed');
    expect(c.lastRun).toMatchObject({ runId: 'run-0', outcome: 'completed', toolCalls: [call] });
    const answer = c.messages[1];
    expect(answer && runOf(c, answer)?.toolCalls).toEqual([call]);
  });
});

describe('questions', () => {
  const ask = (seq: number, id: string): LogEvent =>
    event(seq, 'input_requested', {
      run_id: 'run-1',
      request_id: id,
      kind: 'approval',
      prompt: 'Publish?',
      arguments: { to: 'all' },
    });
  const step = event(4, 'step_started', {
    run_id: 'run-1',
    step: { index: 4, name: 'review', status: 'running' },
    workflow,
  });

  it('CLI-17 hold their run and its workflow until answered, and say by whom', () => {
    const waiting = log(fold(asked, queued, started), step, ask(5, 'r-1'));
    expect(waiting.run?.state).toBe('waiting_input');
    expect(waiting.workflow?.status).toBe('waiting_input');
    expect(waiting.inputs).toEqual([
      {
        requestId: 'r-1',
        runId: 'run-1',
        kind: 'approval',
        prompt: 'Publish?',
        arguments: { to: 'all' },
        expiresAt: null,
        resolved: null,
      },
    ]);
    const c = log(
      waiting,
      event(6, 'input_resolved', {
        run_id: 'run-1',
        request_id: 'r-1',
        resolution: 'answered',
        approved: true,
        resolved_by: 'ada',
      }),
    );
    expect(c.run?.state).toBe('running');
    expect(c.workflow?.status).toBe('running');
    expect(c.inputs[0]?.resolved).toEqual({
      resolution: 'answered',
      approved: true,
      value: null,
      by: 'ada',
      ts: TS,
    });
  });

  it('CLI-17 a run with two goes on after the second', () => {
    const resolve = (seq: number, id: string) =>
      event(seq, 'input_resolved', {
        run_id: 'run-1',
        request_id: id,
        resolution: 'answered',
        approved: true,
      });
    const waiting = log(fold(asked, queued, started), ask(4, 'r-1'), ask(5, 'r-2'), resolve(6, 'r-1'));
    expect(waiting.run?.state).toBe('waiting_input');
    expect(log(waiting, resolve(7, 'r-2')).run?.state).toBe('running');
  });

  it('CLI-17 a canceled run cancels its workflow', () => {
    const c = log(
      fold(asked, queued, started),
      step,
      event(5, 'run_finished', { ...RUN, attempt: 1, outcome: 'canceled' }),
    );
    expect(c.workflow?.status).toBe('canceled');
  });

  it('CLI-17 only the newest resolved ones are kept', () => {
    let c = fold(asked, queued, started);
    let seq = 3;
    for (let i = 0; i < MAX_RESOLVED_INPUTS + 20; i++) {
      c = log(
        c,
        ask(++seq, `r-${i}`),
        event(++seq, 'input_resolved', {
          run_id: 'run-1',
          request_id: `r-${i}`,
          resolution: 'expired',
        }),
      );
    }
    expect(c.inputs).toHaveLength(MAX_RESOLVED_INPUTS);
    expect(c.inputs.at(-1)?.requestId).toBe(`r-${MAX_RESOLVED_INPUTS + 19}`);
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
