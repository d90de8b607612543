import type { ConnectionSuccessData, PartialPosition } from '../../protocol/chat/handshake.ts';
import type { MessageDeltaData } from '../../protocol/chat/message.ts';
import type { SessionRestoredData } from '../../protocol/chat/restore.ts';
import type { Position } from '../../protocol/position.ts';
import type { LoggedFrame } from './frames.ts';

/**
 * What this client holds of the session, and so where it goes on: the cursor of the log, and that of the answer in flight.
 * Pure. Everything that comes passes here first, so that each event and each chunk counts exactly once and in order,
 * whatever the line did.
 */
export interface Resume {
  /** The last event that was processed; `undefined`: nothing is held. */
  readonly position: undefined | Position;
  /** While a restore is under way: where it ends, and what it said. */
  readonly restoring: undefined | { readonly head: Position; readonly restored: SessionRestoredData };
  readonly flight: undefined | Flight;
  /** Answers that were completed, newest last: a late chunk of one is no new answer. */
  readonly completed: readonly string[];
}

/** The answer in flight: the next chunk that is expected. */
export interface Flight {
  readonly messageId: string;
  readonly attempt: number;
  readonly nextIndex: number;
}

/** `apply`: new and next. `duplicate`: known. `gap`: something before it is missing, so the line is out of step. */
export type Accepted =
  | { readonly kind: 'apply'; readonly resume: Resume }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'gap'; readonly expected: string };

export const NOTHING_HELD: Resume = {
  position: undefined,
  restoring: undefined,
  flight: undefined,
  completed: [],
};

const COMPLETED_REMEMBERED = 32;

/** What `connect` says of the place where we are. */
export function resumeRequest(resume: Resume): {
  position?: Position;
  partial?: PartialPosition;
} {
  const { position, flight } = resume;
  if (position === undefined) return {};
  if (flight === undefined) return { position };
  return {
    position,
    partial: { message_id: flight.messageId, attempt: flight.attempt, next_index: flight.nextIndex },
  };
}

/** A fresh session: there is nothing to restore. */
export function freshResume(session: ConnectionSuccessData): Resume {
  return { ...NOTHING_HELD, position: session.position };
}

/**
 * Begins a restore. After a snapshot the position is the head at once; a replay moves it with each event that follows.
 * `gap`: the replay would not begin where we are.
 */
export function beginRestore(
  resume: Resume,
  session: ConnectionSuccessData,
  restored: SessionRestoredData,
): Accepted {
  const restoring = { head: session.position, restored };
  // The answer in flight may go on where it was, also when the log is replaced: its id and attempt tell.
  if (restored.mode === 'snapshot')
    return { kind: 'apply', resume: { ...resume, position: session.position, restoring } };
  const held = resume.position;
  if (held === undefined || held.epoch !== session.position.epoch)
    return { kind: 'gap', expected: 'a snapshot' };
  const from = restored.replay?.from_seq ?? held.seq + 1;
  const to = restored.replay?.to_seq ?? held.seq;
  if (from !== held.seq + 1 || to !== session.position.seq)
    return { kind: 'gap', expected: `a replay of ${held.seq + 1} to ${session.position.seq}` };
  return { kind: 'apply', resume: { ...resume, restoring } };
}

/** Whether every missed event was processed. */
export function reachedHead({ position, restoring }: Resume): boolean {
  return restoring !== undefined && position !== undefined && position.seq >= restoring.head.seq;
}

/** Ends the restore: the answer in flight is the one that the restore named. Its chunks are accepted one by one afterwards. */
export function endRestore(resume: Resume): Accepted {
  const partial = resume.restoring?.restored.partial ?? undefined;
  const done: Resume = { ...resume, restoring: undefined };
  if (partial === undefined) return { kind: 'apply', resume: { ...done, flight: undefined } };
  const { message_id, attempt, from_index } = partial;
  const same = resume.flight?.messageId === message_id && resume.flight.attempt === attempt;
  const nextIndex = same ? (resume.flight?.nextIndex ?? 0) : 0;
  if (from_index > nextIndex) return { kind: 'gap', expected: `chunk ${nextIndex} of ${message_id}` };
  return { kind: 'apply', resume: { ...done, flight: { messageId: message_id, attempt, nextIndex } } };
}

/** One event of the log. */
export function acceptEvent(resume: Resume, frame: LoggedFrame): Accepted {
  const { position } = resume;
  if (position === undefined) return { kind: 'gap', expected: 'no event yet' };
  if (frame.seq <= position.seq) return { kind: 'duplicate' };
  if (frame.seq !== position.seq + 1) return { kind: 'gap', expected: `event ${position.seq + 1}` };
  const moved: Resume = { ...resume, position: { epoch: position.epoch, seq: frame.seq, tag: frame.tag } };
  return { kind: 'apply', resume: withFlightAfter(moved, frame) };
}

function withFlightAfter(resume: Resume, frame: LoggedFrame): Resume {
  if (frame.type === 'message_restarted') {
    const { message_id: messageId, attempt } = frame.data as { message_id: string; attempt: number };
    const newer = resume.flight?.messageId !== messageId || attempt > resume.flight.attempt;
    return newer ? { ...resume, flight: { messageId, attempt, nextIndex: 0 } } : resume;
  }
  if (frame.type === 'message_completed') {
    const { id } = (frame.data as { message: { id: string } }).message;
    const flight = resume.flight?.messageId === id ? undefined : resume.flight;
    return { ...resume, flight, completed: [...resume.completed, id].slice(-COMPLETED_REMEMBERED) };
  }
  return resume;
}

/** An answer began. A repeat, or one that is completed already, is a duplicate. */
export function acceptStarted(resume: Resume, messageId: string): Accepted {
  if (resume.flight?.messageId === messageId || resume.completed.includes(messageId))
    return { kind: 'duplicate' };
  return { kind: 'apply', resume: { ...resume, flight: { messageId, attempt: 1, nextIndex: 0 } } };
}

/** One chunk of the answer in flight. A first chunk may begin an answer, or a new attempt, by itself. */
export function acceptDelta(resume: Resume, delta: MessageDeltaData): Accepted {
  const { message_id: messageId, attempt, index } = delta;
  if (resume.completed.includes(messageId)) return { kind: 'duplicate' };
  const flight = resume.flight?.messageId === messageId ? resume.flight : undefined;
  if (flight !== undefined && attempt < flight.attempt) return { kind: 'duplicate' };
  const nextIndex = flight?.attempt === attempt ? flight.nextIndex : 0;
  if (index < nextIndex) return { kind: 'duplicate' };
  if (index > nextIndex) return { kind: 'gap', expected: `chunk ${nextIndex} of ${messageId}` };
  return { kind: 'apply', resume: { ...resume, flight: { messageId, attempt, nextIndex: index + 1 } } };
}
