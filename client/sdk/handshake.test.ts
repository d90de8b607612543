import { describe, expect, it } from 'vitest';
import { ClientClosedError, ClientFaultError, InvalidRequestError, RefusedError } from './errors.ts';
import { errorFrame, established, event, message, success } from './testing/frames.ts';
import { Rig } from './testing/rig.ts';
import { memoryStorage } from './storage.ts';

const waitingMs = (rig: Rig) => {
  const { state } = rig.client;
  if (state.name !== 'waiting') throw new Error(`is ${state.name}`);
  return state.retryAt - rig.clock.now();
};

describe('the handshake', () => {
  it('CLI-1 says nothing before the server has spoken, then connects', () => {
    const rig = new Rig();
    rig.client.connect();
    expect(rig.state).toBe('connecting');
    expect(rig.socket.url).toBe('ws://server:8000/client_tester');
    rig.socket.open();
    expect(rig.state).toBe('authenticating');
    expect(rig.socket.sent).toEqual([]);
    rig.socket.say(established);
    expect(rig.socket.last('connect').data).toEqual({
      api_key: 'key-1',
      connection_type: 'chat',
      domain: 'personal',
      workspace: 'personal',
      protocol_version: 1,
      client: { name: 'holdfast-sdk', version: '0.1.0' },
    });
    rig.socket.say(success(0, { outcome: 'fresh' }));
    expect(rig.state).toBe('connected');
    expect(rig.client.conversation.session).toMatchObject({ sessionId: 'session-1', outcome: 'fresh' });
    expect(rig.of('state').map(({ state }) => state.name)).toEqual([
      'connecting',
      'authenticating',
      'restoring',
      'connected',
    ]);
  });

  it('CLI-1 connecting twice is connecting once', () => {
    const rig = new Rig();
    rig.client.connect();
    rig.client.connect();
    rig.fresh();
    rig.client.connect();
    expect(rig.transport.sockets).toHaveLength(1);
  });

  it('CLI-1 uses the debug endpoint, tells every frame, and blots out credentials', () => {
    const rig = new Rig({ debug: true });
    const socket = rig.fresh();
    expect(socket.url).toBe('ws://server:8000/debug/client_tester');
    socket.say({ type: 'debug', data: { kind: 'tier', tier: 'brief' } });
    expect(rig.of('debug')).toMatchObject([{ data: { tier: 'brief' } }]);
    const frames = rig.of('frame');
    expect(frames.map((f) => [f.direction, JSON.parse(f.text).type])).toEqual([
      ['down', 'connection_established'],
      ['up', 'connect'],
      ['down', 'connection_success'],
      ['down', 'debug'],
    ]);
    expect(frames.map((f) => f.text).join()).not.toMatch(/key-1|token-1/);
  });

  it('CLI-1 comes into the session that the application names', () => {
    const byId = new Rig({ sessionId: 'session-9' }).open().last('connect').data;
    expect(byId).toMatchObject({ session_id: 'session-9' });
    const byToken = new Rig({ sessionToken: 'token-9', sessionId: 'session-9' }).open().last('connect').data;
    expect(byToken).toMatchObject({ session_token: 'token-9' });
    expect(byToken).not.toHaveProperty('session_id');
  });

  it('CLI-1 takes no client id that the server would not', () => {
    expect(() => new Rig({ clientId: 'a/b' })).toThrow(InvalidRequestError);
  });

  it('CLI-2 backs off within its own window at first, within the advertised one later', () => {
    const rig = new Rig({ reconnect: { minMs: 10, maxMs: 20 } });
    rig.client.connect();
    rig.socket.cut();
    expect(waitingMs(rig)).toBeGreaterThanOrEqual(10);
    expect(waitingMs(rig)).toBeLessThanOrEqual(20);
    rig.reopen();
    rig.socket.say(
      success(0, { outcome: 'fresh', reconnect: { min_ms: 7000, max_ms: 9000, jitter: 'full' } }),
    );
    rig.socket.cut();
    expect(waitingMs(rig)).toBeGreaterThanOrEqual(7000);
    expect(waitingMs(rig)).toBeLessThanOrEqual(9000);
  });

  it('CLI-2 gives up a handshake that does not come to its end', () => {
    const rig = new Rig();
    const socket = rig.open();
    rig.clock.advance(15_000);
    expect(socket.closed).toBeDefined();
    expect(rig.state).toBe('waiting');
    // What the old socket still says is nobody's.
    socket.say(success(0, { outcome: 'fresh' }));
    socket.cut(4000);
    expect(rig.state).toBe('waiting');
  });

  it('CLI-2 a store out of reach during the handshake is tried again', () => {
    const rig = new Rig();
    rig.open().say(errorFrame('server_error', 503, { retryable: true, retry_after_ms: 2500 }));
    expect(rig.socket.closed).toBeDefined();
    expect(waitingMs(rig)).toBeGreaterThanOrEqual(2500);
  });
});

describe('close codes', () => {
  it.each([1001, 1005, 1006, 1011, 1012, 1013, 4999])('CLI-5 %i: tries again with backoff', (code) => {
    const rig = new Rig();
    rig.fresh().cut(code);
    expect(rig.client.state).toMatchObject({ name: 'waiting', why: 'backoff' });
    rig.restore(0);
    expect(rig.state).toBe('connected');
  });

  it('CLI-5 1000: closed, with the reason', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    socket.say({ type: 'disconnect', data: { reason: 'bye' } });
    socket.cut(1000);
    expect(rig.client.state).toMatchObject({ name: 'closed', by: 'server', reason: 'bye' });
    expect(rig.clock.timers).toBe(0);
  });

  it('CLI-5 1000 for an erased session: the next one is a new one, also after a reload', () => {
    const storage = memoryStorage();
    const rig = new Rig({ storage });
    const socket = rig.fresh();
    socket.say({ type: 'disconnect', data: { reason: 'erased' } });
    socket.cut(1000);
    expect(new Rig({ storage }).open().last('connect').data).not.toHaveProperty('session_token');
    rig.client.connect();
    expect(rig.open().last('connect').data).not.toHaveProperty('session_token');
  });

  it.each([1009, 4002, 4003])('CLI-5 %i: a bug of the client, it fails', async (code) => {
    const rig = new Rig();
    const socket = rig.fresh();
    const pending = rig.client.requestContext();
    socket.say(errorFrame('invalid_format', 400));
    socket.cut(code);
    expect(rig.client.state).toMatchObject({ name: 'failed', error: { code } });
    if (rig.client.state.name === 'failed') expect(rig.client.state.error).toBeInstanceOf(ClientFaultError);
    await expect(pending).rejects.toBeInstanceOf(ClientClosedError);
    expect(rig.clock.timers).toBe(0);
  });

  it('CLI-4 4001: waits for `retry_after_ms`, whatever wakes it', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    socket.say(errorFrame('rate_limited', 429, { retryable: true, retry_after_ms: 5000 }));
    socket.say({ type: 'disconnect', data: { reason: 'Rate limit exceeded' } });
    socket.cut(4001);
    expect(rig.client.state).toMatchObject({ name: 'waiting', why: 'rate_limited' });
    rig.wake();
    rig.client.retryNow();
    rig.clock.advance(4999);
    expect(rig.state).toBe('waiting');
    rig.clock.advance(600);
    expect(rig.state).toBe('connecting');
  });

  it('CLI-5 4000: refused until there are new credentials', () => {
    const rig = new Rig();
    const socket = rig.open();
    socket.say(errorFrame('invalid_key', 403));
    socket.say({ type: 'disconnect', data: { reason: 'Invalid API key' } });
    socket.cut(4000);
    expect(rig.state).toBe('refused');
    if (rig.client.state.name === 'refused') expect(rig.client.state.error).toBeInstanceOf(RefusedError);
    rig.clock.advance(600_000);
    rig.client.retryNow();
    rig.wake();
    rig.client.connect();
    expect(rig.transport.sockets).toHaveLength(1);
    rig.client.authenticate('key-2');
    expect(rig.open().last('connect').data.api_key).toBe('key-2');
    rig.socket.say(success(0, { outcome: 'fresh' }));
    expect(rig.state).toBe('connected');
  });

  it('CLI-5 4000 for a key that was replaced meanwhile: the new one is tried', () => {
    const rig = new Rig();
    const socket = rig.open();
    rig.client.authenticate('key-2');
    socket.say(errorFrame('invalid_key', 403));
    socket.cut(4000);
    expect(rig.open().last('connect').data.api_key).toBe('key-2');
  });

  it('CLI-5 4000 for an authentication timeout: tries again with backoff', () => {
    const rig = new Rig();
    const socket = rig.open();
    socket.say(errorFrame('auth_timeout', 403, { retryable: true }));
    socket.cut(4000);
    expect(rig.client.state).toMatchObject({ name: 'waiting', why: 'backoff' });
  });

  it('CLI-5 4000 for an expired session token: comes back by the session id, with its place', () => {
    const rig = new Rig();
    rig.fresh().say(event(1, 'message_created', { message: message(1, 'message-1', 'hi') }));
    rig.clock.advance(10_000);
    rig.socket.cut();
    const socket = rig.reopen();
    expect(socket.last('connect').data.session_token).toBe('token-1');
    socket.say(errorFrame('token_expired', 403, { credential: 'session_token' }));
    socket.say({ type: 'disconnect', data: { reason: 'Token expired' } });
    socket.cut(4000);
    const again = rig.reopen().last('connect').data;
    expect(again).toMatchObject({ session_id: 'session-1', position: { seq: 1 } });
    expect(again).not.toHaveProperty('session_token');
  });

  it('CLI-5 4000 for a refused session token: after new credentials by the session id', () => {
    const rig = new Rig();
    rig.fresh().cut();
    const socket = rig.reopen();
    socket.say(errorFrame('invalid_session_token', 403));
    socket.cut(4000);
    expect(rig.client.state).toMatchObject({
      name: 'refused',
      error: { errorType: 'invalid_session_token' },
    });
    rig.client.authenticate('key-2');
    expect(rig.open().last('connect').data).toMatchObject({ api_key: 'key-2', session_id: 'session-1' });
  });

  it('CLI-5 a key that is revoked while connected is refused', () => {
    const rig = new Rig();
    const socket = rig.fresh();
    socket.say(errorFrame('invalid_key', 403));
    socket.say({ type: 'disconnect', data: { reason: 'Invalid API key' } });
    socket.cut(4000);
    expect(rig.state).toBe('refused');
  });

  it('CLI-5 a session that is not there is refused when it was asked for, and replaced when it was only remembered', () => {
    const asked = new Rig({ sessionId: 'session-9' });
    asked.open().say(errorFrame('not_found', 404));
    expect(asked.state).toBe('refused');

    const storage = memoryStorage();
    new Rig({ storage }).fresh();
    const later = new Rig({ storage });
    later.open().say(errorFrame('not_found', 404));
    expect(later.state).toBe('connecting');
    expect(later.open().last('connect').data).not.toHaveProperty('session_token');
  });
});

describe('new credentials in place', () => {
  it('CLI-5 are used from then on', async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    rig.client.authenticate('key-2');
    const refresh = socket.last('auth_refresh');
    expect(refresh.data).toEqual({ api_key: 'key-2' });
    socket.say({
      type: 'message_delivered',
      reply_to: refresh.id,
      data: { original_type: 'auth_refresh', status: 'success' },
    });
    await Promise.resolve();
    socket.cut();
    expect(rig.reopen().last('connect').data.api_key).toBe('key-2');
  });

  it("CLI-5 of another subject are not kept, and the line's own go on", async () => {
    const rig = new Rig();
    const socket = rig.fresh();
    rig.client.authenticate('key-2');
    socket.say(errorFrame('forbidden', 403, {}, socket.last('auth_refresh').id));
    await rig.client.waitFor(() => rig.of('error').length > 0);
    expect(rig.of('error')).toMatchObject([{ error: { errorType: 'forbidden', operation: 'auth_refresh' } }]);
    expect(rig.state).toBe('connected');
    socket.cut();
    expect(rig.reopen().last('connect').data.api_key).toBe('key-1');
  });
});
