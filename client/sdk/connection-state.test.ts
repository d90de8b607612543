import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';
import {
  CLOSE_TIMEOUT_MS,
  type ConnectionEvent,
  deadlineOf,
  HANDSHAKE_TIMEOUT_MS,
  initialState,
  OPEN_TIMEOUT_MS,
  RESTORE_TIMEOUT_MS,
  STABLE_AFTER_MS,
  transition,
  type Verdict,
} from './connection-state.ts';
import type { ConnectionState } from './connection-types.ts';
import { LineLostError } from './errors.ts';

const NOW = 1_000_000;
const window = { minMs: 500, maxMs: 30_000, jitter: 'full' } as const;
const line = { window, attempt: 0 };
const error = new LineLostError(1006, 'cut');
const backoff: Verdict = { retry: 'backoff', error };

const idle = initialState(window);
const connecting: ConnectionState = { name: 'connecting', line, deadlineAt: NOW + OPEN_TIMEOUT_MS };
const authenticating: ConnectionState = {
  name: 'authenticating',
  line,
  deadlineAt: NOW + HANDSHAKE_TIMEOUT_MS,
};
const restoring: ConnectionState = {
  name: 'restoring',
  line,
  deadlineAt: NOW + RESTORE_TIMEOUT_MS,
  returnAt: undefined,
};
const connected: ConnectionState = { name: 'connected', line, since: NOW, returnAt: undefined };
const waiting: ConnectionState = { name: 'waiting', line, retryAt: NOW + 700, why: 'backoff', error };
const refused: ConnectionState = { name: 'refused', line, error };
const closing: ConnectionState = { name: 'closing', line, deadlineAt: NOW + CLOSE_TIMEOUT_MS };
const closed: ConnectionState = { name: 'closed', line, by: 'client', reason: undefined };
const failed: ConnectionState = { name: 'failed', line, error };
const all = [
  idle,
  connecting,
  authenticating,
  restoring,
  connected,
  waiting,
  refused,
  closing,
  closed,
  failed,
];
const withSocket = [connecting, authenticating, restoring, connected];

const step = (state: ConnectionState, event: ConnectionEvent, now = NOW, random = 0.5) =>
  transition(state, event, now, random);
const actionsOf = (state: ConnectionState, event: ConnectionEvent, now = NOW) =>
  step(state, event, now).actions.map((action) => action.type);

describe('connect', () => {
  it.each([idle, closed, failed])('CLI-1 opens a socket from $name', (state) => {
    const { state: next, actions } = step({ ...state, line: { window, attempt: 7 } } as ConnectionState, {
      type: 'connect',
    });
    expect(next).toEqual(connecting);
    expect(actions).toEqual([{ type: 'open' }]);
  });

  it.each([connecting, authenticating, restoring, connected, waiting, refused])(
    'CLI-1 changes nothing in $name',
    (state) => {
      expect(step(state, { type: 'connect' })).toEqual({ state, actions: [] });
    },
  );

  it('CLI-1 takes a close back that is under way', () => {
    expect(step(closing, { type: 'connect' }).state.name).toBe('connecting');
    expect(actionsOf(closing, { type: 'connect' })).toEqual(['drop', 'open']);
  });
});

describe('the way in', () => {
  it('CLI-1 goes from an open socket to the handshake, to the restore, to connected', () => {
    const opened = step(connecting, { type: 'opened' });
    expect(opened).toEqual({ state: authenticating, actions: [] });
    const other = { minMs: 1, maxMs: 2, jitter: 'full' } as const;
    const accepted = step(opened.state, { type: 'accepted', window: other });
    expect(accepted.state).toEqual({ ...restoring, line: { window: other, attempt: 0 } });
    const ready = step(accepted.state, { type: 'ready' });
    expect(ready.state).toMatchObject({ name: 'connected', since: NOW });
    expect(ready.actions).toEqual([]);
  });

  it.each(all.filter((s) => s !== connecting))('CLI-1 takes no notice of `opened` in $name', (state) => {
    expect(step(state, { type: 'opened' }).state).toBe(state);
  });

  it.each(all.filter((s) => s !== authenticating))(
    'CLI-1 takes no notice of `accepted` in $name',
    (state) => {
      expect(step(state, { type: 'accepted', window }).state).toBe(state);
    },
  );

  it.each(all.filter((s) => s !== restoring))('CLI-1 takes no notice of `ready` in $name', (state) => {
    expect(step(state, { type: 'ready' }).state).toBe(state);
  });

  it.each([
    [connecting, OPEN_TIMEOUT_MS],
    [authenticating, HANDSHAKE_TIMEOUT_MS],
    [restoring, RESTORE_TIMEOUT_MS],
  ] as const)('CLI-2 gives up a socket that makes no progress: %o', (state, ms) => {
    expect(deadlineOf(state)).toBe(NOW + ms);
    expect(step(state, { type: 'tick' }, NOW + ms - 1).state).toBe(state);
    const { state: next, actions } = step(state, { type: 'tick' }, NOW + ms);
    expect(next).toMatchObject({ name: 'waiting', why: 'backoff', line: { attempt: 1 } });
    expect(actions.map((a) => a.type)).toEqual(['drop']);
  });
});

describe('dropped', () => {
  it.each(withSocket)('CLI-2 waits with backoff when the line of $name is lost', (state) => {
    const { state: next, actions } = step(state, { type: 'dropped', verdict: backoff });
    expect(next).toEqual({
      name: 'waiting',
      line: { window, attempt: 1 },
      retryAt: NOW + backoffMs(window, 1, 0.5),
      why: 'backoff',
      error,
    });
    expect(actions).toEqual([]);
  });

  it('CLI-2 adds up failures, and forgets them once a line has held', () => {
    const tired = { ...connected, line: { window, attempt: 4 } };
    const soon = step(tired, { type: 'dropped', verdict: backoff }, NOW + STABLE_AFTER_MS - 1);
    expect(soon.state.line.attempt).toBe(5);
    const later = step(tired, { type: 'dropped', verdict: backoff }, NOW + STABLE_AFTER_MS);
    expect(later.state.line.attempt).toBe(1);
  });

  it('CLI-3 tries again at once when the cause is removed, but not twice in a row', () => {
    const verdict: Verdict = { retry: 'at_once', error };
    const first = step(connected, { type: 'dropped', verdict });
    expect(first.state).toMatchObject({ name: 'connecting', line: { attempt: 1 } });
    expect(first.actions).toEqual([{ type: 'open' }]);
    const second = step({ ...authenticating, line: first.state.line }, { type: 'dropped', verdict });
    expect(second.state).toMatchObject({ name: 'waiting', line: { attempt: 2 } });
  });

  it('CLI-4 waits no less than the server asked for', () => {
    const verdict: Verdict = { retry: 'after', ms: 4000, error };
    for (const random of [0, 0.5, 0.999]) {
      const { state } = step(connected, { type: 'dropped', verdict }, NOW, random);
      if (state.name !== 'waiting') throw new Error(state.name);
      expect(state.why).toBe('rate_limited');
      expect(state.retryAt - NOW).toBeGreaterThanOrEqual(4000);
      expect(state.retryAt - NOW).toBeLessThanOrEqual(4500);
    }
  });

  it('CLI-5 is refused, failed or closed by the verdict', () => {
    expect(
      step(authenticating, { type: 'dropped', verdict: { retry: 'new_credentials', error } }).state.name,
    ).toBe('refused');
    expect(step(connected, { type: 'dropped', verdict: { retry: 'never', error } }).state.name).toBe(
      'failed',
    );
    expect(
      step(connected, { type: 'dropped', verdict: { retry: 'closed', reason: 'erased' } }).state,
    ).toEqual({
      name: 'closed',
      line,
      by: 'server',
      reason: 'erased',
    });
  });

  it('CLI-6 is closed when it was leaving, whatever the code', () => {
    expect(step(closing, { type: 'dropped', verdict: backoff }).state).toEqual(closed);
  });

  it.each([idle, waiting, refused, closed, failed])(
    'CLI-2 takes no notice of a late close in $name',
    (state) => {
      expect(step(state, { type: 'dropped', verdict: backoff }).state).toBe(state);
    },
  );
});

describe('useless', () => {
  it('CLI-3 drops the socket before anything else', () => {
    expect(actionsOf(connected, { type: 'useless', verdict: { retry: 'at_once', error } })).toEqual([
      'drop',
      'open',
    ]);
    expect(
      actionsOf(authenticating, { type: 'useless', verdict: { retry: 'new_credentials', error } }),
    ).toEqual(['drop']);
  });

  it.each([idle, waiting, refused, closed, failed])('CLI-3 has nothing to drop in $name', (state) => {
    expect(step(state, { type: 'useless', verdict: backoff })).toEqual({ state, actions: [] });
  });
});

describe('leaving', () => {
  it.each([restoring, connected])('CLI-7 comes back when the server asked it to, from $name', (state) => {
    const told = step(state, { type: 'leaving', reconnectInMs: 3000 });
    expect(told.state).toMatchObject({ name: state.name, returnAt: NOW + 3000 });
    const gone = step(told.state, { type: 'dropped', verdict: backoff }, NOW + 100);
    expect(gone.state).toMatchObject({ name: 'waiting', why: 'server_closing', retryAt: NOW + 3000 });
  });

  it('CLI-7 backs off when its share of the window is over already', () => {
    const told = step(connected, { type: 'leaving', reconnectInMs: 3000 });
    const gone = step(told.state, { type: 'dropped', verdict: backoff }, NOW + 3000);
    expect(gone.state).toMatchObject({ name: 'waiting', why: 'backoff' });
  });

  it.each([idle, connecting, authenticating, waiting, refused, closing, closed, failed])(
    'CLI-7 takes no notice in $name',
    (state) => {
      expect(step(state, { type: 'leaving', reconnectInMs: 1 }).state).toBe(state);
    },
  );
});

describe('waiting', () => {
  it('CLI-2 opens when its time has come, not before', () => {
    expect(deadlineOf(waiting)).toBe(NOW + 700);
    expect(step(waiting, { type: 'tick' }, NOW + 699).state).toBe(waiting);
    expect(actionsOf(waiting, { type: 'tick' }, NOW + 700)).toEqual(['open']);
  });

  it('CLI-8 a wake ends a backoff, but no wait that the server asked for', () => {
    expect(actionsOf(waiting, { type: 'wake' })).toEqual(['open']);
    for (const why of ['rate_limited', 'server_closing'] as const)
      expect(actionsOf({ ...waiting, why }, { type: 'wake' })).toEqual([]);
  });

  it('CLI-8 `retry_now` ends a backoff and a drain, but no rate limit', () => {
    expect(actionsOf(waiting, { type: 'retry_now' })).toEqual(['open']);
    expect(actionsOf({ ...waiting, why: 'server_closing' }, { type: 'retry_now' })).toEqual(['open']);
    expect(actionsOf({ ...waiting, why: 'rate_limited' }, { type: 'retry_now' })).toEqual([]);
  });

  it.each(all.filter((s) => s !== waiting))('CLI-8 neither means anything in $name', (state) => {
    expect(step(state, { type: 'wake' }).state).toBe(state);
    expect(step(state, { type: 'retry_now' }).state).toBe(state);
  });
});

describe('credentials', () => {
  it('CLI-5 ends a refusal', () => {
    const { state, actions } = step({ ...refused, line: { window, attempt: 3 } }, { type: 'credentials' });
    expect(state).toEqual(connecting);
    expect(actions).toEqual([{ type: 'open' }]);
  });

  it.each(all.filter((s) => s !== refused))('CLI-5 changes nothing in $name', (state) => {
    expect(step(state, { type: 'credentials' }).state).toBe(state);
  });
});

describe('close', () => {
  it.each([restoring, connected])('CLI-6 says goodbye in $name and waits for the close', (state) => {
    expect(step(state, { type: 'close' })).toEqual({ state: closing, actions: [{ type: 'goodbye' }] });
  });

  it.each([connecting, authenticating])('CLI-6 drops the socket of $name', (state) => {
    expect(step(state, { type: 'close' }).state).toEqual(closed);
    expect(actionsOf(state, { type: 'close' })).toEqual(['drop']);
  });

  it.each([idle, waiting, refused, failed])('CLI-6 closes $name at once', (state) => {
    expect(step(state, { type: 'close' })).toEqual({ state: closed, actions: [] });
  });

  it.each([closing, closed])('CLI-6 is the same a second time in $name', (state) => {
    expect(step(state, { type: 'close' }).state).toBe(state);
  });

  it('CLI-6 does not wait for ever', () => {
    expect(deadlineOf(closing)).toBe(NOW + CLOSE_TIMEOUT_MS);
    expect(step(closing, { type: 'tick' }, NOW + CLOSE_TIMEOUT_MS).state).toEqual(closed);
    expect(actionsOf(closing, { type: 'tick' }, NOW + CLOSE_TIMEOUT_MS)).toEqual(['drop']);
  });
});

describe('backoff', () => {
  it('CLI-2 stays in the window, grows, and is spread over its whole width', () => {
    for (let attempt = 1; attempt < 60; attempt++)
      for (const random of [0, 0.3, 0.999]) {
        const ms = backoffMs(window, attempt, random);
        expect(ms).toBeGreaterThanOrEqual(window.minMs);
        expect(ms).toBeLessThanOrEqual(window.maxMs);
      }
    expect(backoffMs(window, 1, 1)).toBe(1000);
    expect(backoffMs(window, 3, 1)).toBe(4000);
    expect(backoffMs(window, 40, 1)).toBe(30_000);
  });

  it('CLI-2 with half jitter it stays in the upper half of 1, 2, 4, 8 ... times the least', () => {
    const half = { minMs: 1000, maxMs: 60_000, jitter: 'half' } as const;
    const spread = (attempt: number) => [backoffMs(half, attempt, 0), backoffMs(half, attempt, 1)];
    expect([1, 2, 3, 7, 50].map(spread)).toEqual([
      [500, 1000],
      [1000, 2000],
      [2000, 4000],
      [30_000, 60_000],
      [30_000, 60_000],
    ]);
  });

  it('CLI-2 a window of nothing is no delay', () => {
    expect(backoffMs({ minMs: 0, maxMs: 0, jitter: 'full' }, 5, 0.9)).toBe(0);
  });
});
