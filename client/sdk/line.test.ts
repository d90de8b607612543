import { describe, expect, it } from 'vitest';
import { ClientClosedError } from './errors.ts';
import { event, message, restored } from './testing/frames.ts';
import { Rig } from './testing/rig.ts';

describe('server_closing', () => {
  it('CLI-7 comes back after its share of the drain', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    socket.say({ type: 'server_closing', data: { reconnect_in_ms: 2500 } });
    expect(rig.of('server_closing')).toMatchObject([{ reconnectInMs: 2500 }]);
    socket.cut(1012);
    expect(rig.client.state).toMatchObject({ name: 'waiting', why: 'server_closing' });
    rig.clock.advance(2499);
    expect(rig.state).toBe('waiting');
    rig.clock.advance(1);
    expect(rig.state).toBe('connecting');
  });
});

describe('the heartbeat', () => {
  it('CLI-9 pings a silent line, and gives it up when there is no answer', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    rig.clock.advance(24_999);
    expect(socket.count('ping')).toBe(0);
    rig.clock.advance(1);
    expect(socket.count('ping')).toBe(1);
    rig.clock.advance(9_999);
    expect(rig.state).toBe('connected');
    rig.clock.advance(1);
    expect(socket.closed).toBeDefined();
    expect(rig.state).toBe('connecting');
    expect(rig.transport.sockets).toHaveLength(2);
  });

  it('CLI-9 any frame is a sign of life', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    for (let i = 0; i < 20; i++) {
      rig.clock.advance(20_000);
      socket.say({ type: 'agent_status', data: { agent_id: 'demo', status: 'online' } });
    }
    expect(socket.count('ping')).toBe(0);
    rig.clock.advance(25_000);
    socket.say({ type: 'pong', data: {} });
    rig.clock.advance(24_000);
    expect(socket.count('ping')).toBe(1);
    expect(rig.state).toBe('connected');
  });

  it('CLI-9 an interval of 0 turns it off', () => {
    const rig = new Rig();
    const socket = rig.fresh({ heartbeat_interval_ms: 0 });
    rig.clock.advance(1_000_000);
    expect(socket.count('ping')).toBe(0);
    expect(rig.clock.timers).toBe(0);
  });

  it('CLI-8 a wake asks a line at once whether it lives', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    rig.wake();
    rig.wake();
    expect(socket.count('ping')).toBe(1);
    rig.clock.advance(4_000);
    expect(socket.closed).toBeDefined();
  });

  it('CLI-8 a wake ends a backoff; nobody listens once the client is closed', async () => {
    const rig = new Rig();
    expect(rig.listeners).toBe(0);
    rig.client.connect();
    rig.socket.cut();
    expect(rig.state).toBe('waiting');
    rig.wake();
    expect(rig.state).toBe('connecting');
    expect(rig.listeners).toBe(1);
    await rig.client.close();
    expect(rig.listeners).toBe(0);
  });
});

describe('close', () => {
  it('CLI-6 says goodbye and is closed by the server', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    const done = rig.client.close();
    expect(socket.last('disconnect').data).toEqual({});
    expect(rig.state).toBe('closing');
    socket.cut(1000);
    await done;
    expect(rig.client.state).toMatchObject({ name: 'closed', by: 'client' });
    expect(rig.clock.timers).toBe(0);
  });

  it('CLI-6 does not wait for a server that does not answer', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    const done = rig.client.close();
    rig.clock.advance(2_000);
    await done;
    expect(socket.closed).toBeDefined();
  });

  it('CLI-6 can be followed by another connection, which resumes', async () => {
    const rig = new Rig();
    rig.fresh();
    const done = rig.client.close();
    rig.socket.cut(1000);
    await done;
    rig.client.connect();
    expect(rig.open().last('connect').data).toMatchObject({ session_token: 'token-1', position: { seq: 0 } });
  });

  it('CLI-6 ends what waits for an answer', async () => {
    const rig = new Rig();
    rig.fresh();
    const pending = rig.client.ping();
    const { delivered } = rig.client.send('hi');
    const done = rig.client.close();
    rig.socket.cut(1000);
    await done;
    await expect(pending).rejects.toBeInstanceOf(ClientClosedError);
    await expect(delivered).rejects.toBeInstanceOf(ClientClosedError);
    expect(rig.client.outbox()).toHaveLength(1);
  });
});

describe('what is no frame', () => {
  it.each(['', '[]', '{"type":1,"data":{}}', '{"type":"x"}', '{"type":"run_queued","data":{}}'])(
    'CLI-3 %j: the line is dropped and resumed',
    (text) => {
      const rig = new Rig();
      const socket = rig.fresh();
      rig.clock.advance(10_000);
      socket.sayText(text);
      expect(socket.closed).toBeDefined();
      expect(rig.state).toBe('connecting');
      expect(rig.of('error')).toMatchObject([{ error: { name: 'ServerFaultError' } }]);
    },
  );

  it('CLI-3 types that are not known are ignored, but keep their place in the log', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    socket.say({ type: 'weather', data: {} });
    socket.say({ type: 'mood_changed', data: {}, seq: 1, tag: 'tag-1', ts: 'x' });
    socket.say(event(2, 'message_created', { message: message(2, 'message-2', 'hi') }));
    expect(rig.state).toBe('connected');
    expect(rig.seqs).toEqual([2]);
  });

  it("CLI-3 a channel's events are not the session's", () => {
    const rig = new Rig();
    const socket = rig.fresh();
    socket.say({ type: 'channel_message', data: { channel: 'a', message: {} }, seq: 7, tag: 't' });
    expect(rig.state).toBe('connected');
  });

  it('CLI-3 a restore before the admission does not add up', () => {
    const rig = new Rig();
    rig.open().say(restored());
    expect(rig.of('error')).toHaveLength(1);
    expect(rig.state).not.toBe('connected');
  });
});
