import { describe, expect, it } from 'vitest';
import { DiscardedError, InvalidRequestError, OperationRefusedError, OverflowError } from './errors.ts';
import { memoryStorage } from './storage.ts';
import { delivered, errorFrame, event, message } from './testing/frames.ts';
import { Rig } from './testing/rig.ts';
import type { ScriptedSocket } from './testing/scripted-transport.ts';

const sentIds = (socket: ScriptedSocket) =>
  socket.sent.filter((frame) => frame.type === 'chat_message').map((frame) => frame.id);
const sentTexts = (socket: ScriptedSocket) =>
  socket.sent.filter((frame) => frame.type === 'chat_message').map((frame) => frame.data.content);
const outgoing = (rig: Rig) => rig.client.conversation.outgoing.map((own) => [own.content, own.delivery]);
const EXPIRED = [
  { mode: 'snapshot', outcome: 'expired', tier: 'expired' },
  { outcome: 'expired', tier: 'expired', session_id: 'session-2', session_token: 'token-2' },
] as const;

describe('sending', () => {
  it('CLI-13 goes out under an id of its own, and is settled by its acknowledgement', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    const sent = rig.client.send('hi', { onBusy: 'interrupt', metadata: { a: 1 } });
    expect(sent.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(socket.last('chat_message')).toEqual({
      type: 'chat_message',
      id: sent.id,
      data: { content: 'hi', on_busy: 'interrupt', metadata: { a: 1 } },
    });
    expect(outgoing(rig)).toEqual([['hi', 'sending']]);
    socket.say(delivered(sent.id, 1));
    expect(await sent.delivered).toEqual({ seq: 1, duplicate: false });
    expect(outgoing(rig)).toEqual([['hi', 'sent']]);
    socket.say(event(1, 'message_created', { message: message(1, sent.id, 'hi') }));
    expect(outgoing(rig)).toEqual([]);
    expect(rig.client.conversation.messages).toMatchObject([{ id: sent.id, delivery: 'sent' }]);
    expect(rig.client.outbox()).toEqual([]);
  });

  it('CLI-13 its event in the log settles it as well, before or instead of the acknowledgement', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    const sent = rig.client.send('hi');
    socket.say(event(1, 'message_created', { message: message(1, sent.id, 'hi') }));
    expect(await sent.delivered).toEqual({ seq: 1, duplicate: false });
    socket.say(delivered(sent.id, 1));
    expect(rig.client.outbox()).toEqual([]);
    expect(outgoing(rig)).toEqual([]);
    expect(rig.client.conversation.messages).toHaveLength(1);
  });

  it('CLI-13 what was written offline goes out in order, one after the other', () => {
    const rig = new Rig();
    const ids = ['one', 'two', 'three'].map((text) => rig.client.send(text).id);
    expect(outgoing(rig).map(([, delivery]) => delivery)).toEqual(['queued', 'queued', 'queued']);
    const socket = rig.fresh();
    expect(sentIds(socket)).toEqual(ids.slice(0, 1));
    ids.forEach((id, i) => {
      socket.say(delivered(id, i + 1));
    });
    expect(sentIds(socket)).toEqual(ids);
    expect(rig.client.outbox()).toEqual([]);
  });

  it('CLI-13 waits until what was missed is here', () => {
    const rig = new Rig();
    rig.fresh().cut();
    rig.client.send('later');
    const socket = rig.restore(1, { replay: { from_seq: 1, to_seq: 1 } });
    expect(sentIds(socket)).toEqual([]);
    socket.say(event(1, 'message_created', { message: message(1, 'message-1', 'x') }));
    expect(sentTexts(socket)).toEqual(['later']);
  });

  it('CLI-13 is sent again with the same id until it is acknowledged', async () => {
    const rig = new Rig();
    const first = rig.fresh();
    const sent = rig.client.send('hi');
    first.cut();
    const second = rig.restore(0);
    second.cut();
    const third = rig.restore(0);
    expect([first, second, third].map(sentIds)).toEqual([[sent.id], [sent.id], [sent.id]]);
    third.say(delivered(sent.id, 1, 'duplicate'));
    expect(await sent.delivered).toEqual({ seq: 1, duplicate: true });
  });

  it('CLI-13 is not sent again when the replay shows it', () => {
    const rig = new Rig();
    rig.fresh();
    const { id } = rig.client.send('hi');
    rig.socket.cut();
    const socket = rig.restore(1, { replay: { from_seq: 1, to_seq: 1 } });
    socket.say(event(1, 'message_created', { message: message(1, id, 'hi') }));
    expect(sentIds(socket)).toEqual([]);
    expect(rig.client.outbox()).toEqual([]);
  });

  it('CLI-13 is sent again on a line that holds but does not answer', () => {
    const rig = new Rig({ operationTimeoutMs: 5000 });
    const socket = rig.fresh();
    const { id } = rig.client.send('hi');
    rig.clock.advance(5000);
    expect(sentIds(socket)).toEqual([id, id]);
  });

  it('CLI-13 an error that passes keeps it in the outbox, and keeps the order', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    const [one, two] = ['one', 'two'].map((text) => rig.client.send(text).id);
    socket.say(errorFrame('server_error', 503, { retryable: true }, one));
    expect(rig.client.outbox()).toHaveLength(2);
    rig.clock.advance(1000);
    expect(sentIds(socket)).toEqual([one, one]);
    socket.say(delivered(one ?? '', 1));
    expect(sentIds(socket)).toEqual([one, one, two]);
  });

  it('CLI-13 what is refused leaves as failed, with the error; the next one goes on', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    const one = rig.client.send('one', { onBusy: 'reject' });
    const two = rig.client.send('two');
    socket.say(errorFrame('busy', 409, { retryable: true }, one.id));
    await expect(one.delivered).rejects.toMatchObject({
      name: 'OperationRefusedError',
      errorType: 'busy',
      retryable: true,
    });
    expect(rig.client.outbox().map((entry) => entry.id)).toEqual([two.id]);
    expect(rig.client.conversation.outgoing[0]?.error).toBeInstanceOf(OperationRefusedError);
    expect(outgoing(rig)).toEqual([
      ['one', 'failed'],
      ['two', 'sending'],
    ]);
    rig.client.resend(one.id);
    socket.say(delivered(two.id, 1));
    expect(sentIds(socket)).toEqual([one.id, two.id, one.id]);
  });

  it('CLI-13 a message that always meets a bug of the server does not block for ever', () => {
    const rig = new Rig();
    let socket = rig.fresh();
    const { id } = rig.client.send('poison');
    for (let i = 0; i < 3; i++) {
      socket.say(errorFrame('server_error', 500, {}, id));
      socket.cut(1011);
      socket = rig.restore(0);
    }
    expect(rig.client.outbox()).toEqual([]);
    expect(outgoing(rig)).toEqual([['poison', 'failed']]);
  });

  it('CLI-13 the same id is the same message', () => {
    const rig = new Rig();
    const one = rig.client.send('hi', { id: 'my-own-id' });
    const again = rig.client.send('hi', { id: 'my-own-id' });
    expect(again.delivered).toBe(one.delivered);
    expect(rig.client.outbox()).toHaveLength(1);
    expect(() => rig.client.send('ho', { id: 'my-own-id' })).toThrow(InvalidRequestError);
  });

  it.each([
    ['', {}],
    ['x'.repeat(100_001), {}],
    ['x', { id: 'short' }],
    ['x', { metadata: { big: 'y'.repeat(5000) } }],
  ])('CLI-13 what the server would never take is refused at once', (content, options) => {
    expect(() => new Rig().client.send(content, options)).toThrow(InvalidRequestError);
  });

  it('CLI-13 counts characters as the server does', () => {
    expect(() => new Rig().client.send('\u{1F600}'.repeat(100_000))).not.toThrow();
  });
});

describe('the session expires', () => {
  it('CLI-14 never sent: into the new one, in order; sent: for the person to decide; refused: gone', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    const refused = rig.client.send('refused');
    socket.say(errorFrame('limit_exceeded', 413, {}, refused.id));
    const unsure = rig.client.send('unsure');
    const [one, two] = ['one', 'two'].map((text) => rig.client.send(text));
    socket.cut();
    const next = rig.restore(0, ...EXPIRED);
    expect(outgoing(rig)).toEqual([
      ['refused', 'failed'],
      ['unsure', 'unconfirmed'],
      ['one', 'sending'],
      ['two', 'queued'],
    ]);
    expect(sentTexts(next)).toEqual(['one']);
    next.say(delivered(one?.id ?? '', 1));
    next.say(delivered(two?.id ?? '', 3));
    expect(sentTexts(next)).toEqual(['one', 'two']);
    expect(rig.client.outbox()).toMatchObject([{ id: unsure.id, state: 'unconfirmed' }]);
    rig.client.resend(unsure.id);
    expect(sentTexts(next)).toEqual(['one', 'two', 'unsure']);
    next.say(delivered(unsure.id, 5));
    expect(await unsure.delivered).toEqual({ seq: 5, duplicate: false });
    expect(rig.client.outbox()).toEqual([]);
  });

  it('CLI-14 an unconfirmed message can be taken back', async () => {
    const rig = new Rig();
    rig.fresh();
    const unsure = rig.client.send('unsure');
    rig.socket.cut();
    rig.restore(0, ...EXPIRED);
    rig.client.discard(unsure.id);
    await expect(unsure.delivered).rejects.toBeInstanceOf(DiscardedError);
    expect(outgoing(rig)).toEqual([]);
    expect(rig.client.outbox()).toEqual([]);
    expect(() => rig.client.resend(unsure.id)).toThrow(InvalidRequestError);
  });

  it('CLI-14 holds after a reload as well: what was given to a socket was written down before', () => {
    const storage = memoryStorage();
    const before = new Rig({ storage });
    before.fresh();
    before.client.send('unsure');
    before.client.send('unsent');
    const rig = new Rig({ storage });
    expect(outgoing(rig)).toEqual([
      ['unsure', 'sending'],
      ['unsent', 'queued'],
    ]);
    const socket = rig.restore(0, ...EXPIRED);
    expect(outgoing(rig)).toEqual([
      ['unsure', 'unconfirmed'],
      ['unsent', 'sending'],
    ]);
    expect(sentTexts(socket)).toEqual(['unsent']);
  });

  it('CLI-14 a reset of the log is no expiry: the same ids are sent again', () => {
    const rig = new Rig();
    rig.fresh();
    const { id } = rig.client.send('hi');
    rig.socket.cut();
    const socket = rig.restore(
      0,
      { mode: 'snapshot', outcome: 'reset' },
      { outcome: 'reset', position: { epoch: 'epoch-2', seq: 0 } },
    );
    expect(sentIds(socket)).toEqual([id]);
  });

  it('CLI-14 nothing that was meant for a session out of reach goes into another by itself', () => {
    const storage = memoryStorage();
    const before = new Rig({ storage });
    before.fresh().cut();
    before.client.send('for that one only');
    const rig = new Rig({ storage, apiKey: 'key-of-somebody-else' });
    rig.open().say(errorFrame('not_found', 404));
    const socket = rig.open();
    socket.say({ type: 'connection_success', data: success('session-3') });
    expect(sentTexts(socket)).toEqual([]);
    expect(outgoing(rig)).toEqual([['for that one only', 'unconfirmed']]);
  });
});

describe('the bounds', () => {
  it('CLI-15 a full outbox says so, and takes more when there is room', () => {
    const rig = new Rig({ outboxMaxBytes: 1000 });
    const { id } = rig.client.send('x'.repeat(700));
    expect(() => rig.client.send('y'.repeat(200))).toThrow(OverflowError);
    expect(rig.client.outbox()).toHaveLength(1);
    rig.client.discard(id);
    rig.client.send('y'.repeat(200));
    expect(rig.client.outbox()).toHaveLength(1);
  });

  it('CLI-15 counts bytes, not characters', () => {
    const rig = new Rig({ outboxMaxBytes: 1000 });
    expect(() => rig.client.send('\u{1F600}'.repeat(250))).toThrow(OverflowError);
  });
});

describe('the storage', () => {
  it('CLI-15 keeps what was written before the first session', () => {
    const storage = memoryStorage();
    new Rig({ storage }).client.send('early');
    const rig = new Rig({ storage });
    expect(sentTexts(rig.fresh())).toEqual(['early']);
    rig.socket.say(delivered(rig.client.outbox()[0]?.id ?? '', 1));
    const later = new Rig({ storage });
    expect(later.client.outbox()).toEqual([]);
  });

  it('CLI-15 keeps each session its own messages', () => {
    const storage = memoryStorage();
    const a = new Rig({ storage });
    a.fresh().cut();
    a.client.send('for session-1');
    const b = new Rig({ storage, sessionId: 'session-2' });
    expect(b.client.outbox()).toEqual([]);
    const again = new Rig({ storage, sessionId: 'session-1' });
    expect(again.client.outbox()).toMatchObject([{ content: 'for session-1' }]);
  });

  it('CLI-15 a message that the snapshot shows is settled', () => {
    const storage = memoryStorage();
    const before = new Rig({ storage });
    before.fresh();
    const { id } = before.client.send('hi');
    const rig = new Rig({ storage });
    rig.restore(1, {
      mode: 'snapshot',
      history: { messages: [message(1, id, 'hi')], total: 1, has_more: false },
    });
    expect(rig.client.outbox()).toEqual([]);
    expect(outgoing(rig)).toEqual([]);
    expect(sentIds(rig.socket)).toEqual([]);
  });

  it('CLI-15 rubbish in it is not taken for messages', () => {
    const storage = memoryStorage();
    storage.set('holdfast.tester.personal.personal.outbox.new', '[{"id":1},null,7]');
    expect(new Rig({ storage }).client.outbox()).toEqual([]);
    storage.set('holdfast.tester.personal.personal.outbox.new', 'not json');
    expect(new Rig({ storage }).client.outbox()).toEqual([]);
  });
});

function success(sessionId: string) {
  return {
    message: 'Connected',
    session_id: sessionId,
    session_token: 'token-3',
    position: { epoch: 'epoch-3', seq: 0 },
    outcome: 'fresh',
    tier: 'brief',
    user: { subject: 'bob', permissions: ['chat'] },
    heartbeat_interval_ms: 25_000,
    reconnect: { min_ms: 500, max_ms: 30_000, jitter: 'full' },
    protocol_version: 1,
    node_id: 'node-1',
  };
}
