import { describe, expect, test } from 'vitest';
import type { LogEvent, NewEvent } from '../../protocol/chat/down.ts';
import { parseToolCallId, toolCallId } from './ids.ts';
import { emptyJournal, type Journal, reduceJournal } from './journal.ts';
import { stepCompleted, stepStarted, workflowCanceled, workflowAt } from './workflow-position.ts';

const R = 'run-1';
const plan = { runId: R, name: 'w', steps: ['a', 'b', 'c', 'd', 'e'] };
const call = (id: string, run_id = R): NewEvent => ({
  type: 'tool_call',
  data: { run_id, tool_call_id: id, name: 'x', arguments: {} },
});
const result = (id: string, data: object): NewEvent => ({
  type: 'tool_result',
  data: { run_id: R, tool_call_id: id, ...data },
});
const message = (id: string, run_id = R): NewEvent => ({
  type: 'message_completed',
  data: {
    message: { id, seq: 1, role: 'assistant', parts: [], status: 'completed', run_id, ts: '' },
  },
});

function fold(events: readonly NewEvent[], journal: Journal = emptyJournal(R, 0)): Journal {
  return events.reduce(
    (j, event) => reduceJournal(j, { ...event, seq: j.seq + 1, tag: '', ts: '' } as LogEvent),
    journal,
  );
}

describe('the journal of a run', () => {
  test('RUN-14 skips what it has folded already, and what is of other runs', () => {
    const journal = fold([call(`${R}.t1`)]);
    expect(reduceJournal(journal, { ...call(`${R}.t2`), seq: 1, tag: '', ts: '' } as LogEvent)).toBe(journal);
    const others = fold([call('run-2.t1', 'run-2'), message('run-2.m1', 'run-2')], journal);
    expect(others).toEqual({ ...journal, seq: 3 });
  });

  test('RUN-14 has tool calls in their order, open or with what came of them', () => {
    const journal = fold([
      call(`${R}.t1`),
      call(`${R}.t2`),
      call(`${R}.t3`),
      result(`${R}.t2`, { result: { n: 1 } }),
      result(`${R}.t1`, { error: { code: 'c', message: 'm' } }),
    ]);
    expect(journal.tools.map((tool) => tool.outcome)).toEqual([
      { ok: false, code: 'c', message: 'm' },
      { ok: true, result: { n: 1 } },
      undefined,
    ]);
  });

  test('RUN-16 counts a call that was made again once', () => {
    const journal = fold([
      call(`${R}.t1`),
      result(`${R}.t1`, { error: { code: 'interrupted', message: '' } }),
      call(`${R}.t1.2`),
    ]);
    expect(journal.tools).toEqual([{ callId: `${R}.t1.2`, name: 'x', attempt: 2, outcome: undefined }]);
  });

  test('RUN-13 remembers how far everything had come when a step was done', () => {
    const journal = fold([
      stepStarted(plan, []),
      call(`${R}.t1`),
      result(`${R}.t1`, { result: 1 }),
      { type: 'input_requested', data: { run_id: R, request_id: `${R}.q1`, kind: 'question', prompt: '' } },
      { type: 'input_requested', data: { run_id: R, request_id: `${R}.t1.q`, kind: 'question', prompt: '' } },
      message(`${R}.m1`),
      stepCompleted(plan, [{ name: 'a', result: 'A' }]),
      stepStarted(plan, [{ name: 'a', result: 'A' }]),
      call(`${R}.t2`),
    ]);
    expect(journal.steps).toEqual([{ name: 'a', result: 'A', tools: 1, questions: 1, messages: 1 }]);
    expect(journal.stepsStarted).toBe(2);
    expect([...journal.requests.keys()]).toEqual([`${R}.q1`, `${R}.t1.q`]);
  });

  test('RUN-22 a canceled step is not done', () => {
    const journal = fold([stepStarted(plan, []), workflowCanceled(workflowAt(plan, []))]);
    expect(journal.steps).toEqual([]);
    expect(journal.workflow?.status).toBe('canceled');
  });

  test('RUN-52 knows the newest restart, until the message is complete', () => {
    const restart: NewEvent = { type: 'message_restarted', data: { message_id: `${R}.m1`, attempt: 3 } };
    const journal = fold([restart]);
    expect(journal.restarted).toEqual({ messageId: `${R}.m1`, attempt: 3 });
    expect(fold([message(`${R}.m1`)], journal).restarted).toBeUndefined();
  });

  test('RUN-14 ids are read as they are written', () => {
    for (const [n, attempt] of [
      [1, 1],
      [12, 1],
      [3, 2],
    ] as const)
      expect(parseToolCallId(R, toolCallId(R, n, attempt))).toEqual({ n, attempt });
    expect(parseToolCallId(R, 'run-2.t1')).toBeUndefined();
    expect(parseToolCallId(R, `${R}.t1.q`)).toBeUndefined();
  });
});

describe('the position of a workflow', () => {
  const done = (n: number) => plan.steps.slice(0, n).map((name) => ({ name, result: name.toUpperCase() }));

  test('RUN-20 in step 4 of 5: three completed, two pending', () => {
    expect(workflowAt(plan, done(3))).toEqual({
      workflow_id: R,
      name: 'w',
      step: 4,
      total_steps: 5,
      completed: done(3),
      pending: ['d', 'e'],
      status: 'running',
    });
    expect(stepStarted(plan, done(3)).data).toMatchObject({
      step: { index: 4, name: 'd', status: 'running' },
    });
  });

  test('RUN-21 completed: nothing pending, the last step in hand', () => {
    expect(stepCompleted(plan, done(5)).data).toMatchObject({
      step: { index: 5, name: 'e', status: 'completed' },
      workflow: { step: 5, pending: [], status: 'completed' },
    });
  });
});
