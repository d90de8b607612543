import type { ConnectData, Permission } from '../../protocol/chat/handshake.ts';
import { parseUp, type UpMessage } from '../../protocol/chat/parse.ts';
import { isUpType } from '../../protocol/chat/up.ts';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import { parseEnvelope } from '../../protocol/envelope.ts';
import { SUPPORTED_PROTOCOL_VERSIONS } from '../../protocol/version.ts';
import { type FrameBudget, type FrameRate, fullBudget, spend, thaw } from './frame-budget.ts';
import { type Refusal, refusal } from './refusal.ts';

/** One frame as it came. `text` is `undefined` for a binary one. */
export interface Frame {
  readonly text: undefined | string;
  readonly bytes: number;
}

interface AwaitingConnect {
  readonly name: 'awaiting_connect';
  readonly budget: FrameBudget;
}

/** The credentials are being checked and the session opened; what comes meanwhile is held. */
interface Authenticating {
  readonly name: 'authenticating';
  readonly budget: FrameBudget;
  readonly held: readonly Frame[];
  /** The deadline has passed meanwhile: there is no second try. */
  readonly overdue: boolean;
}

interface Open {
  readonly name: 'open';
  readonly budget: FrameBudget;
  readonly permissions: readonly Permission[];
  /** When invalid messages came, newest last, within the window. */
  readonly strikes: readonly number[];
}

type Alive = AwaitingConnect | Authenticating | Open;

/** A chat connection as the server sees it. Each state carries only what is legal in it. */
export type ConnectionState = Alive | { readonly name: 'closed' };

export type ConnectionEvent =
  | { readonly type: 'frame'; readonly frame: Frame }
  /** The time in which a client must have sent `connect` is over. */
  | { readonly type: 'auth_deadline' }
  /** The session is open; what was held is judged next. */
  | { readonly type: 'authenticated'; readonly permissions: readonly Permission[] }
  /** `connect` was refused. */
  | { readonly type: 'refused'; readonly refusal: Refusal; readonly replyTo: undefined | string }
  /** `auth_refresh` brought other permissions, or the key file did. */
  | { readonly type: 'permissions'; readonly permissions: readonly Permission[] }
  /** It is read from again, after the server did not for reasons of its own. */
  | { readonly type: 'released' }
  /** The server ends it: an expired or revoked key, a drain, an erased session. */
  | { readonly type: 'end'; readonly refusal: Refusal }
  | { readonly type: 'socket_closed' };

export type ConnectionAction =
  | { readonly do: 'authenticate'; readonly data: ConnectData; readonly id: undefined | string }
  | { readonly do: 'handle'; readonly message: UpMessage; readonly id: undefined | string }
  /** Sends the error; with a close, `disconnect` and the close frame after it. */
  | { readonly do: 'refuse'; readonly refusal: Refusal; readonly replyTo: undefined | string };

export interface Transition {
  readonly state: ConnectionState;
  readonly actions: readonly ConnectionAction[];
}

export interface ConnectionLimits {
  readonly rate: FrameRate;
  readonly maxFrameBytes: number;
}

/** Before it is authenticated a frame may have so many bytes (contract, section 2). */
export const MAX_CONNECT_BYTES = 16_384;
/** So many invalid messages within the window end the connection. */
const MAX_STRIKES = 5;
const STRIKE_WINDOW_MS = 60_000;
const NO_STRIKES: readonly number[] = [];
/** How many frames are held while the session is opened. */
const MAX_HELD = 32;

export function initialState(limits: ConnectionLimits, now: number): ConnectionState {
  return { name: 'awaiting_connect', budget: fullBudget(limits.rate, now) };
}

/** The next state, and what is to be done. Pure. */
export function transition(
  state: ConnectionState,
  event: ConnectionEvent,
  now: number,
  limits: ConnectionLimits,
): Transition {
  if (state.name === 'closed') return { state, actions: [] };
  switch (event.type) {
    case 'frame':
      return onFrame(state, event.frame, now, limits);
    case 'auth_deadline':
      return onAuthDeadline(state);
    case 'authenticated':
      return onAuthenticated(state, event.permissions, now);
    case 'refused':
      return onRefused(state, event);
    case 'permissions':
      return {
        state: state.name === 'open' ? { ...state, permissions: event.permissions } : state,
        actions: [],
      };
    case 'released':
      return { state: { ...state, budget: thaw(state.budget, limits.rate, now) }, actions: [] };
    case 'end':
      return refuse(state, event.refusal, undefined);
    case 'socket_closed':
      return { state: { name: 'closed' }, actions: [] };
  }
}

function refuse(state: Alive, what: Refusal, replyTo: undefined | string): Transition {
  return {
    state: what.close === null ? state : { name: 'closed' },
    actions: [{ do: 'refuse', refusal: what, replyTo }],
  };
}

/** The checks in the order of the contract: size, rate, JSON, envelope, state, type, schema, permission. */
function onFrame(state: Alive, frame: Frame, now: number, limits: ConnectionLimits): Transition {
  const maxBytes = state.name === 'open' ? limits.maxFrameBytes : MAX_CONNECT_BYTES;
  if (frame.bytes > maxBytes) {
    const text = `A frame may have at most ${maxBytes} bytes`;
    return refuse(state, refusal('limit_exceeded', text, { close: CLOSE_CODES.frameTooLarge }), undefined);
  }
  const { budget, retryAfterMs } = spend(state.budget, limits.rate, now);
  if (retryAfterMs > 0)
    return refuse(state, refusal('rate_limited', undefined, { retry_after_ms: retryAfterMs }), undefined);
  return judge({ ...state, budget }, frame, now);
}

/** What a frame means that is small enough and in time. */
function judge(state: Alive, frame: Frame, now: number): Transition {
  const parsed = frame.text === undefined ? { ok: false as const } : parseEnvelope(frame.text);
  if (!parsed.ok) return refuse(state, refusal('invalid_format'), undefined);
  const { type, data, id } = parsed.envelope;
  switch (state.name) {
    case 'awaiting_connect':
      return type === 'connect'
        ? onConnect(state, data, id)
        : refuse(state, refusal('protocol_violation', 'The first message must be connect'), id);
    case 'authenticating':
      if (state.held.length >= MAX_HELD)
        return refuse(state, refusal('rate_limited', undefined, { retry_after_ms: 1000 }), id);
      return { state: { ...state, held: [...state.held, frame] }, actions: [] };
    case 'open':
      return onMessage(state, type, data, id, now);
  }
}

function onConnect(
  state: AwaitingConnect,
  data: Record<string, unknown>,
  id: undefined | string,
): Transition {
  if (data.api_key === undefined || data.api_key === null || data.api_key === '')
    return refuse(state, refusal('invalid_key'), id);
  const version = data.protocol_version;
  if (Number.isInteger(version) && !SUPPORTED_PROTOCOL_VERSIONS.includes(version as number)) {
    const text = `Protocol version not supported; supported: ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')}`;
    return refuse(state, refusal('unsupported_version', text), id);
  }
  const parsed = parseUp('connect', data, id);
  if (!parsed.ok) return refuse(state, invalidMessage('connect', parsed.issues, true), id);
  const message = parsed.message as Extract<UpMessage, { type: 'connect' }>;
  return {
    state: { name: 'authenticating', budget: state.budget, held: [], overdue: false },
    actions: [{ do: 'authenticate', data: message.data, id }],
  };
}

function onMessage(
  state: Open,
  type: string,
  data: Record<string, unknown>,
  id: undefined | string,
  now: number,
): Transition {
  if (type === 'connect')
    return refuse(state, refusal('protocol_violation', 'This connection is authenticated already'), id);
  if (!isUpType(type))
    return refuse(state, refusal('protocol_violation', 'A client must not send this type'), id);
  const parsed = parseUp(type, data, id);
  if (!parsed.ok) {
    const strikes = [...state.strikes.filter((at) => now - at < STRIKE_WINDOW_MS), now];
    return refuse(
      { ...state, strikes },
      invalidMessage(type, parsed.issues, strikes.length >= MAX_STRIKES),
      id,
    );
  }
  if (needsChat(type) && !state.permissions.includes('chat'))
    return refuse(state, refusal('forbidden', 'The key does not permit chat'), id);
  return { state, actions: [{ do: 'handle', message: parsed.message, id }] };
}

function needsChat(type: string): boolean {
  return type !== 'ping' && type !== 'disconnect' && type !== 'auth_refresh';
}

function invalidMessage(
  originalType: string,
  issues: { readonly path: string; readonly message: string }[],
  closes: boolean,
): Refusal {
  const first = issues[0];
  const text = first === undefined ? 'Invalid message' : `${first.path}: ${first.message}`;
  const extra = { issues, original_type: originalType };
  return refusal('invalid_message', text, closes ? { ...extra, close: CLOSE_CODES.invalidFormat } : extra);
}

/** The session is open: what came while it was opened is judged now, in order. */
function onAuthenticated(state: Alive, permissions: readonly Permission[], now: number): Transition {
  if (state.name !== 'authenticating') return { state, actions: [] };
  let next: ConnectionState = { name: 'open', budget: state.budget, permissions, strikes: NO_STRIKES };
  const actions: ConnectionAction[] = [];
  for (const frame of state.held) {
    if (next.name === 'closed') break;
    const step = judge(next, frame, now);
    next = step.state;
    actions.push(...step.actions);
  }
  return { state: next, actions };
}

function onAuthDeadline(state: Alive): Transition {
  switch (state.name) {
    case 'awaiting_connect':
      return refuse(state, refusal('auth_timeout'), undefined);
    case 'authenticating':
      // It asked in time; a slow store is not its fault.
      return { state: { ...state, overdue: true }, actions: [] };
    case 'open':
      return { state, actions: [] };
  }
}

/** A refused `connect` that keeps the connection open may be tried again; what was held came too early then. */
function onRefused(state: Alive, event: Extract<ConnectionEvent, { type: 'refused' }>): Transition {
  if (event.refusal.close !== null || state.name !== 'authenticating')
    return refuse(state, event.refusal, event.replyTo);
  const waiting: ConnectionState = { name: 'awaiting_connect', budget: state.budget };
  const first: ConnectionAction = { do: 'refuse', refusal: event.refusal, replyTo: event.replyTo };
  if (state.overdue) {
    const late = refuse(waiting, refusal('auth_timeout'), undefined);
    return { state: late.state, actions: [first, ...late.actions] };
  }
  if (state.held.length === 0) return { state: waiting, actions: [first] };
  const violation = refuse(
    waiting,
    refusal('protocol_violation', 'The first message must be connect'),
    undefined,
  );
  return { state: violation.state, actions: [first, ...violation.actions] };
}
