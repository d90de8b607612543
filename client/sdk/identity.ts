import type { Position } from '../../protocol/position.ts';
import type { Documents } from './storage.ts';
import type { ClientOptions } from './types.ts';

/** Which session this client belongs to, as far as it knows. */
export interface Identity {
  readonly sessionId: string | undefined;
  readonly token: string | undefined;
}

/** Where an earlier page stood: good for saying what happened since, not for a replay, as its messages are gone. */
export interface LastPlace {
  readonly at: number | null;
  readonly seq: number;
  readonly epoch: string;
}

const SESSION = 'session';

/** What the options and the storage know of the session. The options go first. */
export function recallIdentity(
  options: Pick<ClientOptions, 'sessionId' | 'sessionToken'>,
  documents: Documents,
): { readonly identity: Identity; readonly place: LastPlace | null } {
  const { sessionId, sessionToken } = options;
  const stored = readStored(documents.read(SESSION));
  const asked = sessionId !== undefined || sessionToken !== undefined;
  const same = stored !== undefined && (stored.session_id === sessionId || stored.token === sessionToken);
  if (stored !== undefined && (!asked || same))
    return {
      identity: { sessionId: stored.session_id, token: sessionToken ?? stored.token },
      place: stored.position === undefined ? null : { at: null, ...stored.position },
    };
  return { identity: { sessionId, token: sessionToken }, place: null };
}

/** Writes down what a reload needs; without a token there is nothing to come back to. */
export function rememberIdentity(
  documents: Documents,
  { sessionId, token }: Identity,
  position: Position | undefined,
): void {
  const known = sessionId !== undefined && token !== undefined;
  documents.write(SESSION, known ? { session_id: sessionId, token, position } : undefined);
}

/** The name under which the outbox keeps messages for this session. */
export function outboxScope({ sessionId, token }: Identity): string {
  return sessionId ?? (token === undefined ? 'new' : 'token');
}

interface Stored {
  readonly session_id: string;
  readonly token: string;
  readonly position: undefined | { readonly epoch: string; readonly seq: number };
}

function readStored(value: unknown): Stored | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { session_id, token, position } = value as Record<string, unknown>;
  if (typeof session_id !== 'string' || typeof token !== 'string') return undefined;
  const { epoch, seq } = (position ?? {}) as Record<string, unknown>;
  const place = typeof epoch === 'string' && typeof seq === 'number' ? { epoch, seq } : undefined;
  return { session_id, token, position: place };
}
