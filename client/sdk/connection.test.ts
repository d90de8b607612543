import { describe, expect, it } from 'vitest';
import { Connection, type Plane } from './connection.ts';
import type { Verdict } from './connection-state.ts';
import { LineLostError } from './errors.ts';
import type { Transport } from './ports.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { ScriptedTransport } from './testing/scripted-transport.ts';
import { seededRandom } from './testing/seeded-random.ts';

const window = { minMs: 1000, maxMs: 60_000, jitter: 'half' } as const;

/** A plane with a handshake of its own: it speaks first, and is in with the first word that comes back. */
function setUp(transport: Transport) {
  const clock = new ManualClock();
  const states: string[] = [];
  const plane: Plane = {
    url: () => 'ws://server/ws/agent',
    opened: () => void connection.send('{"type":"register"}'),
    received: () => {
      connection.accepted(window, 0);
      connection.ready();
    },
    ping: () => {},
    goodbye: () => void connection.send('{"type":"goodbye"}'),
    judge: (code, reason): Verdict => ({ retry: 'backoff', error: new LineLostError(code, reason) }),
    changed: (state) => states.push(state.name),
  };
  const signals = { subscribe: () => () => {} };
  const connection: Connection = new Connection(
    { transport, clock, random: seededRandom(3), signals },
    window,
    plane,
  );
  return { clock, connection, states };
}

describe('another plane', () => {
  it('CLI-1 stands on the same connection, with its own handshake', () => {
    const transport = new ScriptedTransport();
    const { connection, states } = setUp(transport);
    connection.connect();
    transport.socket.open();
    expect(transport.socket.sent.map((frame) => frame.type)).toEqual(['register']);
    transport.socket.say({ type: 'registered' });
    expect(states).toEqual(['connecting', 'authenticating', 'restoring', 'connected']);
  });

  it('CLI-2 waits 0.5 to 1 times 1, 2, 4, 8 ... s when its window says so', () => {
    const transport = new ScriptedTransport();
    const { clock, connection } = setUp(transport);
    connection.connect();
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      transport.socket.cut();
      if (connection.state.name !== 'waiting') throw new Error(connection.state.name);
      const ms = connection.state.retryAt - clock.now();
      expect(ms).toBeGreaterThanOrEqual(seconds * 500);
      expect(ms).toBeLessThanOrEqual(seconds * 1000);
      clock.advance(ms);
    }
    expect(transport.sockets).toHaveLength(9);
  });

  it('CLI-2 bears a transport that fails within the call', () => {
    let opened = 0;
    const { clock, connection, states } = setUp({
      open: (_url, handlers) => {
        opened++;
        handlers.onClose(1006, 'no network');
        return { send: () => {}, close: () => {} };
      },
    });
    connection.connect();
    expect(states).toEqual(['connecting', 'waiting']);
    clock.advance(10_000);
    expect(opened).toBeGreaterThan(1);
    connection.close();
    expect(connection.state.name).toBe('closed');
    expect(clock.timers).toBe(0);
  });
});
