import { describe, expect, it } from 'vitest';
import { OperationRefusedError, OperationTimeoutError, OverflowError, SessionEndedError } from './errors.ts';
import { delivered, errorFrame, EPOCH, message } from './testing/frames.ts';
import { Rig } from './testing/rig.ts';

const page = (seqs: number[], has_more: boolean) => ({
  messages: seqs.map((seq) => message(seq, `message-${seq}`, `text ${seq}`)),
  total: 10,
  has_more,
});

describe('operations', () => {
  it('CLI-16 each says what the contract wants, under an id, and resolves with its answer', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    const asked = [
      rig.client.cancelRun('run-1'),
      rig.client.retryRun('run-1'),
      rig.client.respond([{ request_id: 'r-1', approved: true }]),
      rig.client.updateContext({ memory: { a: null } }),
    ];
    const types = ['run_cancel', 'run_retry', 'input_respond', 'context_update'];
    expect(socket.sent.slice(1).map(({ type, data }) => [type, data])).toEqual([
      ['run_cancel', { run_id: 'run-1' }],
      ['run_retry', { run_id: 'run-1' }],
      ['input_respond', { responses: [{ request_id: 'r-1', approved: true }] }],
      ['context_update', { memory: { a: null } }],
    ]);
    types.forEach((type, i) => {
      socket.say(
        delivered(socket.last(type).id ?? '', i === 0 ? null : i, i === 2 ? 'duplicate' : 'success'),
      );
    });
    expect(await Promise.all(asked)).toEqual([
      { seq: null, duplicate: false },
      { seq: 1, duplicate: false },
      { seq: 2, duplicate: true },
      { seq: 3, duplicate: false },
    ]);
  });

  it('CLI-16 reads are answered by their own frames', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    const context = rig.client.requestContext();
    const history = rig.client.loadHistory({ beforeSeq: 9, limit: 2, roles: ['user'] });
    const pong = rig.client.ping();
    expect(socket.last('history_request').data).toEqual({ before_seq: 9, limit: 2, roles: ['user'] });
    const data = { memory: { a: 1 }, preferences: {}, workflow: null, tool_calls: [] };
    rig.clock.advance(40);
    socket.say({ type: 'pong', reply_to: socket.last('ping').id, data: {} });
    socket.say({ type: 'history', reply_to: socket.last('history_request').id, data: page([7, 8], true) });
    socket.say({
      type: 'context',
      reply_to: socket.last('context_request').id,
      data: { ...data, position: { epoch: EPOCH, seq: 0 } },
    });
    expect((await history).messages.map((m) => m.seq)).toEqual([7, 8]);
    expect((await context).memory).toEqual({ a: 1 });
    expect(await pong).toEqual({ roundTripMs: 40 });
    expect(rig.client.conversation.context.memory).toEqual({ a: 1 });
    expect(rig.client.conversation.messages).toEqual([]);
  });

  it('CLI-16 an error is an error of the one operation', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    const asked = rig.client.retryRun('run-1');
    const issues = [{ path: 'data.run_id', message: 'no' }];
    socket.say(errorFrame('conflict', 409, { issues }, socket.last('run_retry').id));
    const error = await asked.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(OperationRefusedError);
    expect(error).toMatchObject({ operation: 'run_retry', errorType: 'conflict', code: 409, issues });
    expect((error as OperationRefusedError).shouldRetry()).toBe(false);
    expect(rig.state).toBe('connected');
  });

  it('CLI-16 a passing error of the server is tried again, with the same id, while there is time', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    const asked = rig.client.cancelRun('run-1');
    const { id } = socket.last('run_cancel');
    socket.say(errorFrame('server_error', 503, { retryable: true }, id));
    rig.clock.advance(1000);
    expect(socket.sent.filter((f) => f.type === 'run_cancel').map((f) => f.id)).toEqual([id, id]);
    socket.say(delivered(id ?? '', 4));
    expect(await asked).toEqual({ seq: 4, duplicate: false });
  });

  it('CLI-16 survives its line, and is sent again with the same id', async () => {
    const rig = new Rig();
    const first = rig.fresh();
    const asked = rig.client.cancelRun('run-1');
    first.cut();
    const second = rig.restore(0);
    expect(second.last('run_cancel').id).toBe(first.last('run_cancel').id);
    second.say(delivered(second.last('run_cancel').id ?? '', null, 'duplicate'));
    expect(await asked).toEqual({ seq: null, duplicate: true });
  });

  it('CLI-16 has its time, with or without a line', async () => {
    const rig = new Rig({ operationTimeoutMs: 3000 });
    const asked = rig.client.ping();
    rig.clock.advance(3000);
    const error = await asked.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(OperationTimeoutError);
    expect((error as OperationTimeoutError).shouldRetry()).toBe(true);
    expect(rig.fresh().count('ping')).toBe(0);
  });

  it('CLI-16 is not done to another session than it was meant for', async () => {
    const rig = new Rig();
    rig.fresh();
    const asked = rig.client.cancelRun('run-1');
    const context = rig.client.requestContext();
    rig.socket.cut();
    const socket = rig.restore(
      0,
      { mode: 'snapshot' },
      { outcome: 'expired', session_id: 'session-2', session_token: 'token-2' },
    );
    await expect(asked).rejects.toBeInstanceOf(SessionEndedError);
    expect(socket.count('run_cancel')).toBe(0);
    expect(socket.count('context_request')).toBe(1);
    context.catch(() => {});
  });

  it('CLI-16 only so many may wait', async () => {
    const rig = new Rig();
    const asked = Array.from({ length: 64 }, () => rig.client.ping());
    await expect(rig.client.ping()).rejects.toBeInstanceOf(OverflowError);
    rig.clock.advance(15_000);
    await Promise.allSettled(asked);
  });
});

describe('loadOlder', () => {
  const snapshot = (rig: Rig) =>
    rig.restore(9, { mode: 'snapshot', history: page([8, 9], true) }, { outcome: 'restored' });

  it('CLI-17 adds the next page before what is there', async () => {
    const rig = new Rig({ sessionId: 'session-1' });
    const socket = snapshot(rig);
    const done = rig.client.loadOlder();
    expect(rig.client.loadOlder()).toBe(done);
    expect(rig.client.conversation.history).toEqual({ total: 10, hasMore: true, loading: true });
    expect(socket.last('history_request').data).toEqual({ before_seq: 8 });
    socket.say({ type: 'history', reply_to: socket.last('history_request').id, data: page([5, 7], false) });
    await done;
    expect(rig.client.conversation.messages.map((m) => m.seq)).toEqual([5, 7, 8, 9]);
    expect(rig.client.conversation.history).toEqual({ total: 10, hasMore: false, loading: false });
    await rig.client.loadOlder();
    expect(socket.count('history_request')).toBe(1);
  });

  it('CLI-17 leaves no hole when a snapshot came between', async () => {
    const rig = new Rig({ sessionId: 'session-1' });
    snapshot(rig);
    const done = rig.client.loadOlder();
    rig.socket.cut();
    const socket = rig.restore(3000, {
      mode: 'snapshot',
      history: page([2990, 3000], true),
    });
    socket.say({ type: 'history', reply_to: socket.last('history_request').id, data: page([5, 7], false) });
    await done;
    expect(rig.client.conversation.messages.map((m) => m.seq)).toEqual([2990, 3000]);
    expect(rig.client.conversation.history).toMatchObject({ hasMore: true, loading: false });
  });

  it('CLI-17 tells its failure, and may be tried again', async () => {
    const rig = new Rig({ sessionId: 'session-1' });
    const socket = snapshot(rig);
    const done = rig.client.loadOlder();
    socket.say(errorFrame('not_found', 404, {}, socket.last('history_request').id));
    await expect(done).rejects.toBeInstanceOf(OperationRefusedError);
    expect(rig.client.conversation.history.loading).toBe(false);
    void rig.client.loadOlder().catch(() => {});
    expect(socket.count('history_request')).toBe(2);
  });
});
