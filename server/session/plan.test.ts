import { describe, expect, test } from 'vitest';
import type { NewEvent } from '../../protocol/chat/down.ts';
import { type AppendDecision, refuse } from './decision.ts';
import { type Command, type Plan, type PlanBase, plan } from './plan.ts';
import { agentBytes, answerBytes, withinSize } from './session-size.ts';
import { EMPTY_STATE, reduce, type SessionState } from './state.ts';

const NOW = 1_700_000_000_000;

/** The state after these events, from 1 on. */
function after(...events: NewEvent[]): SessionState {
  let seq = 0;
  return events.reduce(
    (state, event) => reduce(state, { ...event, seq: ++seq, tag: `t${seq}`, ts: '' } as never),
    EMPTY_STATE,
  );
}

function base(state: SessionState, changes: Partial<PlanBase> = {}): PlanBase {
  const ids = { sessionId: 's', nodeId: 'n', epoch: 'e', newId: () => 'id', newTag: () => 'tag' };
  return {
    ...ids,
    seq: 10,
    tag: 't10',
    state,
    holdUntil: 0,
    partial: null,
    logBytes: 0,
    now: NOW,
    ...changes,
  };
}

const append = (decision: Omit<AppendDecision, 'kind' | 'acknowledge'>): Command => ({
  decide: () => ({ kind: 'append', acknowledge: 0, ...decision }),
  id: undefined,
  needsPartial: true,
});
const queued = (n: number): NewEvent => ({
  type: 'run_queued',
  data: { run_id: `r${n}`, message_id: `m${n}` },
});
const started: NewEvent = { type: 'run_started', data: { run_id: 'r1', message_id: 'm1', attempt: 1 } };
const finished: NewEvent = {
  type: 'run_finished',
  data: { run_id: 'r1', message_id: 'm1', attempt: 1, outcome: 'canceled' },
};
const ending = append({ events: [finished], dropPartial: true, lease: { clear: true }, holdUntil: NOW });

test('RUN-33 a run that was queued in the same append keeps the session, when the one in hand ends', () => {
  const enqueue = append({ events: [queued(2)], holdUntil: NOW + 900_000 });
  const planned = plan(base(after(queued(1), started)), [enqueue, ending]);
  expect(planned.decisions).toHaveLength(2);
  expect(planned.request?.holdUntil).toBe(NOW + 900_000);
});

test('RUN-33 one that was queued before keeps it as long as was said then', () => {
  const planned = plan(base(after(queued(1), started, queued(2)), { holdUntil: NOW + 5 }), [ending]);
  expect(planned.request?.holdUntil).toBe(NOW + 5);
});

test('RUN-33 a run that ends while nothing waits leaves the session to its own time', () => {
  const planned = plan(base(after(queued(1), started), { holdUntil: NOW + 5 }), [ending]);
  expect(planned.request?.holdUntil).toBe(NOW);
});

describe('a session that may hold only so much', () => {
  const SIZE = 1000;
  const patch = (bytes: number): Command => ({
    decide: withinSize(
      () => ({
        kind: 'append',
        events: [{ type: 'context_updated', data: { memory: { text: 'x'.repeat(bytes) } } }],
        acknowledge: 0,
      }),
      SIZE,
    ),
    id: undefined,
    needsPartial: false,
  });
  const outcomes = (planned: Plan) =>
    planned.decisions.map(({ decision }) => (decision.kind === 'refused' ? decision.errorType : 'stored'));
  const bytesOf = (planned: Plan) =>
    planned.request?.events.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0) ?? 0;

  test('FLO-7 takes exactly that much, and not a byte more', () => {
    const room = bytesOf(plan(base(EMPTY_STATE), [patch(300)]));
    expect(outcomes(plan(base(EMPTY_STATE, { logBytes: SIZE - room }), [patch(300)]))).toEqual(['stored']);
    const refused = plan(base(EMPTY_STATE, { logBytes: SIZE - room }), [patch(301)]);
    expect(outcomes(refused)).toEqual(['limit_exceeded']);
    expect(refused.request).toBeUndefined();
    expect(refused.state).toBe(EMPTY_STATE);
  });

  test('FLO-7 counts what goes into the same append, and takes a small one after a large one was refused', () => {
    const planned = plan(base(EMPTY_STATE), [patch(300), patch(300), patch(300), patch(10)]);
    expect(outcomes(planned)).toEqual(['stored', 'stored', 'limit_exceeded', 'stored']);
    expect(planned.request?.events).toHaveLength(3);
    expect(planned.events.map((event) => event.seq)).toEqual([11, 12, 13]);
    expect(bytesOf(planned)).toBeLessThanOrEqual(SIZE);
  });

  test('FLO-20 lets a run end that is more than it has room for', () => {
    const full = base(after(queued(1), started), { logBytes: SIZE });
    expect(outcomes(plan(full, [patch(1), ending]))).toEqual(['limit_exceeded', 'stored']);
  });

  test('FLO-8 0 and Infinity are no limit', () => {
    const decide = () => refuse('conflict', 'never asked');
    expect(withinSize(decide, 0)).toBe(decide);
    expect(withinSize(decide, Number.POSITIVE_INFINITY)).toBe(decide);
    for (const off of [0, Number.POSITIVE_INFINITY])
      expect([agentBytes(off), answerBytes(off)]).toEqual([
        Number.POSITIVE_INFINITY,
        Number.POSITIVE_INFINITY,
      ]);
  });
});

test('FLO-7 commands of many bytes go into several appends', () => {
  const large = append({
    events: [{ type: 'context_updated', data: { memory: { text: 'x'.repeat(600_000) } } }],
  });
  expect(plan(base(EMPTY_STATE), [large, large, large, large]).decisions).toHaveLength(2);
});
