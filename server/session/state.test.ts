import { describe, expect, test } from 'vitest';
import type { LogEvent, NewEvent } from '../../protocol/chat/down.ts';
import { answerDigest } from './answer-digest.ts';
import { changedCells, stateOf } from './cells.ts';
import { EMPTY_STATE, reduce, type SessionState } from './state.ts';

/** Folds events that get their places one after another. */
function fold(events: readonly NewEvent[], from: SessionState = EMPTY_STATE, seq = 0): SessionState {
  return events.reduce((state, event, i) => {
    const place = { seq: seq + i + 1, tag: `t${seq + i + 1}`, ts: '2026-01-01T00:00:00.000Z' };
    return reduce(state, { ...event, ...place } as LogEvent);
  }, from);
}

const message = (id: string): NewEvent => ({
  type: 'message_created',
  data: { message: { id, seq: 0, role: 'user', parts: [], status: 'completed', ts: '' } },
});
const queued = (run_id: string, message_id = 'm1', more: object = {}): NewEvent => ({
  type: 'run_queued',
  data: { run_id, message_id, ...more },
});
const started = (run_id: string, attempt = 1): NewEvent => ({
  type: 'run_started',
  data: { run_id, message_id: 'm1', attempt },
});
const finished = (run_id: string, outcome: 'completed' | 'canceled' | 'failed' = 'completed'): NewEvent => ({
  type: 'run_finished',
  data: { run_id, message_id: 'm1', attempt: 1, outcome },
});
const asked = (request_id: string): NewEvent => ({
  type: 'input_requested',
  data: { run_id: 'r1', request_id, kind: 'approval', prompt: '?' },
});
const answered = (request_id: string): NewEvent => ({
  type: 'input_resolved',
  data: { run_id: 'r1', request_id, resolution: 'answered', approved: true },
});

describe('runs', () => {
  test('a queued run knows its message, and how many the person had sent', () => {
    const state = fold([message('m0'), message('m1'), queued('r1')]);
    expect(state.queue).toMatchObject([
      { runId: 'r1', messageId: 'm1', messageSeq: 2, ordinal: 2, queuedSeq: 3 },
    ]);
    expect(state.run).toBeNull();
  });

  test('the first that waits is started and leaves the queue', () => {
    const state = fold([message('m1'), queued('r1'), message('m2'), queued('r2', 'm2'), started('r1')]);
    expect(state.run).toMatchObject({ runId: 'r1', state: 'running', attempt: 1, deaths: 0 });
    expect(state.queue.map((run) => run.runId)).toEqual(['r2']);
  });

  test('a run that goes ahead is put before those that wait', () => {
    const state = fold([queued('r1'), queued('r2'), queued('r3', 'm3', { ahead: true })]);
    expect(state.queue.map((run) => run.runId)).toEqual(['r3', 'r1', 'r2']);
  });

  test('a lost executor counts as a death, a handover does not', () => {
    const recovering = (reason: 'executor_lost' | 'handover', attempt: number): NewEvent => ({
      type: 'run_recovering',
      data: { run_id: 'r1', message_id: 'm1', attempt, reason },
    });
    const state = fold([queued('r1'), started('r1'), recovering('executor_lost', 2), started('r1', 2)]);
    expect(state.run).toMatchObject({ state: 'running', attempt: 2, deaths: 1 });
    const handed = fold([recovering('handover', 3)], state, 4);
    expect(handed.run).toMatchObject({ state: 'recovering', attempt: 3, deaths: 1 });
  });

  test('a run waits while any request is open, and goes on after the last', () => {
    const two = fold([queued('r1'), started('r1'), asked('q1'), asked('q2'), answered('q1')]);
    expect(two.run).toMatchObject({ state: 'waiting_input', pendingInputs: [{ request_id: 'q2' }] });
    expect(fold([answered('q2')], two, 5).run).toMatchObject({ state: 'running', pendingInputs: [] });
    const answer = answerDigest({ approved: true });
    expect(two.resolvedInputs).toMatchObject([{ requestId: 'q1', answer, seq: 5 }]);
  });

  test('what ended is remembered as the last run; a retry answers the same message', () => {
    const state = fold([message('m1'), queued('r1'), started('r1'), finished('r1', 'failed')]);
    expect(state).toMatchObject({ run: null, lastRun: { runId: 'r1', outcome: 'failed' } });
    const again = fold([queued('r2', 'm1', { retry_of: 'r1' })], state, 4);
    expect(again.queue).toMatchObject([{ runId: 'r2', messageSeq: 1, ordinal: 1, retryOf: 'r1' }]);
  });

  test('a run that is not in hand changes nothing of the one that is', () => {
    const state = fold([queued('r1'), started('r1'), asked('q1')]);
    expect(fold([finished('r9')], state, 3)).toEqual(state);
  });
});

describe('workflow', () => {
  const step = (status: 'running' | 'waiting_input' = 'running'): NewEvent => ({
    type: 'step_started',
    data: {
      run_id: 'r1',
      step: { index: 1, name: 'a', status: 'running' },
      workflow: {
        workflow_id: 'r1',
        name: 'w',
        step: 1,
        total_steps: 2,
        completed: [],
        pending: ['a', 'b'],
        status,
      },
    },
  });

  test('follows its run: waiting, going on, canceled', () => {
    const waiting = fold([queued('r1'), started('r1'), step(), asked('q1')]);
    expect(waiting.workflow?.status).toBe('waiting_input');
    expect(fold([answered('q1')], waiting, 4).workflow?.status).toBe('running');
    expect(fold([finished('r1', 'canceled')], waiting, 4).workflow?.status).toBe('canceled');
    expect(fold([finished('r1', 'failed')], waiting, 4).workflow?.status).toBe('failed');
  });
});

describe('tool calls', () => {
  const call = (id: string, args: unknown = {}): NewEvent => ({
    type: 'tool_call',
    data: { run_id: 'r1', tool_call_id: id, name: 'tool', arguments: args as never },
  });

  test('get their result, and the run knows which have none', () => {
    const state = fold([queued('r1'), started('r1'), call('t1'), call('t2')]);
    expect(state.run?.openTools).toEqual(['t1', 't2']);
    const done = fold(
      [{ type: 'tool_result', data: { run_id: 'r1', tool_call_id: 't1', result: 4 } }],
      state,
      4,
    );
    expect(done.run?.openTools).toEqual(['t2']);
    expect(done.toolCalls).toMatchObject([{ tool_call_id: 't1', result: 4 }, { tool_call_id: 't2' }]);
  });

  test('only the newest are kept, by count and by bytes', () => {
    const many = fold(Array.from({ length: 250 }, (_, i) => call(`t${i}`)));
    expect(many.toolCalls).toHaveLength(200);
    expect(many.toolCalls[0]?.tool_call_id).toBe('t50');
    const large = fold(Array.from({ length: 5 }, (_, i) => call(`t${i}`, 'x'.repeat(50_000))));
    expect(large.toolCalls.map((c) => c.tool_call_id)).toEqual(['t3', 't4']);
  });
});

test('context merges by RFC 7386, and what is not touched is shared', () => {
  const before = fold([
    { type: 'context_updated', data: { memory: { a: { b: 1, c: 2 } }, preferences: { tone: 'dry' } } },
  ]);
  const after = fold([{ type: 'context_updated', data: { memory: { a: { b: null }, d: [] } } }], before, 1);
  expect(after.memory).toEqual({ a: { c: 2 }, d: [] });
  expect(after.preferences).toBe(before.preferences);
});

test('cells hold the state: what they give back is what was folded', () => {
  const state = fold([message('m1'), queued('r1'), started('r1'), asked('q1'), answered('q1'), asked('q2')]);
  const back = stateOf(changedCells(EMPTY_STATE, state), state.personMessages);
  expect(JSON.parse(JSON.stringify(back))).toEqual(JSON.parse(JSON.stringify(state)));
  expect(changedCells(state, fold([message('m2')], state, 6))).toEqual({});
});
