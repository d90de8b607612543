import {
  type ClientState,
  type Conversation,
  type HoldfastError,
  LineLostError,
  OperationRefusedError,
  RateLimitedError,
  RefusedError,
  type WaitReason,
} from '../../sdk/index.ts';
import { ApiError } from '../http/call.ts';
import { NO_LINE } from '../state/no-line.ts';
import type { FakeThreads } from '../testing/fake-app.ts';
import type { FakeClient } from '../testing/fake-client.ts';
import { STATES } from '../testing/fake-client.ts';
import * as f from '../testing/fixtures.ts';

/** One state of the page, made of fixtures. */
export interface Scene {
  readonly name: string;
  readonly state?: ClientState;
  readonly conversation?: Partial<Conversation>;
  /** What happened before: it ends in `state`. */
  readonly leadUp?: (client: FakeClient) => void;
  readonly signedOut?: boolean;
  readonly archived?: boolean;
  readonly context?: boolean;
  readonly threads?: FakeThreads;
}

const now = Date.now();
const at = (secondsAgo: number) => f.iso(now - secondsAgo * 1_000);
const line = (attempt: number) => ({ ...NO_LINE, attempt });
const lost = new LineLostError(1006, '');

const MARKDOWN = `Here is a first plan for the **kitchen garden**. It needs about *twelve square metres* and one free weekend.

1. Measure the bed and mark the paths.
2. Dig in two wheelbarrows of compost.
3. Sow radishes and spinach first; they forgive a late frost.

| what | when | how far apart |
|---|---|---:|
| radish | March | 5 cm |
| spinach | April | 20 cm |
| beans | May | 40 cm |

\`\`\`js
const rows = Math.floor(width / spacing);
\`\`\`

> Water in the morning, not at noon.

More at [the almanac](https://example.org/garden).`;

const talk: Partial<Conversation> = {
  session: f.session(),
  history: { total: 4, hasMore: false, loading: false },
  messages: [
    f.person(2, 'remember colour is blue', { ts: at(420) }),
    f.answer(5, 'Remembered colour = blue.', { ts: at(419) }),
    f.person(6, 'What would I need for a small kitchen garden, about three by four metres?', { ts: at(300) }),
    f.answer(11, MARKDOWN, { ts: at(290) }),
  ],
  context: { memory: { colour: 'blue', garden: { width: 3, length: 4 } }, preferences: { tone: 'brief' } },
};

const running: Partial<Conversation> = {
  ...talk,
  messages: [...(talk.messages ?? []), f.person(12, 'plan a kitchen garden', { ts: at(9) })],
  run: f.run('r-live', {
    messageId: 'm-12',
    toolCalls: [
      {
        run_id: 'r-live',
        tool_call_id: 't1',
        name: 'search',
        arguments: { query: 'kitchen garden' },
        result: { found: 14 },
      },
      {
        run_id: 'r-live',
        tool_call_id: 't2',
        name: 'outline',
        arguments: { from: 14 },
        result: ['beds', 'paths', 'water'],
      },
      { run_id: 'r-live', tool_call_id: 't3', name: 'draft', arguments: { sections: 3 } },
    ],
  }),
  workflow: f.plan(3),
};

const writing: Partial<Conversation> = {
  ...talk,
  messages: [...(talk.messages ?? []), f.person(12, 'count to 100', { ts: at(4) })],
  run: f.run('r-live', { messageId: 'm-12' }),
  streaming: {
    messageId: 'm-live',
    runId: 'r-live',
    attempt: 1,
    nextIndex: 40,
    parts: [{ type: 'text', text: Array.from({ length: 57 }, (_, i) => i + 1).join(' ') }],
  },
};

const approval: Partial<Conversation> = {
  ...running,
  run: f.run('r-live', {
    messageId: 'm-12',
    state: 'waiting_input',
    toolCalls: (running.run?.toolCalls ?? []).map((call) => ({
      ...call,
      result: call.result ?? { words: 812 },
    })),
  }),
  workflow: f.plan(4, { status: 'waiting_input' }),
  inputs: [f.input()],
};

const threads: FakeThreads = {
  threads: [
    f.thread('s-1', { title: 'Kitchen garden', updated_at: at(4), message_count: 5 }),
    f.thread('s-2', {
      last_message: { role: 'assistant', text: 'Message 3: "and what about the fence?"', ts: at(100) },
      updated_at: at(100),
      expires_in_ms: 214_000,
    }),
    f.thread('s-3', {
      title: 'Numbers for the report, second attempt with all the late corrections',
      updated_at: at(260),
      expires_in_ms: 41_000,
    }),
    f.thread('s-4', { title: 'Travel to Ghent', updated_at: at(90_000), archived: true, tier: 'expired' }),
    f.thread('s-5', {
      last_message: { role: 'assistant', text: '12 * 7 = 84', ts: at(200_000) },
      updated_at: at(200_000),
      archived: true,
      tier: 'expired',
    }),
  ],
};

const cut = (state: ClientState) => (client: FakeClient) => {
  client.become(STATES.connected, now - 60_000);
  client.become(waiting('backoff'), now - 23_000);
  client.become(state, now - 1_000);
};

const waiting = (why: WaitReason, error: HoldfastError = lost): ClientState => ({
  name: 'waiting',
  line: line(2),
  retryAt: now + 6_400,
  why,
  error,
});

const busyError = new OperationRefusedError('chat_message', {
  message: 'A run is in hand',
  error_type: 'busy',
  code: 409,
  retryable: true,
});

const scenes: readonly Scene[] = [
  { name: 'sign-in', signedOut: true },
  {
    name: 'sign-in-refused',
    state: {
      name: 'refused',
      line: line(1),
      error: new RefusedError('Invalid API key', 'invalid_key', 'api_key'),
    },
  },
  { name: 'connecting', state: STATES.connecting },
  { name: 'empty', conversation: { session: f.session({ outcome: 'fresh', expiresInMs: null }) } },
  { name: 'talk', conversation: talk },
  { name: 'writing', conversation: writing },
  { name: 'steps', conversation: running },
  { name: 'approval', conversation: approval },
  {
    name: 'approved',
    conversation: {
      ...running,
      workflow: f.plan(5),
      inputs: [
        f.input({ resolved: { resolution: 'answered', approved: true, value: null, by: 'ada', ts: at(2) } }),
      ],
    },
  },
  {
    name: 'question',
    conversation: {
      ...approval,
      inputs: [
        f.input({
          kind: 'question',
          prompt: 'Which bed first, the north or the south one?',
          arguments: null,
        }),
      ],
    },
  },
  {
    name: 'seams',
    context: true,
    conversation: {
      ...talk,
      messages: [
        ...(talk.messages ?? []),
        f.person(12, 'plan a kitchen garden', { ts: at(200) }),
        f.answer(33, 'The plan is published: three beds, two paths, one tap.', {
          ts: at(60),
          runId: 'r-live',
        }),
      ],
      runs: {
        'r-live': f.run('r-live', {
          messageId: 'm-12',
          state: 'finished',
          outcome: 'completed',
          toolCalls: (running.run?.toolCalls ?? []).map((call) => ({
            ...call,
            result: call.result ?? { words: 812 },
          })),
        }),
      },
      workflow: f.plan(6, { status: 'completed', pending: [] }),
      inputs: [
        f.input({ resolved: { resolution: 'answered', approved: true, value: null, by: 'ada', ts: at(70) } }),
      ],
      seams: [
        f.seam({
          afterSeq: 5,
          lostAt: now - 400_000,
          restoredAt: now - 386_000,
          awayMs: 14_000,
          disconnectedMs: 14_000,
          tier: 'brief',
        }),
        f.seam({
          afterSeq: 14,
          lostAt: now - 195_000,
          restoredAt: now - 61_000,
          warnings: [{ code: 'away', message: 'You were away for 2 min 14 s; the plan went on.' }],
          meanwhile: {
            events: 19,
            messages: 1,
            runsFinished: 0,
            toolCalls: 5,
            lastStep: { name: 'review', step: 4, total: 5 },
          },
        }),
      ],
    },
  },
  {
    name: 'offline',
    state: waiting('backoff'),
    leadUp: cut(waiting('backoff')),
    conversation: {
      ...writing,
      outgoing: [
        f.outgoing('o-1', 'And what does it cost, roughly?', { createdAt: now - 12_000 }),
        f.outgoing('o-2', 'Take your time.', { createdAt: now - 5_000 }),
      ],
    },
  },
  { name: 'offline-steps', leadUp: cut(waiting('backoff')), conversation: running },
  { name: 'restoring', leadUp: cut(STATES.restoring), conversation: writing },
  { name: 'server-restarts', leadUp: cut(waiting('server_closing')), conversation: talk },
  {
    name: 'rate-limited',
    leadUp: cut(waiting('rate_limited', new RateLimitedError('Rate limit exceeded', 6_400))),
    conversation: talk,
  },
  { name: 'out-of-reach', state: waiting('backoff'), threads: { fail: new ApiError('out_of_reach', 0) } },
  {
    name: 'recovering',
    conversation: {
      ...running,
      run: { ...f.run('r-live', { messageId: 'm-12' }), state: 'recovering', attempt: 2 },
    },
  },
  { name: 'agent-away', conversation: { ...talk, agents: { a1: 'offline' } } },
  {
    name: 'key-expired',
    leadUp: cut({
      name: 'refused',
      line: line(1),
      error: new RefusedError('Token expired', 'token_expired', 'api_key'),
    }),
    conversation: talk,
  },
  {
    name: 'thread-gone',
    state: {
      name: 'refused',
      line: line(1),
      error: new OperationRefusedError('connect', {
        message: 'No such session',
        error_type: 'not_found',
        code: 404,
        retryable: false,
      }),
    },
  },
  {
    name: 'erased',
    leadUp: cut({ name: 'closed', line: line(0), by: 'server', reason: 'erased' }),
    conversation: talk,
  },
  {
    name: 'expired',
    conversation: {
      session: f.session({ sessionId: 's-9', outcome: 'expired', tier: 'expired', previousSessionId: 's-1' }),
      previous: { sessionId: 's-1', messages: (talk.messages ?? []).slice(0, 3), endedAt: now },
      seams: [f.seam({ outcome: 'expired', tier: 'expired', awayMs: 367_000, afterSeq: 0 })],
      messages: [f.person(1, 'Are you still there?', { ts: at(3) })],
      run: f.run('r-live', { messageId: 'm-1' }),
    },
  },
  {
    name: 'undelivered',
    conversation: {
      ...talk,
      outgoing: [
        f.outgoing('o-1', 'Did this arrive?', { createdAt: now - 60_000, delivery: 'unconfirmed' }),
        f.outgoing('o-2', 'Only if you are free.', {
          createdAt: now - 5_000,
          delivery: 'failed',
          error: busyError,
        }),
      ],
    },
  },
  {
    name: 'failed',
    conversation: {
      ...talk,
      messages: [
        ...(talk.messages ?? []).slice(0, 3),
        f.answer(11, 'Here is a first plan for the **kitchen', {
          ts: at(290),
          status: 'partial',
          runId: 'r-f',
          runOutcome: 'failed',
        }),
      ],
      runs: {
        'r-f': f.run('r-f', {
          messageId: 'm-6',
          state: 'finished',
          outcome: 'failed',
          error: { code: 'agent_error', message: 'the model gave no answer' },
        }),
      },
      lastRun: f.run('r-f', {
        messageId: 'm-6',
        state: 'finished',
        outcome: 'failed',
        error: { code: 'agent_error', message: 'the model gave no answer' },
      }),
    },
  },
  {
    name: 'queued',
    conversation: {
      ...writing,
      messages: [...(writing.messages ?? []), f.person(14, 'calc 12 * 7', { ts: at(1) })],
      queuedRuns: [f.run('r-q', { messageId: 'm-14', state: 'queued', attempt: 0 })],
    },
  },
  { name: 'archived', archived: true, conversation: talk },
  {
    name: 'long',
    conversation: {
      ...talk,
      history: { total: 12_000, hasMore: true, loading: true },
      messages: Array.from({ length: 10_000 }, (_, i) =>
        i % 2 === 0
          ? f.person(i + 1, `Question ${i / 2 + 1}: ${'what about the beans? '.repeat((i % 7) + 1)}`, {
              ts: at(20_000 - i),
            })
          : f.answer(
              i + 1,
              i % 11 === 0 ? MARKDOWN : `Answer ${(i + 1) / 2}. ${'They climb. '.repeat((i % 13) + 1)}`,
              { ts: at(20_000 - i) },
            ),
      ),
    },
  },
];

/** Every state that has a design of its own. */
export const SCENES: readonly Scene[] = scenes.map((scene) => ({ threads, ...scene }));
