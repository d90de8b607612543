import type { ConnectData, ConnectionSuccessData } from '../../protocol/chat/handshake.ts';
import type { MessageDeltaData } from '../../protocol/chat/message.ts';
import type { SessionRestoredData } from '../../protocol/chat/restore.ts';
import { ServerFaultError } from './errors.ts';
import { isKnownEvent, type LoggedFrame } from './frames.ts';
import type { Hub } from './hub.ts';
import { type Identity, type LastPlace, recallIdentity, rememberIdentity } from './identity.ts';
import type { ClientClock } from './ports.ts';
import {
  type Accepted,
  acceptDelta,
  acceptEvent,
  acceptStarted,
  beginRestore,
  endRestore,
  freshResume,
  NOTHING_HELD,
  type Resume,
  reachedHead,
  resumeRequest,
} from './resume.ts';
import type { Documents } from './storage.ts';
import type { ClientOptions } from './types.ts';

export interface SessionPorts {
  readonly hub: Hub;
  readonly documents: Documents;
  readonly clock: ClientClock;
  /** The session is another one than before: what was meant for the old has no place any more. */
  readonly onEnded: (sessionId: string | undefined) => void;
  /** The session is out of reach: what was meant for it waits for the person. */
  readonly onForgotten: () => void;
  /** The session is known from now on. */
  readonly onEntered: (sessionId: string) => void;
  /** A message with this id is in the log: if it is one of ours, it is stored. */
  readonly onSeen: (id: string, seq: number) => void;
}

/**
 * The session as this client holds it: who we are in it and where we stand. The shell of `resume.ts`: it lets through what
 * is new and in order, tells it to the hub, and throws `ServerFaultError` for what does not add up; the line is then
 * dropped and resumed.
 */
export class Session {
  readonly #ports: SessionPorts;
  readonly #asked: boolean;
  #identity: Identity;
  #resume: Resume = NOTHING_HELD;
  /** Where the line was lost; `null` while it holds, and before the first one. */
  #lost: LastPlace | null;

  constructor(options: ClientOptions, ports: SessionPorts) {
    this.#ports = ports;
    this.#asked = options.sessionId !== undefined || options.sessionToken !== undefined;
    const { identity, place } = recallIdentity(options, ports.documents);
    this.#identity = identity;
    this.#lost = place;
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** What `connect` says of the session. A token names it; without one the id does. */
  request(): Pick<ConnectData, 'session_token' | 'session_id' | 'position' | 'partial'> {
    const { sessionId, token } = this.#identity;
    const where = resumeRequest(this.#resume);
    if (token !== undefined) return { session_token: token, ...where };
    return sessionId === undefined ? {} : { session_id: sessionId, ...where };
  }

  /** The token is of no use any more; the id still names the session. */
  dropToken(): void {
    this.#identity = { ...this.#identity, token: undefined };
  }

  /** The session is out of reach for good (erased, or not ours): the next connection makes a new one. */
  forget(): void {
    this.#identity = { sessionId: undefined, token: undefined };
    this.#resume = NOTHING_HELD;
    this.#lost = null;
    this.#remember();
    this.#ports.onForgotten();
  }

  /** The same, unless it was this very session that the application asked for. `false`: it was. */
  forgetUnlessAsked(): boolean {
    if (!this.#asked && this.#identity.sessionId !== undefined) {
      this.forget();
      return true;
    }
    return false;
  }

  /** A new session: there is nothing to restore. */
  fresh(session: ConnectionSuccessData): void {
    const ended = this.#isOther(session);
    this.#resume = freshResume(session);
    this.#enter(session, null, ended);
    this.#ports.hub.emit({ type: 'caught_up', at: this.#ports.clock.now(), restored: null });
  }

  /** A restore begins. `true`: it has ended, too. */
  restored(session: ConnectionSuccessData, restored: SessionRestoredData): boolean {
    const ended = this.#isOther(session);
    this.#restoring(() => this.#take(beginRestore(ended ? NOTHING_HELD : this.#resume, session, restored)));
    this.#enter(session, restored, ended);
    for (const message of restored.history.messages) this.#ports.onSeen(message.id, message.seq);
    return this.#endIfThere();
  }

  /** One event of the log. `true`: with it the restore has ended. */
  logged(frame: LoggedFrame): boolean {
    const { restoring } = this.#resume;
    const accept = () => this.#take(acceptEvent(this.#resume, frame));
    if (!(restoring === undefined ? accept() : this.#restoring(accept))) return false;
    const replayed = restoring !== undefined && frame.seq <= restoring.head.seq;
    // An event of a later version still has its place in the log, but no meaning here.
    if (isKnownEvent(frame)) this.#ports.hub.emit({ type: 'event', event: frame, replayed });
    if (frame.type === 'message_created' || frame.type === 'message_completed') {
      this.#remember();
      this.#ports.onSeen((frame.data as { message: { id: string } }).message.id, frame.seq);
    }
    return this.#endIfThere();
  }

  started(messageId: string, runId: string): void {
    if (this.#take(acceptStarted(this.#resume, messageId)))
      this.#ports.hub.emit({ type: 'message_started', messageId, runId });
  }

  delta(delta: MessageDeltaData): void {
    if (this.#take(acceptDelta(this.#resume, delta))) this.#ports.hub.emit({ type: 'delta', delta });
  }

  /** The line went. */
  lineLost(): void {
    const { position } = this.#resume;
    this.#resume = { ...this.#resume, restoring: undefined };
    if (this.#lost !== null || position === undefined) return;
    this.#lost = { at: this.#ports.clock.now(), seq: position.seq, epoch: position.epoch };
    this.#remember();
  }

  #isOther(session: ConnectionSuccessData): boolean {
    const { sessionId } = this.#identity;
    return sessionId !== undefined && sessionId !== session.session_id;
  }

  /** We are in this session from here on. Not before: a line cut earlier asks again with what it knew. */
  #enter(session: ConnectionSuccessData, restored: SessionRestoredData | null, ended: boolean): void {
    const { hub, clock, onEnded, onEntered } = this.#ports;
    const { sessionId } = this.#identity;
    this.#identity = { sessionId: session.session_id, token: session.session_token };
    const lost = this.#lost;
    this.#lost = null;
    this.#remember();
    hub.emit({ type: 'restored', at: clock.now(), session, restored, lost });
    if (ended) onEnded(sessionId);
    onEntered(session.session_id);
  }

  #endIfThere(): boolean {
    const { restoring } = this.#resume;
    if (restoring === undefined || !reachedHead(this.#resume)) return false;
    const { restored } = restoring;
    this.#restoring(() => this.#take(endRestore(this.#resume)));
    this.#ports.hub.emit({ type: 'caught_up', at: this.#ports.clock.now(), restored });
    const { partial } = restored;
    for (const chunk of partial?.chunks ?? [])
      if (partial !== null)
        this.delta({ message_id: partial.message_id, attempt: partial.attempt, ...chunk });
    return true;
  }

  #remember(): void {
    rememberIdentity(this.#ports.documents, this.#identity, this.#resume.position);
  }

  /** Takes what is new. `false`: it is known already. */
  #take(accepted: Accepted): boolean {
    if (accepted.kind === 'gap') throw new ServerFaultError(`Out of step: expected ${accepted.expected}`);
    if (accepted.kind === 'duplicate') return false;
    this.#resume = accepted.resume;
    return true;
  }

  /** A restore that does not add up would not do so the next time either: then a snapshot is asked for. */
  #restoring<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      this.#resume = NOTHING_HELD;
      throw error;
    }
  }
}
