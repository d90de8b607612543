import { beforeEach, describe, expect, test } from 'vitest';
import { brief, Fold } from '../../test-helpers/fold.ts';
import { type ChatRules, decideChatMessage, decideRunRetry } from './decide-chat.ts';
import { decideClaim } from './decide-claim.ts';
import { decideFinish } from './decide-finish.ts';
import { decideCancel } from './decide-run.ts';

const RULES: ChatRules = {
  agent: true,
  maxQueuedRuns: 2,
  runLeaseMs: 10_000,
  runMaxMs: 900_000,
};
const CLAIM = { owner: 'n1', leaseMs: 10_000, runMaxMs: 900_000, maxDeaths: 5 };
const message = (content: string, on_busy: 'enqueue' | 'reject' | 'interrupt' = 'enqueue', rules = RULES) =>
  decideChatMessage(`id-${content}`, { content, on_busy }, rules);
const claim = decideClaim(CLAIM, undefined);
const finish = decideFinish({ outcome: 'completed', error: undefined }, undefined);

let fold: Fold;
beforeEach(() => {
  fold = new Fold();
});

describe('a chat message', () => {
  test('RUN-1 is one append with its run, and sets alarm and hold', () => {
    expect(fold.ask(message('a'))).toMatchObject({
      kind: 'append',
      acknowledge: 0,
      events: [
        { type: 'message_created', data: { message: { id: 'id-a', role: 'user', seq: 0 } } },
        { type: 'run_queued', data: { run_id: 'run-1', message_id: 'id-a' } },
      ],
      alarmAt: fold.now + 10_000,
      holdUntil: fold.now + 900_000,
    });
  });

  test('RUN-1 starts no run where there is no agent', () => {
    expect(brief(fold.ask(message('a', 'enqueue', { ...RULES, agent: false })))).toEqual(['message_created']);
  });

  test('RUN-1 returns its metadata unchanged', () => {
    const metadata = { client: { draft: [1, null] } };
    fold.do(decideChatMessage('id-a', { content: 'a', on_busy: 'enqueue', metadata }, RULES));
    expect(fold.log[0]?.data).toMatchObject({ message: { metadata } });
  });

  test('RUN-3 with `reject` is refused while a run is in hand or waits', () => {
    expect(brief(fold.ask(message('a', 'reject')))).toEqual(['message_created', 'run_queued']);
    fold.do(message('a'));
    expect(brief(fold.ask(message('b', 'reject')))).toBe('busy');
    fold.do(claim);
    expect(brief(fold.ask(message('b', 'reject')))).toBe('busy');
    fold.do(finish);
    expect(brief(fold.ask(message('b', 'reject')))).toEqual(['message_created', 'run_queued']);
  });

  test('RUN-4 with `interrupt` ends the run in hand and goes ahead', () => {
    fold.do(message('a'));
    fold.do(claim);
    fold.do(message('b'));
    fold.stream('so far');
    const decision = fold.do(message('c', 'interrupt'));
    expect(brief(decision)).toEqual(['message_completed', 'run_finished', 'message_created', 'run_queued']);
    expect(decision).toMatchObject({ acknowledge: 2, dropPartial: true, lease: { clear: true } });
    expect(decision.holdUntil).toBe(fold.now + 900_000);
    expect(fold.state.queue.map((run) => run.messageId)).toEqual(['id-c', 'id-b']);
    expect(fold.state.lastRun?.outcome).toBe('canceled');
  });

  test('RUN-4 with `interrupt` and nothing in hand goes ahead of what waits', () => {
    fold.do(message('a'));
    expect(brief(fold.do(message('b', 'interrupt')))).toEqual(['message_created', 'run_queued']);
    expect(fold.state.queue.map((run) => run.messageId)).toEqual(['id-b', 'id-a']);
  });

  test('RUN-5 beyond MAX_QUEUED_RUNS is refused; an interrupt takes the place of the run that it ends', () => {
    fold.do(message('a'));
    fold.do(claim);
    fold.do(message('b'));
    fold.do(message('c'));
    expect(brief(fold.ask(message('d')))).toBe('limit_exceeded');
    expect(fold.ask(message('d', 'interrupt')).kind).toBe('append');
    expect(fold.ask(message('d', 'enqueue', { ...RULES, maxQueuedRuns: Infinity })).kind).toBe('append');
  });
});

describe('a retry', () => {
  const retry = (runId: string, rules = RULES) => decideRunRetry(runId, rules);

  test('RUN-6 of the last run is a new run for its message', () => {
    fold.do(message('a'));
    fold.do(claim);
    fold.do(decideCancel('run-1'));
    expect(fold.do(retry('run-1')).events).toEqual([
      { type: 'run_queued', data: { run_id: 'run-2', message_id: 'id-a', retry_of: 'run-1' } },
    ]);
    expect(fold.state.queue[0]).toMatchObject({ messageSeq: 1, ordinal: 1, retryOf: 'run-1' });
  });

  test('RUN-6 of any other run is a conflict', () => {
    expect(brief(fold.ask(retry('run-1')))).toBe('not_found');
    fold.do(message('a'));
    expect(brief(fold.ask(retry('run-1')))).toBe('conflict');
    fold.do(claim);
    expect(brief(fold.ask(retry('run-1')))).toBe('conflict');
    fold.do(finish);
    fold.do(message('b'));
    fold.do(claim);
    fold.do(finish);
    expect(brief(fold.ask(retry('run-1')))).toBe('conflict');
    expect(brief(fold.ask(retry('run-9')))).toBe('conflict');
    expect(brief(fold.ask(retry('run-2', { ...RULES, agent: false })))).toBe('not_available');
  });
});
