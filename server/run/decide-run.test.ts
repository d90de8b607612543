import { beforeEach, describe, expect, test } from 'vitest';
import { brief, Fold } from '../../test-helpers/fold.ts';
import { decideChatMessage } from './decide-chat.ts';
import { decideClaim, decideHandover } from './decide-claim.ts';
import { decideEndAll, decideFinish } from './decide-finish.ts';
import { decideInputExpiry, decideInputRequest, decideInputRespond } from './decide-input.ts';
import { decideCancel } from './decide-run.ts';
import { SESSION_EXPIRED } from './end-runs.ts';
import { decideFenced, decideOnce } from './fenced.ts';
import { stepCompleted, stepStarted } from './workflow-position.ts';

const CLAIM = { owner: 'n1', leaseMs: 10_000, runMaxMs: 900_000, maxDeaths: 2 };
const CHAT = { agent: true, maxQueuedRuns: 16, runLeaseMs: 10_000, runMaxMs: 900_000 };
const COMPLETED = { outcome: 'completed', error: undefined } as const;
const lostAt = (attempt: number) => decideClaim(CLAIM, { runId: 'run-1', attempt });
const claim = decideClaim(CLAIM, undefined);
const say = (fold: Fold, id: string) =>
  fold.do(decideChatMessage(id, { content: id, on_busy: 'enqueue' }, CHAT));
const ask = (fold: Fold, n = 1, expires_at?: string) =>
  fold.do(
    decideInputRequest(
      {
        run_id: 'run-1',
        request_id: `run-1.q${n}`,
        kind: 'approval',
        prompt: '?',
        ...(expires_at === undefined ? {} : { expires_at }),
      },
      () => false,
    ),
  );

let fold: Fold;
beforeEach(() => {
  fold = new Fold();
  say(fold, 'message-1');
});

describe('a claim', () => {
  test('RUN-10 takes what waits: a lease, a hold, an alarm behind the lease', () => {
    expect(fold.do(claim)).toEqual({
      kind: 'append',
      events: [{ type: 'run_started', data: { run_id: 'run-1', message_id: 'message-1', attempt: 1 } }],
      acknowledge: 0,
      lease: { set: { runId: 'run-1', attempt: 1, owner: 'n1', until: fold.now + 10_000 } },
      holdUntil: fold.now + 900_000,
      alarmAt: fold.now + 10_001,
    });
    expect(brief(fold.ask(claim))).toBe('conflict');
  });

  test('RUN-10 finds nothing where nothing waits', () => {
    fold.do(claim);
    fold.do(decideFinish(COMPLETED, undefined));
    expect(brief(fold.ask(claim))).toBe('conflict');
  });

  test('RUN-11 takes a run over only from the execution that was seen dead', () => {
    fold.do(claim);
    const decision = fold.do(lostAt(1));
    expect(decision.events).toEqual([
      {
        type: 'run_recovering',
        data: { run_id: 'run-1', message_id: 'message-1', attempt: 2, reason: 'executor_lost' },
      },
      { type: 'run_started', data: { run_id: 'run-1', message_id: 'message-1', attempt: 2 } },
    ]);
    expect(decision.acknowledge).toBe(1);
    // A second node that saw the same death comes too late.
    expect(brief(fold.ask(lostAt(1)))).toBe('conflict');
  });

  test('RUN-17 gives a run up that cost more than RUN_MAX_ATTEMPTS executors', () => {
    fold.do(claim);
    fold.do(lostAt(1));
    fold.do(lostAt(2));
    fold.stream('so far');
    const decision = fold.do(lostAt(3));
    expect(brief(decision)).toEqual(['message_completed', 'run_finished']);
    expect(decision).toMatchObject({ lease: { clear: true }, dropPartial: true });
    expect(fold.state.lastRun?.outcome).toBe('lost');
  });

  test('RUN-18 goes on after a handover with the number that it was given; nobody died', () => {
    fold.do(claim);
    const handover = fold.do(decideHandover());
    expect(handover).toMatchObject({ lease: { clear: true }, alarmAt: fold.now });
    expect(fold.state.run).toMatchObject({ state: 'recovering', attempt: 2, deaths: 0 });
    expect(brief(fold.do(claim))).toEqual(['run_started']);
    expect(fold.state.run).toMatchObject({ state: 'running', attempt: 2, deaths: 0 });
  });

  test('RUN-33 of a run that waits for the person does not hold the session', () => {
    fold.do(claim);
    ask(fold);
    expect(fold.do(lostAt(1)).holdUntil).toBe(fold.now);
    expect(fold.state.run?.state).toBe('waiting_input');
    fold.do(decideHandover());
    expect(fold.do(claim).holdUntil).toBe(fold.now);
  });
});

describe('the fence', () => {
  const write = decideOnce([{ type: 'context_updated', data: { memory: {} } }], () => false);
  test('RUN-12 lets the execution through that has the run, and no other', () => {
    const fenced = (runId: string, attempt: number) =>
      brief(fold.ask(decideFenced({ runId, attempt }, write)));
    expect(fenced('run-1', 1)).toBe('conflict');
    fold.do(claim);
    expect(fenced('run-1', 1)).toEqual(['context_updated']);
    expect(fenced('run-1', 2)).toBe('conflict');
    expect(fenced('run-2', 1)).toBe('conflict');
    fold.do(lostAt(1));
    expect(fenced('run-1', 1)).toBe('conflict');
    fold.do(decideCancel('run-1'));
    expect(fenced('run-1', 2)).toBe('conflict');
  });

  test('RUN-12 what is in the log already is not appended again', () => {
    expect(brief(fold.ask(decideOnce([], () => true)))).toBe('nothing');
  });
});

describe('a cancel', () => {
  test('RUN-41 closes everything in order and keeps the text', () => {
    fold.do(claim);
    fold.append({
      type: 'tool_call',
      data: { run_id: 'run-1', tool_call_id: 'run-1.t1', name: 'x', arguments: {} },
    });
    ask(fold);
    fold.stream('so far');
    const decision = fold.do(decideCancel('run-1'));
    expect(brief(decision)).toEqual(['input_resolved', 'tool_result', 'message_completed', 'run_finished']);
    expect(decision.acknowledge).toBe(3);
    expect(decision.events[2]?.data).toMatchObject({
      message: { id: 'run-1.m1', status: 'partial', parts: [{ type: 'text', text: 'so far' }] },
    });
    expect(fold.state).toMatchObject({ run: null, lastRun: { outcome: 'canceled' } });
    expect(fold.state.toolCalls[0]?.error?.code).toBe('canceled');
    expect(brief(fold.ask(decideCancel('run-1')))).toBe('nothing');
  });

  test('RUN-41 leaves the text of another run alone', () => {
    fold.do(claim);
    fold.stream('x');
    if (fold.partial !== null) fold.partial = { ...fold.partial, runId: 'run-0' };
    expect(brief(fold.do(decideCancel('run-1')))).toEqual(['run_finished']);
  });

  test('RUN-41 takes one out that waits, and lets the session go with the last of them', () => {
    say(fold, 'message-2');
    expect(fold.do(decideCancel('run-1')).holdUntil).toBeUndefined();
    expect(fold.do(decideCancel('run-2')).holdUntil).toBe(fold.now);
    expect(brief(fold.ask(decideCancel('run-2')))).toBe('nothing');
  });

  test('RUN-33 of the last one that waits leaves nothing to hold the session, if the one in hand waits for the person', () => {
    fold.do(claim);
    ask(fold);
    say(fold, 'message-2');
    expect(fold.do(decideCancel('run-2')).holdUntil).toBe(fold.now);
  });

  test('RUN-33 of everything leaves nothing, and holds nothing', () => {
    say(fold, 'message-2');
    say(fold, 'message-3');
    fold.do(claim);
    expect(fold.do(decideEndAll(SESSION_EXPIRED))).toMatchObject({ holdUntil: 0, lease: { clear: true } });
    expect(fold.state).toMatchObject({ run: null, queue: [] });
    expect(fold.log.filter((event) => event.type === 'run_finished')).toHaveLength(3);
    expect(brief(fold.ask(decideEndAll(SESSION_EXPIRED)))).toBe('nothing');
  });
});

describe('an end', () => {
  const plan = { runId: 'run-1', name: 'w', steps: ['a', 'b'] };

  test('RUN-43 is one append with the last message', () => {
    fold.do(claim);
    fold.stream('all');
    const parts = [{ type: 'text' as const, text: 'all' }];
    const decision = fold.do(decideFinish(COMPLETED, { messageId: 'run-1.m1', parts, status: 'completed' }));
    expect(brief(decision)).toEqual(['message_completed', 'run_finished']);
    expect(decision).toMatchObject({ dropPartial: true, lease: { clear: true }, holdUntil: fold.now });
    expect(decision.events[0]?.data).toMatchObject({ message: { status: 'completed' } });
  });

  test('RUN-22 of an agent that leaves its workflow undone cancels the workflow', () => {
    fold.do(claim);
    fold.append(stepStarted(plan, []), stepCompleted(plan, [{ name: 'a', result: 1 }]));
    fold.do(decideFinish(COMPLETED, undefined));
    expect(fold.state.workflow).toMatchObject({ status: 'canceled', step: 2, pending: ['b'] });
  });

  test('RUN-22 takes the workflow with it', () => {
    fold.do(claim);
    fold.append(stepStarted(plan, []));
    fold.do(decideFinish({ outcome: 'failed', error: { code: 'x', message: 'y' } }, undefined));
    expect(fold.state.workflow).toMatchObject({ status: 'failed', step: 1, pending: ['a', 'b'] });
  });
});

describe('an answer', () => {
  const respond = (...responses: Parameters<typeof decideInputRespond>[0]) =>
    decideInputRespond(responses, 'somebody', 900_000);
  beforeEach(() => {
    fold.do(claim);
    expect(ask(fold).holdUntil).toBe(fold.now);
  });

  test('RUN-30 resolves its request, and the run holds the session again', () => {
    const decision = fold.do(respond({ request_id: 'run-1.q1', approved: true, value: { a: 1, b: 2 } }));
    expect(decision.holdUntil).toBe(fold.now + 900_000);
    expect(decision.events[0]?.data).toEqual({
      run_id: 'run-1',
      request_id: 'run-1.q1',
      resolution: 'answered',
      approved: true,
      value: { a: 1, b: 2 },
      resolved_by: 'somebody',
    });
    expect(fold.state.run?.state).toBe('running');
  });

  test('RUN-30 given again is a duplicate, another one a conflict', () => {
    fold.do(respond({ request_id: 'run-1.q1', approved: true, value: { a: 1, b: 2 } }));
    const seq = fold.log.length;
    expect(fold.ask(respond({ request_id: 'run-1.q1', approved: true, value: { b: 2, a: 1 } }))).toEqual({
      kind: 'nothing',
      doneBy: seq,
    });
    expect(brief(fold.ask(respond({ request_id: 'run-1.q1', approved: false })))).toBe('conflict');
    expect(brief(fold.ask(respond({ request_id: 'run-1.q7', approved: false })))).toBe('not_found');
  });

  test('RUN-34 a batch applies wholly or not at all', () => {
    ask(fold, 2);
    const bad = respond({ request_id: 'run-1.q1', approved: true }, { request_id: 'nobody', approved: true });
    expect(brief(fold.ask(bad))).toBe('not_found');
    const one = fold.do(respond({ request_id: 'run-1.q1', approved: true }));
    // The other one still waits.
    expect(one.holdUntil).toBeUndefined();
    const both = respond(
      { request_id: 'run-1.q1', approved: true },
      { request_id: 'run-1.q2', approved: true },
    );
    expect(brief(fold.do(both))).toEqual(['input_resolved']);
    expect(brief(fold.ask(both))).toBe('nothing');
  });

  test('RUN-34 to an approval says yes or no', () => {
    expect(brief(fold.ask(respond({ request_id: 'run-1.q1', value: 'maybe' })))).toBe('conflict');
  });

  test('RUN-32 in the very moment of the end counts, later it does not', () => {
    ask(fold, 2, new Date(fold.now + 1000).toISOString());
    fold.now += 1000;
    expect(fold.ask(respond({ request_id: 'run-1.q2', approved: true })).kind).toBe('append');
    expect(brief(fold.ask(decideInputExpiry(undefined, 0)))).toBe('nothing');
    fold.now += 1;
    expect(brief(fold.ask(respond({ request_id: 'run-1.q2', approved: true })))).toBe('conflict');
    expect(brief(fold.ask(decideInputExpiry('run-1.q1', 0)))).toBe('nothing');
    expect(brief(fold.do(decideInputExpiry(undefined, 0)))).toEqual(['input_resolved']);
    expect(fold.state.run?.pendingInputs.map((input) => input.request_id)).toEqual(['run-1.q1']);
  });

  test('RUN-30 to a run that is over is a conflict', () => {
    fold.do(decideCancel('run-1'));
    expect(brief(fold.ask(respond({ request_id: 'run-1.q1', approved: true })))).toBe('conflict');
  });
});
