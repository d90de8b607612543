import { describe, expect, test } from 'vitest';
import {
  type ConnectionEvent,
  type ConnectionLimits,
  type ConnectionState,
  initialState,
  MAX_CONNECT_BYTES,
  type Transition,
  transition,
} from './connection-state.ts';
import { INTERNAL_ERROR, refusal } from './refusal.ts';

const LIMITS: ConnectionLimits = { rate: { perSecond: 20, burst: 60 }, maxFrameBytes: 1_048_576 };

function frame(value: unknown): ConnectionEvent {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return { type: 'frame', frame: { text, bytes: Buffer.byteLength(text) } };
}

const CONNECT = frame({ type: 'connect', data: { api_key: 'k' }, id: 'c1' });
const CHAT = { type: 'chat_message', data: { content: 'hi' }, id: 'message-1' };
const PING = frame({ type: 'ping', data: {} });

/** Runs events one after another, all at the same moment. */
function run(events: readonly ConnectionEvent[], from?: ConnectionState, now = 0): Transition {
  let step: Transition = { state: from ?? initialState(LIMITS, 0), actions: [] };
  for (const event of events) step = transition(step.state, event, now, LIMITS);
  return step;
}

const opened = () => run([CONNECT, { type: 'authenticated', permissions: ['chat'] }]).state;

/** What was refused, in short. */
function refused(step: Transition) {
  return step.actions.flatMap((action) =>
    action.do === 'refuse' ? [[action.refusal.error.error_type, action.refusal.close?.code ?? null]] : [],
  );
}

describe('awaiting connect', () => {
  test('a good connect is authenticated', () => {
    const { state, actions } = run([CONNECT]);
    expect(state.name).toBe('authenticating');
    expect(actions).toMatchObject([
      { do: 'authenticate', data: { api_key: 'k', domain: 'personal' }, id: 'c1' },
    ]);
  });

  test.each([
    ['anything but connect', frame(CHAT), 'protocol_violation', 4003],
    ['an unknown type', frame({ type: 'nonsense', data: {} }), 'protocol_violation', 4003],
    ['no JSON', frame('{'), 'invalid_format', 4002],
    ['no envelope', frame([1]), 'invalid_format', 4002],
    ['a binary frame', { type: 'frame', frame: { text: undefined, bytes: 3 } }, 'invalid_format', 4002],
    ['no api_key', frame({ type: 'connect', data: {} }), 'invalid_key', 4000],
    ['an empty api_key', frame({ type: 'connect', data: { api_key: '' } }), 'invalid_key', 4000],
    ['an api_key that is no text', frame({ type: 'connect', data: { api_key: 7 } }), 'invalid_message', 4002],
    [
      'a domain that is none',
      frame({ type: 'connect', data: { api_key: 'k', domain: '' } }),
      'invalid_message',
      4002,
    ],
    [
      'a version that is not spoken',
      frame({ type: 'connect', data: { api_key: 'k', protocol_version: 99 } }),
      'unsupported_version',
      4003,
    ],
    ['the deadline', { type: 'auth_deadline' }, 'auth_timeout', 4000],
  ] as [string, ConnectionEvent, string, number][])('%s ends it', (_name, event, errorType, code) => {
    const step = run([event]);
    expect(refused(step)).toEqual([[errorType, code]]);
    expect(step.state.name).toBe('closed');
  });

  test('a frame over 16 KiB ends it with 1009, whatever it says', () => {
    const step = run([{ type: 'frame', frame: { text: 'x', bytes: MAX_CONNECT_BYTES + 1 } }]);
    expect(refused(step)).toEqual([['limit_exceeded', 1009]]);
  });

  test('the size is checked before the rate, the rate before the content', () => {
    const spent = initialState({ ...LIMITS, rate: { perSecond: 20, burst: 0 } }, 0);
    expect(refused(run([frame('{')], spent))).toEqual([['rate_limited', 4001]]);
  });
});

describe('authenticating', () => {
  test('what comes meanwhile is held, and handled in order once it is open', () => {
    const held = run([CONNECT, frame(CHAT), PING]);
    expect(held.actions).toEqual([]);
    const { state, actions } = run([{ type: 'authenticated', permissions: ['chat'] }], held.state);
    expect(state.name).toBe('open');
    expect(actions.map((a) => (a.do === 'handle' ? a.message.type : a.do))).toEqual(['chat_message', 'ping']);
  });

  test('a second connect that was held is a violation', () => {
    const step = run([CONNECT, CONNECT, PING, { type: 'authenticated', permissions: ['chat'] }]);
    expect(refused(step)).toEqual([['protocol_violation', 4003]]);
    expect(step.actions).toHaveLength(1);
  });

  test('a refusal that keeps it open lets it try again', () => {
    const step = run([CONNECT, { type: 'refused', refusal: refusal('not_found', 'x'), replyTo: 'c1' }]);
    expect(refused(step)).toEqual([['not_found', null]]);
    expect(step.state.name).toBe('awaiting_connect');
    expect(run([CONNECT], step.state).state.name).toBe('authenticating');
  });

  test('after such a refusal, what was held came before any connect', () => {
    const step = run([
      CONNECT,
      PING,
      { type: 'refused', refusal: refusal('not_found', 'x'), replyTo: undefined },
    ]);
    expect(refused(step)).toEqual([
      ['not_found', null],
      ['protocol_violation', 4003],
    ]);
  });

  test('the deadline waits for the answer: a good one opens, one that keeps it open comes too late', () => {
    const late = run([CONNECT, { type: 'auth_deadline' }]);
    expect(late.actions).toEqual([]);
    expect(run([{ type: 'authenticated', permissions: [] }], late.state).state.name).toBe('open');
    const step = run(
      [{ type: 'refused', refusal: refusal('not_found', 'x'), replyTo: undefined }],
      late.state,
    );
    expect(refused(step)).toEqual([
      ['not_found', null],
      ['auth_timeout', 4000],
    ]);
  });

  test('only so many frames are held', () => {
    const step = run([CONNECT, ...Array.from({ length: 33 }, () => PING)]);
    expect(refused(step)).toEqual([['rate_limited', 4001]]);
  });
});

describe('open', () => {
  test('a message is handled with its id', () => {
    expect(run([frame(CHAT)], opened()).actions).toMatchObject([{ do: 'handle', id: 'message-1' }]);
  });

  test('the fifth invalid message within a minute ends it', () => {
    const bad = frame({ type: 'chat_message', data: { content: '' }, id: 'message-2' });
    const four = run([bad, bad, bad, bad], opened());
    expect(refused(four)).toEqual([['invalid_message', null]]);
    expect(refused(run([bad], four.state))).toEqual([['invalid_message', 4002]]);
    expect(refused(run([bad], four.state, 60_000))).toEqual([['invalid_message', null]]);
  });

  test('issues name the place and the rule', () => {
    const [action] = run([frame({ type: 'chat_message', data: { content: 5 } })], opened()).actions;
    expect(action).toMatchObject({
      refusal: {
        error: { original_type: 'chat_message', issues: [{ path: 'id' }, { path: 'data.content' }] },
      },
    });
  });

  test('a second connect, a server-only type and an unknown type are violations', () => {
    for (const type of ['connect', 'message_created', 'nonsense'])
      expect(refused(run([frame({ type, data: {} })], opened()))).toEqual([['protocol_violation', 4003]]);
  });

  test('without the permission to chat, nothing of a session is done, but a ping is answered', () => {
    const { state } = run([{ type: 'permissions', permissions: ['operate'] }], opened());
    expect(refused(run([frame(CHAT)], state))).toEqual([['forbidden', null]]);
    expect(run([PING], state).actions).toMatchObject([{ do: 'handle' }]);
  });

  test('frames beyond the burst end it, and the error says how long to wait', () => {
    // The connect was the first of the 60.
    const many = Array.from({ length: 59 }, () => PING);
    const { state } = run(many, opened());
    const step = run([PING], state);
    expect(refused(step)).toEqual([['rate_limited', 4001]]);
    expect(step.actions).toMatchObject([{ refusal: { error: { retry_after_ms: 50 } } }]);
    expect(run([PING], state, 50).actions).toMatchObject([{ do: 'handle' }]);
  });

  test('the deadline means nothing any more', () => {
    expect(run([{ type: 'auth_deadline' }], opened())).toMatchObject({
      state: { name: 'open' },
      actions: [],
    });
  });

  test('the server may end it', () => {
    const step = run([{ type: 'end', refusal: INTERNAL_ERROR }], opened());
    expect(refused(step)).toEqual([['server_error', 1011]]);
    expect(step.state.name).toBe('closed');
  });
});

test('closed stays closed, and does nothing', () => {
  const { state } = run([{ type: 'socket_closed' }], opened());
  for (const event of [
    CONNECT,
    { type: 'auth_deadline' },
    { type: 'end', refusal: INTERNAL_ERROR },
  ] as ConnectionEvent[])
    expect(run([event], state)).toEqual({ state: { name: 'closed' }, actions: [] });
});
