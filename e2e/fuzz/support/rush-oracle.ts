import { envelopeOf, type Expected, type FuzzFrame, MAX_CONNECT_BYTES, Oracle } from './oracle.ts';

/** How a connection may end whose frames came all at once: a close code, or not at all. */
export type Ending = number | 'open';

/**
 * Every ending that the contract allows for frames that were sent at once. What is not known is only how many of them
 * arrive while a `connect` is looked at: these are held (HEL-17), have the size of a `connect` at most, and end the
 * connection when it is refused (HEL-18). Everything else is in order, one after another.
 */
export function endingsOf(frames: readonly FuzzFrame[], maxFrameBytes: number): ReadonlySet<Ending> {
  const endings = new Set<Ending>();
  const oracle = new Oracle(maxFrameBytes);
  let ended = false;
  for (const [at, frame] of frames.entries()) {
    const wasOpen = oracle.isOpen;
    const expected = oracle.judge(frame);
    if (!wasOpen && isLookedAt(expected)) {
      const rest = frames.slice(at + 1);
      for (const early of rest.map(endOfHeld))
        if (early !== undefined) {
          endings.add(early);
          break;
        }
      if (rest.length > 0 && !oracle.isOpen && !('ends' in expected)) endings.add(4003);
    }
    if (!('ends' in expected)) continue;
    endings.add(expected.ends);
    ended = true;
    break;
  }
  if (!ended) endings.add('open');
  return endings;
}

/** Whether the answer is one that takes the store, or at least a turn. */
function isLookedAt(expected: Expected): boolean {
  if ('reply' in expected) return true;
  return ['not_available', 'not_found', 'forbidden', 'invalid_session_token'].includes(expected.error ?? '');
}

/** How a frame that would only be held ends the connection by itself. */
function endOfHeld(frame: FuzzFrame): undefined | number {
  const bytes = 'text' in frame ? Buffer.byteLength(frame.text) : frame.binary.length;
  if (bytes > MAX_CONNECT_BYTES) return 1009;
  return 'text' in frame && envelopeOf(frame.text) !== undefined ? undefined : 4002;
}
