import { describe, expect, test } from 'vitest';
import { Fold } from '../../test-helpers/fold.ts';
import { EMPTY_STATE } from '../session/state.ts';
import type { SessionInfo } from '../store/store.ts';
import { decideChatMessage } from './decide-chat.ts';
import { decideClaim, decideHandover } from './decide-claim.ts';
import { decideInputRequest } from './decide-input.ts';
import { decideDue } from './due.ts';

const NOW = 10_000_000;
const MEDIUM = 300_000;
const RULES = { forgetMs: 1000 };

/** A session that nobody is attached to, last seen now. */
const info = (over: Partial<SessionInfo> = {}) => ({
  archived: undefined,
  lease: undefined,
  policy: { briefMs: 30_000, mediumMs: MEDIUM, archiveMs: 0, attachTtlMs: 25_000 },
  attachments: [],
  lastSeenAt: NOW,
  holdUntil: 0,
  ...over,
});
const due = (over: Partial<SessionInfo>, state = undefined as undefined | typeof EMPTY_STATE) =>
  decideDue(info(over), state, NOW, RULES);
const lease = (until: number) => ({ runId: 'run-1', attempt: 1, owner: 'n', until });
const attached = [{ connectionId: 'c', nodeId: 'n', beatAt: NOW, goneAt: undefined }];
const LONG_AGO = NOW - MEDIUM - 1;

function fold(...steps: ('claim' | 'ask' | 'handover')[]) {
  const f = new Fold();
  const rules = { agent: true, maxQueuedRuns: 1, runLeaseMs: 1, runMaxMs: 1 };
  f.do(decideChatMessage('m', { content: 'x', on_busy: 'enqueue' }, rules));
  const claim = decideClaim({ owner: 'n', leaseMs: 1, runMaxMs: 1, maxDeaths: 1 }, undefined);
  const expires_at = new Date(NOW - 1).toISOString();
  const request = { run_id: 'run-1', request_id: 'run-1.q1', kind: 'question' as const, prompt: '?' };
  for (const step of steps)
    f.do(
      step === 'claim'
        ? claim
        : step === 'handover'
          ? decideHandover()
          : decideInputRequest({ ...request, expires_at }, () => false),
    );
  return f.state;
}

describe('what a session needs', () => {
  test.each([
    ['nothing, idle', {}, EMPTY_STATE, { kind: 'wait', until: NOW + MEDIUM + 1 }],
    [
      'nothing, attached',
      { attachments: attached, lastSeenAt: 0 },
      EMPTY_STATE,
      { kind: 'wait', until: NOW + MEDIUM + 1 },
    ],
    ['a look, because a run may wait', {}, undefined, { kind: 'look' }],
    [
      'nothing while its run is leased',
      { lease: lease(NOW + 5) },
      undefined,
      { kind: 'wait', until: NOW + 6 },
    ],
    [
      'nothing in the last millisecond of the lease',
      { lease: lease(NOW) },
      undefined,
      { kind: 'wait', until: NOW + 1 },
    ],
    ['a look once the lease has run out', { lease: lease(NOW - 1) }, undefined, { kind: 'look' }],
    ['a claim of what waits', {}, fold(), { kind: 'claim', lost: undefined }],
    ['a claim of what was handed over', {}, fold('claim', 'handover'), { kind: 'claim', lost: undefined }],
    [
      'a claim of a lost run',
      { lease: lease(NOW - 1) },
      fold('claim'),
      { kind: 'claim', lost: { runId: 'run-1', attempt: 1 } },
    ],
    [
      'a claim of a run whose lease is void',
      {},
      fold('claim'),
      { kind: 'claim', lost: { runId: 'run-1', attempt: 1 } },
    ],
    ['questions to be ended first', {}, fold('claim', 'ask'), { kind: 'expire_inputs' }],
    ['expiry', { lastSeenAt: LONG_AGO }, undefined, { kind: 'expire' }],
    [
      'not yet: the limit is inclusive',
      { lastSeenAt: LONG_AGO + 1 },
      EMPTY_STATE,
      { kind: 'wait', until: NOW + 1 },
    ],
    [
      'not yet: a run holds it',
      { lastSeenAt: LONG_AGO, holdUntil: NOW },
      EMPTY_STATE,
      { kind: 'wait', until: NOW + 1 },
    ],
    [
      'expiry, whatever it left behind',
      { lastSeenAt: LONG_AGO, lease: lease(NOW - 1) },
      undefined,
      { kind: 'expire' },
    ],
    [
      'a look: does its executor work or wait?',
      { lastSeenAt: LONG_AGO, lease: lease(NOW) },
      undefined,
      { kind: 'look' },
    ],
    [
      'expiry although somebody waits for the person',
      { lastSeenAt: LONG_AGO, lease: lease(NOW) },
      fold('claim', 'ask'),
      { kind: 'expire' },
    ],
    [
      'nothing while its executor ends its run',
      { lastSeenAt: LONG_AGO, lease: lease(NOW) },
      fold('claim'),
      { kind: 'wait', until: NOW + 1 },
    ],
    [
      'nothing, archived',
      { archived: { at: 0, until: NOW, successorId: 's' } },
      undefined,
      { kind: 'wait', until: NOW + 1 },
    ],
    ['to be erased', { archived: { at: 0, until: NOW - 1, successorId: 's' } }, undefined, { kind: 'erase' }],
    [
      'to point at its successor',
      { archived: { at: NOW, until: 0, successorId: 's' } },
      undefined,
      { kind: 'wait', until: NOW + 1001 },
    ],
    [
      'to be forgotten',
      { archived: { at: NOW - 1001, until: 0, successorId: 's' } },
      undefined,
      { kind: 'erase' },
    ],
  ])('SWP-1 %s', (_, over, state, expected) => {
    expect(due(over, state)).toEqual(expected);
  });
});
