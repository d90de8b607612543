import type { ConnectData } from '../../protocol/chat/handshake.ts';
import type { KeyVerdict } from '../auth/key-check.ts';
import { may, mayUse, type Principal } from '../auth/principal.ts';
import type { Target } from '../session/attach.ts';
import type { Attachment } from '../session/hub.ts';
import { policyOf } from '../session/policy.ts';
import type { ChatDeps } from './chat-deps.ts';
import { type Refusal, refusal } from './refusal.ts';

/** A connection that was let in: who it is, and its session. */
export interface Admitted {
  readonly kind: 'admitted';
  readonly principal: Principal;
  readonly attachment: Attachment;
  /** The connection that the client had before, as its token says. */
  readonly formerConnectionId: undefined | string;
}

export type Admittance = Admitted | { readonly kind: 'refused'; readonly refusal: Refusal };

const no = (what: Refusal): Admittance => ({ kind: 'refused', refusal: what });

/** What a key that is not good is answered with. */
export function keyRefusal(verdict: Exclude<KeyVerdict, { kind: 'ok' }>): Refusal {
  if (verdict.kind === 'throttled')
    return refusal('rate_limited', undefined, { retry_after_ms: verdict.retryAfterMs });
  if (verdict.kind === 'expired') return refusal('token_expired', undefined, { credential: 'api_key' });
  return refusal('invalid_key');
}

/** Who asks to be let in, by which connection, and with how much history its session may be shown. */
export interface Newcomer {
  readonly principal: Principal;
  readonly connectionId: string;
  readonly maxBytes: number;
}

/**
 * Opens the session that `connect` asks for, in the name of the key's subject.
 * @throws StoreUnavailable
 */
export async function admit(
  data: ConnectData,
  { principal, connectionId, maxBytes }: Newcomer,
  deps: ChatDeps,
): Promise<Admittance> {
  if (data.connection_type !== 'chat')
    return no(refusal('not_available', 'This endpoint takes connection_type chat'));
  if (!may(principal, 'chat')) return no(refusal('forbidden', 'The key does not permit chat'));
  if (!mayUse(principal, data.workspace))
    return no(refusal('forbidden', 'The key does not reach this workspace'));
  const target = targetOf(data, principal, deps);
  if (target.kind === 'refused') return target;
  const result = await deps.hub.connect({
    target,
    scope: { subject: principal.subject, domain: data.domain, workspace: data.workspace },
    connectionId,
    policy: policyOf(deps.settings.sessions, principal.retention),
    position: data.position,
    partial: data.partial,
    maxBytes,
  });
  if ('kind' in result) {
    if (result.kind === 'not_found') return no(refusal('not_found', 'There is no such session'));
    return no(
      refusal('limit_exceeded', 'The subject has as many sessions as it may (MAX_SESSIONS_PER_SUBJECT)'),
    );
  }
  const formerConnectionId = target.kind === 'token' ? target.connectionId : undefined;
  return { kind: 'admitted', principal, attachment: result, formerConnectionId };
}

function targetOf(
  data: ConnectData,
  principal: Principal,
  deps: ChatDeps,
): Target | { readonly kind: 'refused'; readonly refusal: Refusal } {
  if (data.session_id !== undefined) return { kind: 'id', sessionId: data.session_id };
  if (data.session_token === undefined) return { kind: 'new' };
  const verdict = deps.tokens.verify(data.session_token);
  if (verdict.kind === 'expired')
    return { kind: 'refused', refusal: refusal('token_expired', undefined, { credential: 'session_token' }) };
  if (verdict.kind === 'forged') return { kind: 'refused', refusal: refusal('invalid_session_token') };
  const { subject, domain, workspace, sessionId, storeId, connectionId } = verdict.claims;
  if (subject !== principal.subject || domain !== data.domain || workspace !== data.workspace)
    return { kind: 'refused', refusal: refusal('invalid_session_token') };
  return { kind: 'token', sessionId, storeId, connectionId };
}
