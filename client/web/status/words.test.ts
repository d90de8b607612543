import { describe, expect, test } from 'vitest';
import {
  ClientFaultError,
  type ClientState,
  type Conversation,
  LineLostError,
  RateLimitedError,
  RefusedError,
} from '../../sdk/index.ts';
import { NO_LINE } from '../state/no-line.ts';
import { STATES } from '../testing/fake-client.ts';
import * as f from '../testing/fixtures.ts';
import { instrument, lineStatus, sentence } from './words.ts';

const again = { ...NO_LINE, attempt: 2 };
const lost = new LineLostError(1006, '');
const refused = new RefusedError('Invalid API key', 'invalid_key');
const waiting = (why: 'backoff' | 'rate_limited' | 'server_closing' = 'backoff'): ClientState => ({
  name: 'waiting',
  line: again,
  retryAt: 3_000,
  why,
  error: why === 'rate_limited' ? new RateLimitedError('', 3_000) : lost,
});

const view = (state: ClientState, more: Partial<Conversation> = {}, rest: object = {}) => ({
  state,
  conversation: f.conversation(more),
  cutSince: null,
  online: true,
  now: 0,
  ...rest,
});

describe('WEB-10 the line in one word', () => {
  test.each<[string, ClientState, boolean]>([
    ['Disconnected', STATES.idle, false],
    ['Connecting', STATES.connecting, false],
    ['Connecting', { name: 'authenticating', line: NO_LINE, deadlineAt: 0 }, false],
    ['Connected', STATES.restoring, true],
    ['Connected', STATES.connected, true],
    ['Reconnecting', waiting(), false],
    ['Reconnecting', { name: 'connecting', line: again, deadlineAt: 0 }, false],
    ['Reconnecting', { name: 'authenticating', line: again, deadlineAt: 0 }, false],
    ['Disconnected', { name: 'refused', line: again, error: refused }, false],
    ['Disconnected', { name: 'closing', line: NO_LINE, deadlineAt: 0 }, false],
    ['Disconnected', STATES.closed, false],
    ['Disconnected', { name: 'failed', line: again, error: new ClientFaultError('', 4002) }, false],
  ])('WEB-10 %s', (word, state, authenticated) => {
    expect(lineStatus(state)).toBe(word);
    const { line } = instrument(view(state));
    expect(line.detail).toBe(authenticated ? 'Authenticated' : 'Not Authenticated');
  });
});

describe('WEB-11 one sentence and one action', () => {
  test.each<[string, ReturnType<typeof view>, string, string | null]>([
    ['connecting', view(STATES.connecting, { session: null }), 'Connecting to the server.', null],
    ['lost', view(waiting()), 'Connection lost. Trying again in 3 s. Nothing is lost.', 'retry_now'],
    [
      'offline',
      view(waiting(), {}, { online: false }),
      'You are offline. Trying again in 3 s. Nothing is lost.',
      'retry_now',
    ],
    [
      'never reached',
      view(waiting(), { session: null }),
      'The server is out of reach. Trying again in 3 s. Nothing is lost.',
      'retry_now',
    ],
    [
      'written meanwhile',
      view(waiting(), { outgoing: [f.outgoing('o', 'x')] }),
      'Connection lost. Trying again in 3 s. 1 message waits here; nothing is lost.',
      'retry_now',
    ],
    [
      'past its time',
      view(waiting(), {}, { cutSince: 0, now: 400_000 }),
      'Connection lost. Trying again in 1 s. The session may be over by now; what was said stays readable.',
      'retry_now',
    ],
    [
      'restart',
      view(waiting('server_closing')),
      'The server restarts. Trying again in 3 s. Nothing is lost.',
      'retry_now',
    ],
    [
      'rate limited',
      view(waiting('rate_limited')),
      'Too much at once. The server lets us back in 3 s. Nothing is lost.',
      null,
    ],
    [
      'refused',
      view({ name: 'refused', line: again, error: refused }),
      'Invalid API key. Check it, and sign in again.',
      null,
    ],
    [
      'failed',
      view({ name: 'failed', line: again, error: new ClientFaultError('', 4003, 'protocol_violation') }),
      'This page and the server are out of step.',
      'reload',
    ],
    [
      'erased',
      view({ name: 'closed', line: NO_LINE, by: 'server', reason: 'erased' }),
      'This thread was erased.',
      'new_thread',
    ],
    ['closed', view(STATES.closed), 'You are disconnected. What was said is kept.', 'connect'],
    ['restoring', view(STATES.restoring), 'The line is back. Catching up with what was missed.', null],
    [
      'leaving',
      view({ ...STATES.connected, returnAt: 5 }),
      'The server restarts in a moment. The line comes back by itself.',
      null,
    ],
    [
      'asked',
      view(STATES.connected, { inputs: [f.input()] }),
      'The agent waits for your decision.',
      'show_request',
    ],
    [
      'unsure',
      view(STATES.connected, { outgoing: [f.outgoing('o', 'x', { delivery: 'unconfirmed' })] }),
      '1 message needs your decision.',
      'show_unsent',
    ],
    [
      'recovering',
      view(STATES.connected, { run: f.run('r', { state: 'recovering' }) }),
      'The agent died; another one takes over. Finished steps are not run again.',
      null,
    ],
    [
      'no agent',
      view(STATES.connected, { agents: { a: 'offline' } }),
      'No agent is there right now. What you write waits for one.',
      null,
    ],
    [
      'steps',
      view(STATES.connected, { run: f.run('r-live'), workflow: f.plan(3) }),
      'Step 3 of 5: draft.',
      null,
    ],
    [
      'expired',
      view(STATES.connected, { session: f.session({ outcome: 'expired' }) }),
      'The session had expired; a clean one has begun.',
      null,
    ],
    ['empty', view(STATES.connected), 'Nothing has been said yet.', null],
    ['calm', view(STATES.connected, { messages: [f.person(1, 'x')] }), 'Everything said is stored.', null],
  ])('WEB-11 %s', (_, input, expected, action) => {
    const { lead, wait, tail, action: offered } = sentence(input);
    expect([lead, wait, tail].filter(Boolean).join(' ')).toBe(expected);
    expect(offered).toBe(action);
  });
});

describe('WEB-12 session and agent', () => {
  test('WEB-12 while the line is cut, the session says how long it is kept', () => {
    const at = (now: number) => instrument(view(waiting(), {}, { cutSince: 0, now })).session;
    expect(at(60_000)).toMatchObject({ word: 'Kept', detail: '4 min left', tone: 'calm' });
    expect(at(270_000)).toMatchObject({ word: 'Kept', detail: '30 s left', tone: 'wait' });
    expect(at(300_001)).toMatchObject({ word: 'May be over', tone: 'wait' });
  });

  test('WEB-12 a run that nobody sees is not claimed to be seen', () => {
    const { agent } = instrument(view(waiting(), { run: f.run('r') }, { cutSince: 0 }));
    expect(agent.detail).toBe('goes on unseen');
  });

  test.each<[Partial<Conversation>, string]>([
    [{}, 'Ready'],
    [{ run: f.run('r') }, 'Working'],
    [{ run: f.run('r', { state: 'waiting_input' }) }, 'Asks you'],
    [{ run: f.run('r', { state: 'recovering' }) }, 'Recovering'],
    [{ queuedRuns: [f.run('r', { state: 'queued' })] }, 'Queued'],
    [{ agents: { a: 'lost', b: 'offline' } }, 'Away'],
    [{ agents: { a: 'lost', b: 'online' } }, 'Ready'],
  ])('WEB-12 the agent in a word: %#', (more, word) => {
    expect(instrument(view(STATES.connected, more)).agent.word).toBe(word);
  });
});
