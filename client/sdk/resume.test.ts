import { describe, expect, it } from 'vitest';
import { memoryStorage } from './storage.ts';
import { delta, EPOCH, event, message, success, restored as restoredFrame } from './testing/frames.ts';
import { Rig } from './testing/rig.ts';

const created = (seq: number) =>
  event(seq, 'message_created', { message: message(seq, `message-${seq}`, `text ${seq}`) });
const started = { type: 'message_started', data: { message_id: 'answer-1', run_id: 'run-1' } };
const streamed = (rig: Rig) => rig.client.conversation.streaming?.parts.map((part) => part.text).join('');

describe('events', () => {
  it('CLI-10 each is told once and in order', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    for (const seq of [1, 2, 2, 1, 3]) socket.say(created(seq));
    expect(rig.seqs).toEqual([1, 2, 3]);
    expect(rig.client.conversation.messages.map((m) => m.seq)).toEqual([1, 2, 3]);
  });

  it('CLI-10 after a gap the line is dropped, and resumed from the last one processed', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    socket.say(created(1));
    rig.clock.advance(10_000);
    socket.say(created(3));
    socket.say(created(2));
    expect(socket.closed).toBeDefined();
    expect(rig.seqs).toEqual([1]);
    const again = rig.reopen();
    expect(again.last('connect').data.position).toEqual({ epoch: EPOCH, seq: 1, tag: 'tag-1' });
    again.say(success(3));
    again.say(restoredFrame({ replay: { from_seq: 2, to_seq: 3 } }));
    again.say(created(2));
    expect(rig.state).toBe('restoring');
    again.say(created(3));
    expect(rig.state).toBe('connected');
    expect(rig.seqs).toEqual([1, 2, 3]);
    expect(rig.of('event').map((e) => e.replayed)).toEqual([false, true, true]);
  });

  it('CLI-10 a replay that is cut goes on where it was', () => {
    const rig = new Rig();
    rig.fresh().cut();
    const socket = rig.reopen();
    socket.say(success(3));
    socket.say(restoredFrame({ replay: { from_seq: 1, to_seq: 3 } }));
    socket.say(created(1));
    socket.cut();
    const again = rig.reopen();
    expect(again.last('connect').data.position.seq).toBe(1);
    again.say(success(3));
    again.say(restoredFrame({ replay: { from_seq: 2, to_seq: 3 } }));
    again.say(created(2));
    again.say(created(3));
    expect(rig.seqs).toEqual([1, 2, 3]);
    expect(rig.state).toBe('connected');
  });

  it('CLI-10 a replay that does not fit is answered by asking for a snapshot', () => {
    const rig = new Rig();
    rig.fresh().say(created(1));
    rig.socket.cut();
    const socket = rig.reopen();
    socket.say(success(5));
    socket.say(restoredFrame({ replay: { from_seq: 3, to_seq: 5 } }));
    expect(socket.closed).toBeDefined();
    const again = rig.reopen();
    expect(again.last('connect').data).not.toHaveProperty('position');
    again.say(success(5));
    again.say(
      restoredFrame({
        mode: 'snapshot',
        history: {
          messages: [message(1, 'message-1', 'a'), message(5, 'message-5', 'b')],
          total: 2,
          has_more: false,
        },
      }),
    );
    expect(rig.state).toBe('connected');
    expect(rig.client.conversation.messages.map((m) => m.id)).toEqual(['message-1', 'message-5']);
    expect(rig.client.conversation.seams).toHaveLength(1);
  });

  it('CLI-10 during a restore the page is told once, at its end', () => {
    const rig = new Rig();
    rig.fresh().cut();
    const socket = rig.reopen();
    rig.events.length = 0;
    socket.say(success(50));
    socket.say(restoredFrame({ replay: { from_seq: 1, to_seq: 50 } }));
    for (let seq = 1; seq <= 50; seq++) socket.say(created(seq));
    expect(rig.of('event')).toHaveLength(50);
    expect(rig.of('conversation')).toHaveLength(1);
    expect(rig.of('conversation')[0]?.conversation).toBe(rig.client.conversation);
  });
});

describe('the answer in flight', () => {
  it('CLI-11 chunks are told once and in order', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    socket.say(started);
    for (const [index, text] of [
      [0, 'a'],
      [1, 'b'],
      [1, 'b'],
      [0, 'a'],
      [2, 'c'],
    ] as const)
      socket.say(delta('answer-1', index, text));
    expect(rig.of('delta').map((d) => d.delta.index)).toEqual([0, 1, 2]);
    expect(streamed(rig)).toBe('abc');
  });

  it('CLI-11 cut in the middle, it goes on after the last chunk that was held', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    socket.say(started);
    socket.say(delta('answer-1', 0, 'one '));
    socket.say(delta('answer-1', 1, 'two '));
    const before = rig.client.conversation.streaming;
    socket.cut();
    const again = rig.reopen();
    expect(again.last('connect').data.partial).toEqual({
      message_id: 'answer-1',
      attempt: 1,
      next_index: 2,
    });
    expect(rig.client.conversation.streaming).toBe(before);
    again.say(success(0));
    const chunks = [{ index: 2, part: 0, kind: 'text' as const, delta: 'three ' }];
    again.say(restoredFrame({ partial: { message_id: 'answer-1', attempt: 1, from_index: 2, chunks } }));
    again.say(delta('answer-1', 3, 'four'));
    expect(streamed(rig)).toBe('one two three four');
    expect(rig.of('delta').map((d) => d.delta.index)).toEqual([0, 1, 2, 3]);
  });

  it('CLI-11 goes on in a snapshot, too, without being drawn anew', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    socket.say(started);
    socket.say(delta('answer-1', 0, 'one '));
    const before = rig.client.conversation.streaming;
    socket.cut();
    rig.restore(0, {
      mode: 'snapshot',
      partial: { message_id: 'answer-1', attempt: 1, from_index: 1, chunks: [] },
    });
    expect(rig.state).toBe('connected');
    expect(rig.client.conversation.streaming).toBe(before);
  });

  it('CLI-11 of another attempt replaces what was held', () => {
    const rig = new Rig();
    rig.fresh().say(started);
    rig.socket.say(delta('answer-1', 0, 'old'));
    rig.socket.cut();
    const chunks = [{ index: 0, part: 0, kind: 'text' as const, delta: 'new' }];
    rig.restore(0, { partial: { message_id: 'answer-1', attempt: 2, from_index: 0, chunks } });
    expect(streamed(rig)).toBe('new');
    rig.socket.say(delta('answer-1', 1, 'late', 1));
    expect(streamed(rig)).toBe('new');
  });

  it('CLI-11 a gap in its chunks drops the line', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    rig.clock.advance(10_000);
    socket.say(started);
    socket.say(delta('answer-1', 0, 'a'));
    socket.say(delta('answer-1', 2, 'c'));
    expect(socket.closed).toBeDefined();
    expect(rig.reopen().last('connect').data.partial.next_index).toBe(1);
    expect(streamed(rig)).toBe('a');
  });

  it('CLI-11 begins anew when the log says so', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    socket.say(started);
    socket.say(delta('answer-1', 0, 'old'));
    socket.say(event(1, 'message_restarted', { message_id: 'answer-1', attempt: 2 }));
    expect(streamed(rig)).toBe('');
    socket.say(delta('answer-1', 1, 'late', 1));
    socket.say(delta('answer-1', 0, 'new', 2));
    expect(streamed(rig)).toBe('new');
  });

  it('CLI-11 is replaced by its whole message in one step, and late chunks of it count no more', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    socket.say(started);
    socket.say(delta('answer-1', 0, 'whole'));
    const answer = message(1, 'answer-1', 'whole', { role: 'assistant', run_id: 'run-1' });
    socket.say(event(1, 'message_completed', { message: answer }));
    socket.say(delta('answer-1', 1, 'late'));
    socket.say(started);
    expect(rig.state).toBe('connected');
    expect(rig.client.conversation.streaming).toBeNull();
    expect(rig.client.conversation.messages.map((m) => m.id)).toEqual(['answer-1']);
  });

  it('CLI-11 that was completed meanwhile is replaced by the replay', () => {
    const rig = new Rig();
    rig.fresh().say(started);
    rig.socket.say(delta('answer-1', 0, 'wh'));
    rig.socket.cut();
    const answer = message(1, 'answer-1', 'whole', { role: 'assistant', run_id: 'run-1' });
    rig.restore(1, { replay: { from_seq: 1, to_seq: 1 } });
    expect(streamed(rig)).toBe('wh');
    rig.socket.say(event(1, 'message_completed', { message: answer }));
    expect(rig.state).toBe('connected');
    expect(rig.client.conversation.streaming).toBeNull();
    expect(rig.client.conversation.messages).toHaveLength(1);
  });
});

describe('the context of a restore', () => {
  it('CLI-12 is that of the head: what is replayed is not applied to it again', () => {
    const rig = new Rig();
    rig.fresh().say(event(1, 'context_updated', { memory: { visits: 1, draft: 'x' } }));
    rig.socket.cut();
    const workflow = {
      workflow_id: 'run-1',
      name: 'plan',
      step: 2,
      total_steps: 2,
      completed: [],
      pending: ['b'],
      status: 'running' as const,
    };
    const socket = rig.restore(3, {
      replay: { from_seq: 2, to_seq: 3 },
      context: { memory: { visits: 3 }, preferences: {}, workflow, tool_calls: [] },
    });
    socket.say(event(2, 'context_updated', { memory: { visits: 2, draft: 'y' } }));
    expect(rig.client.conversation.context.memory).toEqual({ visits: 3 });
    socket.say(
      event(3, 'step_started', {
        run_id: 'run-1',
        step: { index: 1, name: 'a', status: 'running' },
        workflow: { ...workflow, step: 1, pending: ['a', 'b'] },
      }),
    );
    expect(rig.client.conversation.context.memory).toEqual({ visits: 3 });
    expect(rig.client.conversation.workflow?.step).toBe(2);
    socket.say(event(4, 'context_updated', { memory: { visits: 4 }, preferences: { tone: 'dry' } }));
    expect(rig.client.conversation.context).toEqual({ memory: { visits: 4 }, preferences: { tone: 'dry' } });
  });

  it('CLI-12 an answer to `context_request` that events have overtaken is not shown', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    const asked = rig.client.requestContext();
    const { id } = socket.last('context_request');
    socket.say(event(1, 'context_updated', { memory: { a: 2 } }));
    const context = { memory: { a: 1 }, preferences: {}, workflow: null, tool_calls: [] };
    socket.say({ type: 'context', reply_to: id, data: { ...context, position: { epoch: EPOCH, seq: 0 } } });
    expect((await asked).memory).toEqual({ a: 1 });
    expect(rig.client.conversation.context.memory).toEqual({ a: 2 });
  });
});

describe('another log', () => {
  const snapshot = (seq: number, id: string) => ({
    mode: 'snapshot' as const,
    history: { messages: [message(seq, id, id)], total: 1, has_more: false },
  });

  it('CLI-12 `reset` drops what is held and takes the snapshot', () => {
    const rig = new Rig();
    rig.fresh().say(created(1));
    rig.socket.cut();
    rig.restore(1, snapshot(1, 'message-x'), {
      outcome: 'reset',
      position: { epoch: 'epoch-2', seq: 1, tag: 'x' },
    });
    expect(rig.client.conversation.messages.map((m) => m.id)).toEqual(['message-x']);
    expect(rig.client.conversation.previous).toBeNull();
    rig.socket.cut();
    expect(rig.reopen().last('connect').data.position).toEqual({ epoch: 'epoch-2', seq: 1, tag: 'x' });
  });

  it('CLI-12 `expired` begins clean and keeps the old transcript apart', () => {
    const rig = new Rig();
    rig.fresh().say(created(1));
    rig.socket.say(started);
    rig.socket.say(delta('answer-1', 0, 'half an ans'));
    rig.socket.cut();
    rig.clock.advance(600_000);
    rig.restore(
      0,
      { mode: 'snapshot', outcome: 'expired', tier: 'expired', previous_session_id: 'session-1' },
      {
        outcome: 'expired',
        tier: 'expired',
        session_id: 'session-2',
        position: { epoch: 'epoch-2', seq: 0 },
      },
    );
    const { conversation } = rig.client;
    expect(conversation.messages).toEqual([]);
    expect(conversation.streaming).toBeNull();
    expect(conversation.session).toMatchObject({ sessionId: 'session-2', previousSessionId: 'session-1' });
    expect(conversation.previous?.sessionId).toBe('session-1');
    expect(conversation.previous?.messages.map((m) => [m.id, m.status])).toEqual([
      ['message-1', 'completed'],
      ['answer-1', 'partial'],
    ]);
    expect(conversation.seams).toMatchObject([{ afterSeq: 0, outcome: 'expired' }]);
  });

  it('CLI-12 cut before the restore, it asks again with what it knew', () => {
    const rig = new Rig();
    rig.fresh().cut();
    const socket = rig.reopen();
    socket.say(success(0, { outcome: 'expired', session_id: 'session-2', session_token: 'token-2' }));
    socket.cut();
    expect(rig.reopen().last('connect').data.session_token).toBe('token-1');
  });
});

describe('a reload', () => {
  it('CLI-19 comes back by the token, without a place, and takes the snapshot', () => {
    const storage = memoryStorage();
    const before = new Rig({ storage });
    before.fresh().say(created(1));
    const rig = new Rig({ storage });
    const { data } = rig.open().last('connect');
    expect(data.session_token).toBe('token-1');
    expect(data).not.toHaveProperty('position');
    rig.socket.say(success(2));
    rig.socket.say(
      restoredFrame({
        mode: 'snapshot',
        away_ms: 5000,
        history: {
          messages: [message(1, 'message-1', 'a'), message(2, 'message-2', 'b')],
          total: 2,
          has_more: false,
        },
      }),
    );
    expect(rig.client.conversation.messages).toHaveLength(2);
    expect(rig.client.conversation.seams).toMatchObject([
      { afterSeq: 1, lostAt: rig.clock.now() - 5000, meanwhile: { events: 1, messages: 1 } },
    ]);
  });

  it('CLI-19 goes where the application says, not where the page was', () => {
    const storage = memoryStorage();
    new Rig({ storage }).fresh();
    expect(new Rig({ storage, sessionId: 'session-1' }).open().last('connect').data.session_token).toBe(
      'token-1',
    );
    const other = new Rig({ storage, sessionId: 'session-2' }).open().last('connect').data;
    expect(other).toMatchObject({ session_id: 'session-2' });
    expect(new Rig({ storage, workspace: 'work' }).open().last('connect').data).not.toHaveProperty(
      'session_token',
    );
  });

  it('CLI-19 a storage that fails is said once, and lived without', () => {
    const broken = () => {
      throw new Error('quota');
    };
    const rig = new Rig({ storage: { get: () => undefined, set: broken, remove: broken } });
    rig.fresh().say(created(1));
    expect(rig.of('error')).toMatchObject([{ error: { name: 'StorageError' } }]);
    expect(rig.state).toBe('connected');
  });
});
