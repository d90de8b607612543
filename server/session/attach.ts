import { hash } from 'node:crypto';
import type { PartialPosition } from '../../protocol/chat/handshake.ts';
import type { Position } from '../../protocol/position.ts';
import type { Clock } from '../clock.ts';
import type { Random } from '../random.ts';
import {
  type OpenedSession,
  type Policy,
  type SessionInfo,
  type Store,
  StoreUnavailable,
} from '../store/store.ts';

/** Who asks, and in which corner. A session is found only by its own subject, domain and workspace. */
export interface Scope {
  readonly subject: string;
  readonly domain: string;
  readonly workspace: string;
}

/** Which session a connection wants. */
export type Target =
  | { readonly kind: 'new' }
  /** By a token that was verified; it names the connection that it was issued to. */
  | {
      readonly kind: 'token';
      readonly sessionId: string;
      readonly storeId: string;
      readonly connectionId: string;
    }
  | { readonly kind: 'id'; readonly sessionId: string };

export interface AttachParams {
  readonly target: Target;
  readonly scope: Scope;
  readonly connectionId: string;
  readonly policy: Policy;
  readonly position: undefined | Position;
  readonly partial: undefined | PartialPosition;
  /** How many bytes of messages, or of missed events, it may be answered with at once. */
  readonly maxBytes: number;
}

export interface AttachDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodeId: string;
  readonly maxReplay: number;
  readonly historyPage: number;
  /** How many sessions a subject may have; 0: any number. */
  readonly maxSessions: number;
  /** Told before a session is opened: from then on what other nodes write to it must be kept. */
  readonly opening: (sessionId: string) => void;
  /** Ends a session whose time has run out, and answers its successor's id (`undefined`: it is alive after all, or gone). */
  readonly expire: (info: SessionInfo) => Promise<undefined | string>;
  /** Whether a session whose time has run out, as far as the store knows, may have a connection all the same. */
  readonly mayBeConnected: (info: SessionInfo) => boolean;
  /** Makes a log that is not continuous whole again, under a new epoch. */
  readonly repair: (info: SessionInfo, detail: string) => Promise<void>;
}

export type Attached =
  | {
      readonly kind: 'attached';
      readonly outcome: 'fresh' | 'restored' | 'expired' | 'reset';
      readonly opened: OpenedSession;
      readonly previousSessionId: undefined | string;
      /** With `expired`: the session that it was, for how long the client was away from that. */
      readonly former: undefined | SessionInfo;
    }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'over_limit' };

/** How often a session that changes meanwhile is tried again. */
const MAX_TRIES = 16;
/** How many successors of successors are followed: a device that was away for a month may have missed hundreds. */
const MAX_SUCCESSORS = 10_000;

/**
 * Brings a connection to its session: the one that it names, that one's successor, or a new one.
 * One round trip to the store in every case but a session that has expired or was lost.
 * @throws StoreUnavailable also when the session does not settle
 */
export async function attach(params: AttachParams, deps: AttachDeps): Promise<Attached> {
  const { target } = params;
  if (target.kind === 'new') return create(params, deps, deps.random.id(), 'fresh', { counts: true });
  let sessionId = target.sessionId;
  let outcome: 'restored' | 'expired' | 'reset' = 'restored';
  let former: undefined | SessionInfo;
  /** Whether a session that has to be made counts against the subject's number, as a new one does. */
  let counts = false;
  /** The session that is opened past its time. */
  let inDoubt: undefined | string;
  for (let tries = 0, successors = 0; tries < MAX_TRIES && successors < MAX_SUCCESSORS; tries++) {
    deps.opening(sessionId);
    const result = await deps.store.open({
      sessionId,
      scope: params.scope,
      // A successor's log is another: the client starts from its snapshot.
      position: outcome === 'restored' ? params.position : undefined,
      partial: outcome === 'restored' ? partialOf(params.partial) : undefined,
      maxReplay: deps.maxReplay,
      historyPage: deps.historyPage,
      maxBytes: params.maxBytes,
      ignoreExpiry: sessionId === inDoubt,
      attach: { nodeId: deps.nodeId, connectionId: params.connectionId, policy: params.policy },
      now: deps.clock.now(),
    });
    switch (result.kind) {
      case 'open': {
        const final = outcome === 'restored' && result.position === 'reset' ? 'reset' : outcome;
        const previous = outcome === 'expired' ? target.sessionId : undefined;
        return { kind: 'attached', outcome: final, opened: result, previousSessionId: previous, former };
      }
      case 'expired': {
        if (result.info.archived === undefined && deps.mayBeConnected(result.info)) {
          inDoubt = sessionId;
          continue;
        }
        const successor = result.info.archived?.successorId ?? (await deps.expire(result.info));
        if (successor === undefined) continue;
        former ??= result.info;
        outcome = 'expired';
        // It stands where that session stood, and is made even for a subject that has as many as it may.
        counts = false;
        sessionId = successor;
        successors++;
        tries = -1;
        continue;
      }
      case 'fault':
        await deps.repair(result.info, result.detail);
        if (outcome === 'restored') outcome = 'reset';
        continue;
      case 'missing': {
        if (outcome === 'restored') {
          if (target.kind === 'id') return { kind: 'not_found' };
          if (target.storeId === deps.store.storeId) {
            // It was here and is gone, archive and all.
            sessionId = idAfter(target.sessionId, params.scope);
            outcome = 'expired';
            counts = true;
            continue;
          }
          // Another store issued the token: this one lost the session, which begins again under its own id.
          outcome = 'reset';
        }
        const made = await createOrJoin(params, deps, sessionId, outcome, counts);
        if (made?.kind === 'attached') return { ...made, former };
        if (made !== undefined) return made;
        // Another device made it first: it is opened now.
      }
    }
  }
  throw new StoreUnavailable('The session changes each time that it is opened.');
}

/**
 * The id of the session that takes the place of one of which nothing is left. It follows from that one's id, so that all
 * tokens of it lead to one session, however often and from however many devices they are shown.
 */
function idAfter(sessionId: string, { subject, domain, workspace }: Scope): string {
  return `a-${hash('sha256', [subject, domain, workspace, sessionId].join('\n'), 'base64url')}`;
}

/** Makes the session, or answers `undefined` when somebody else has just made it. */
async function createOrJoin(
  params: AttachParams,
  deps: AttachDeps,
  sessionId: string,
  outcome: 'expired' | 'reset',
  counts: boolean,
): Promise<undefined | Attached> {
  const previousId =
    outcome === 'expired' && params.target.kind !== 'new' ? params.target.sessionId : undefined;
  const made = await create(params, deps, sessionId, outcome, { counts, previousId });
  return made.kind === 'not_found' ? undefined : made;
}

const NO_CELLS: OpenedSession['cells'] = {};

/** Makes the session with the connection attached. `not_found`: the id is taken. */
async function create(
  params: AttachParams,
  deps: AttachDeps,
  sessionId: string,
  outcome: 'fresh' | 'expired' | 'reset',
  how: { readonly counts: boolean; readonly previousId?: undefined | string },
): Promise<Attached> {
  const { counts, previousId } = how;
  const now = deps.clock.now();
  const result = await deps.store.create({
    sessionId,
    epoch: deps.random.token(9),
    ...params.scope,
    title: undefined,
    previousId,
    policy: params.policy,
    maxSessions: counts ? deps.maxSessions : 0,
    attach: { nodeId: deps.nodeId, connectionId: params.connectionId },
    alarmAt: now + params.policy.mediumMs,
    now,
  });
  if (result.kind === 'over_limit') return { kind: 'over_limit' };
  if (result.kind === 'exists') return { kind: 'not_found' };
  const opened: OpenedSession = {
    kind: 'open',
    info: result.info,
    cells: NO_CELLS,
    position: 'none',
    content: { mode: 'snapshot', page: { items: [], total: 0, hasMore: false } },
    chunks: undefined,
  };
  return { kind: 'attached', outcome, opened, previousSessionId: previousId, former: undefined };
}

function partialOf(partial: undefined | PartialPosition) {
  if (partial === undefined) return undefined;
  return { messageId: partial.message_id, attempt: partial.attempt, nextIndex: partial.next_index };
}
