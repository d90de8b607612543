import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../protocol/chat/down.ts';
import type { HistoryMessage } from '../../protocol/chat/restore.ts';
import { EMPTY_CONVERSATION, runOf } from './conversation.ts';
import { MAX_RESOLVED_INPUTS } from './conversation-runs.ts';
import { asked, fold, log, queued, RUN, restore, started, workflow } from './testing/conversation.ts';
import { event, message, TS } from './testing/frames.ts';

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
