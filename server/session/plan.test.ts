import { expect, test } from 'vitest';
import type { NewEvent } from '../../protocol/chat/down.ts';
import type { AppendDecision } from './decision.ts';
import { type Command, type PlanBase, plan } from './plan.ts';
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
