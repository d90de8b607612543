import { backoffMs } from './backoff.ts';
import type { ConnectionState, Line, ReconnectWindow } from './connection-types.ts';
import { type HoldfastError, LineLostError } from './errors.ts';

/** How long a socket may take to open. */
export const OPEN_TIMEOUT_MS = 10_000;
/** How long the handshake may take on an open socket; the server allows 10 s for our part of it. */
export const HANDSHAKE_TIMEOUT_MS = 15_000;
/** How long a restore may take. A silent line is found sooner, by the heartbeat. */
export const RESTORE_TIMEOUT_MS = 60_000;
/** How long a polite close waits for the server's. */
export const CLOSE_TIMEOUT_MS = 2_000;
/** A line that broke sooner than this did not hold: its failures add up. */
export const STABLE_AFTER_MS = 5_000;

/** What the loss of a line means for what comes next. */
export type Verdict =
  | { readonly retry: 'backoff'; readonly error: HoldfastError }
  /** The cause is removed: try again without delay, unless that has just failed. */
  | { readonly retry: 'at_once'; readonly error: HoldfastError }
  | { readonly retry: 'after'; readonly ms: number; readonly error: HoldfastError }
  | { readonly retry: 'new_credentials'; readonly error: HoldfastError }
  | { readonly retry: 'never'; readonly error: HoldfastError }
  /** A normal closure: nothing went wrong, nothing follows. */
  | { readonly retry: 'closed'; readonly reason: string | undefined };

export type ConnectionEvent =
  /** The application wants a line. */
  | { readonly type: 'connect' }
  | { readonly type: 'opened' }
  /** The handshake succeeded. */
  | { readonly type: 'accepted'; readonly window: ReconnectWindow }
  /** What was missed is here. */
  | { readonly type: 'ready' }
  /** The socket is gone. */
  | { readonly type: 'dropped'; readonly verdict: Verdict }
  /** The socket is there, but of no use: silent, out of step, or refused without being closed. */
  | { readonly type: 'useless'; readonly verdict: Verdict }
  /** The server announces its going, and when to come back. */
  | { readonly type: 'leaving'; readonly reconnectInMs: number }
  /** The deadline of the state (`deadlineOf`) is there. */
  | { readonly type: 'tick' }
  /** The world changed for the better: network back, page visible. */
  | { readonly type: 'wake' }
  | { readonly type: 'retry_now' }
  /** There are new credentials. */
  | { readonly type: 'credentials' }
  | { readonly type: 'close' };

export type ConnectionAction =
  | { readonly type: 'open' }
  /** Tell the server that we leave; it closes. */
  | { readonly type: 'goodbye' }
  /** Close the socket and forget it. */
  | { readonly type: 'drop'; readonly reason: string };

export interface Transition {
  readonly state: ConnectionState;
  readonly actions: readonly ConnectionAction[];
}

/** The state before the first `connect`. */
export function initialState(window: ReconnectWindow): ConnectionState {
  return { name: 'idle', line: { window, attempt: 0 } };
}

/** When the state wants its `tick`, if it does. */
export function deadlineOf(state: ConnectionState): number | undefined {
  switch (state.name) {
    case 'connecting':
    case 'authenticating':
    case 'restoring':
    case 'closing':
      return state.deadlineAt;
    case 'waiting':
      return state.retryAt;
    case 'idle':
    case 'connected':
    case 'refused':
    case 'closed':
    case 'failed':
      return undefined;
  }
}

/**
 * What a connection does next. Pure; an event that means nothing in a state leaves the very same state.
 * `random` is in [0, 1).
 */
export function transition(
  state: ConnectionState,
  event: ConnectionEvent,
  now: number,
  random: number,
): Transition {
  switch (event.type) {
    case 'connect':
      return connect(state, now);
    case 'opened':
      if (state.name !== 'connecting') return stay(state);
      return to({ name: 'authenticating', line: state.line, deadlineAt: now + HANDSHAKE_TIMEOUT_MS });
    case 'accepted':
      if (state.name !== 'authenticating') return stay(state);
      return to({
        name: 'restoring',
        line: { ...state.line, window: event.window },
        deadlineAt: now + RESTORE_TIMEOUT_MS,
        returnAt: undefined,
      });
    case 'ready':
      if (state.name !== 'restoring') return stay(state);
      return to({ name: 'connected', line: state.line, since: now, returnAt: state.returnAt });
    case 'dropped':
      return hasSocket(state) ? lost(state, event.verdict, now, random) : stay(state);
    case 'useless':
      return hasSocket(state)
        ? dropAnd(lost(state, event.verdict, now, random), reasonOf(event.verdict))
        : stay(state);
    case 'leaving':
      if (state.name !== 'connected' && state.name !== 'restoring') return stay(state);
      return to({ ...state, returnAt: now + event.reconnectInMs });
    case 'tick':
      return tick(state, now, random);
    case 'wake':
      return state.name === 'waiting' && state.why === 'backoff' ? open(state.line, now) : stay(state);
    case 'retry_now':
      return state.name === 'waiting' && state.why !== 'rate_limited' ? open(state.line, now) : stay(state);
    case 'credentials':
      return state.name === 'refused' ? open({ ...state.line, attempt: 0 }, now) : stay(state);
    case 'close':
      return close(state, now);
  }
}

function connect(state: ConnectionState, now: number): Transition {
  switch (state.name) {
    case 'idle':
    case 'closed':
    case 'failed':
      return open({ ...state.line, attempt: 0 }, now);
    case 'closing':
      return dropAnd(open({ ...state.line, attempt: 0 }, now), 'connecting anew');
    case 'connecting':
    case 'authenticating':
    case 'restoring':
    case 'connected':
    case 'waiting':
    case 'refused':
      return stay(state);
  }
}

function close(state: ConnectionState, now: number): Transition {
  const closed: ConnectionState = { name: 'closed', line: state.line, by: 'client', reason: undefined };
  switch (state.name) {
    case 'restoring':
    case 'connected':
      return {
        state: { name: 'closing', line: state.line, deadlineAt: now + CLOSE_TIMEOUT_MS },
        actions: [{ type: 'goodbye' }],
      };
    case 'connecting':
    case 'authenticating':
      return dropAnd(to(closed), 'closed by the client');
    case 'idle':
    case 'waiting':
    case 'refused':
    case 'failed':
      return to(closed);
    case 'closing':
    case 'closed':
      return stay(state);
  }
}

function tick(state: ConnectionState, now: number, random: number): Transition {
  const deadline = deadlineOf(state);
  if (deadline === undefined || now < deadline) return stay(state);
  switch (state.name) {
    case 'waiting':
      return open(state.line, now);
    case 'connecting':
    case 'authenticating':
    case 'restoring': {
      const error = new LineLostError(1006, `no progress while ${state.name}`);
      return dropAnd(lost(state, { retry: 'backoff', error }, now, random), error.reason);
    }
    case 'closing':
      return dropAnd(
        to({ name: 'closed', line: state.line, by: 'client', reason: undefined }),
        'closed by the client',
      );
    case 'idle':
    case 'connected':
    case 'refused':
    case 'closed':
    case 'failed':
      return stay(state);
  }
}

type WithSocket = Extract<
  ConnectionState,
  { name: 'connecting' | 'authenticating' | 'restoring' | 'connected' | 'closing' }
>;

function hasSocket(state: ConnectionState): state is WithSocket {
  switch (state.name) {
    case 'connecting':
    case 'authenticating':
    case 'restoring':
    case 'connected':
    case 'closing':
      return true;
    case 'idle':
    case 'waiting':
    case 'refused':
    case 'closed':
    case 'failed':
      return false;
  }
}

/** The socket of `state` is gone, or about to be. */
function lost(state: WithSocket, verdict: Verdict, now: number, random: number): Transition {
  // We were leaving anyway: whatever the reason, we are out.
  if (state.name === 'closing')
    return to({ name: 'closed', line: state.line, by: 'client', reason: undefined });
  const held = state.name === 'connected' && now - state.since >= STABLE_AFTER_MS;
  const failures = held ? 0 : state.line.attempt;
  const line: Line = { ...state.line, attempt: failures + 1 };
  switch (verdict.retry) {
    case 'closed':
      return to({ name: 'closed', line: state.line, by: 'server', reason: verdict.reason });
    case 'never':
      return to({ name: 'failed', line, error: verdict.error });
    case 'new_credentials':
      return to({ name: 'refused', line, error: verdict.error });
    case 'after': {
      // All who were limited together are told the same: some jitter on top, never before.
      const retryAt = now + verdict.ms + Math.round(random * line.window.minMs);
      return to({ name: 'waiting', line, retryAt, why: 'rate_limited', error: verdict.error });
    }
    case 'at_once':
      if (failures === 0) return open(line, now);
      return backoff(line, verdict.error, now, random);
    case 'backoff': {
      const returnAt = state.name === 'connected' || state.name === 'restoring' ? state.returnAt : undefined;
      if (returnAt !== undefined && returnAt > now)
        return to({ name: 'waiting', line, retryAt: returnAt, why: 'server_closing', error: verdict.error });
      return backoff(line, verdict.error, now, random);
    }
  }
}

function backoff(line: Line, error: HoldfastError, now: number, random: number): Transition {
  const retryAt = now + backoffMs(line.window, line.attempt, random);
  return to({ name: 'waiting', line, retryAt, why: 'backoff', error });
}

function open(line: Line, now: number): Transition {
  return {
    state: { name: 'connecting', line, deadlineAt: now + OPEN_TIMEOUT_MS },
    actions: [{ type: 'open' }],
  };
}

function reasonOf(verdict: Verdict): string {
  return verdict.retry === 'closed' ? 'closed' : verdict.error.message;
}

/** Drops the old socket before whatever else the transition does. */
function dropAnd(next: Transition, reason: string): Transition {
  return { state: next.state, actions: [{ type: 'drop', reason }, ...next.actions] };
}

function to(state: ConnectionState): Transition {
  return { state, actions: [] };
}

function stay(state: ConnectionState): Transition {
  return { state, actions: [] };
}
