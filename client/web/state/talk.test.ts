import { expect, test } from 'vitest';
import { LineLostError, OperationRefusedError, ServerFaultError } from '../../sdk/index.ts';
import { FakeClient, STATES } from '../testing/fake-client.ts';
import * as f from '../testing/fixtures.ts';
import { NO_LINE } from './no-line.ts';
import { type ChangeCause, Talk } from './talk.svelte.ts';

function talk() {
  const client = new FakeClient();
  const waiting: (() => void)[] = [];
  const changes: ChangeCause[] = [];
  const frames = {
    next(fn: () => void) {
      waiting.push(fn);
      return () => void waiting.splice(waiting.indexOf(fn), 1);
    },
  };
  const draw = () => {
    for (const fn of waiting.splice(0)) fn();
  };
  return {
    client,
    talk: new Talk(client, 'c-1', frames, (cause) => changes.push(cause)),
    waiting,
    draw,
    changes,
  };
}

const live = { messageId: 'm-9', runId: 'r-9', attempt: 1, nextIndex: 1, parts: [] };
const lost = {
  name: 'waiting',
  line: NO_LINE,
  retryAt: 0,
  why: 'backoff',
  error: new LineLostError(1006, ''),
} as const;

test('WEB-26 a burst of chunks is drawn once', () => {
  const { client, talk: t, waiting, draw, changes } = talk();
  for (let i = 0; i < 50; i++) client.show({ streaming: { ...live, nextIndex: i } });
  expect(waiting).toHaveLength(1);
  expect(t.conversation.streaming).toBeNull();
  draw();
  expect(t.conversation.streaming?.nextIndex).toBe(49);
  expect(changes).toEqual(['conversation']);
});

test('WEB-26 a change of state is drawn at once, with everything that came before it', () => {
  const { client, talk: t, waiting } = talk();
  client.show({ session: f.session() });
  client.become(STATES.connected);
  expect(t.sessionId).toBe('s-1');
  expect(waiting).toHaveLength(0);
});

test('WEB-51 it is remembered when the line was cut and what was being written', () => {
  const { client, talk: t } = talk();
  client.become(STATES.connected);
  client.show({ streaming: live });
  client.become(lost, 5_000);
  expect(t.cutSince).toBe(5_000);
  expect(t.cuts).toEqual([{ at: 5_000, messageId: 'm-9' }]);
  client.become({ ...STATES.connecting }, 6_000);
  client.become(STATES.restoring, 7_000);
  expect(t.cutSince).toBe(5_000);
  client.become(STATES.connected, 8_000);
  expect(t.cutSince).toBeNull();
});

test('WEB-13 an operation that fails is told in words, with details, and once', async () => {
  const { client, talk: t } = talk();
  client.answer = new OperationRefusedError('run_cancel', {
    message: 'm',
    error_type: 'conflict',
    code: 409,
    retryable: false,
  });
  t.cancel('r-1');
  t.cancel('r-1');
  await Promise.resolve();
  await Promise.resolve();
  expect(t.notices).toHaveLength(1);
  expect(t.notices[0]?.text).toBe('Something else came first. Look at the newest state.');
  t.dismiss(t.notices[0]?.id ?? 0);
  expect(t.notices).toHaveLength(0);
});

test('WEB-13 notices are few, whatever the server sends', () => {
  const { client, talk: t } = talk();
  for (let i = 0; i < 50; i++)
    client.tell({ type: 'notice', level: 'info', code: 'c', message: `notice ${i}` });
  expect(t.notices.map((n) => n.text)).toEqual(['notice 47', 'notice 48', 'notice 49']);
  client.tell({ type: 'error', error: new ServerFaultError('out of step') });
  expect(t.notices).toHaveLength(3);
});

test('WEB-73 an answer that the server refused was not given here', async () => {
  const { client, talk: t } = talk();
  await t.respond('i-1', { approved: true });
  expect(t.answeredHere.has('i-1')).toBe(true);
  client.answer = new OperationRefusedError('input_respond', {
    message: '',
    error_type: 'conflict',
    code: 409,
    retryable: false,
  });
  await t.respond('i-2', { approved: true });
  expect(t.answeredHere.has('i-2')).toBe(false);
});

test('WEB-32 older messages are only asked for with a line, and one page at a time', () => {
  const { client, talk: t } = talk();
  const asked = () => client.calls.filter(([name]) => name === 'loadOlder').length;
  client.show({ history: { total: 99, hasMore: true, loading: false } });
  client.become(lost);
  t.loadOlder();
  expect(asked()).toBe(0);
  client.become(STATES.connected);
  t.loadOlder();
  expect(asked()).toBe(1);
  client.show({ history: { total: 99, hasMore: true, loading: true } });
  client.become(STATES.connected);
  t.loadOlder();
  expect(asked()).toBe(1);
  client.tell({ type: 'history', phase: 'failed', page: null });
  expect(t.historyFailed).toBe(true);
});
