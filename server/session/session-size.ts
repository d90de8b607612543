import type { Decide } from './decision.ts';

/**
 * How large a session may become: `MAX_SESSION_BYTES` counts the bytes of its log, and three bounds follow from it.
 *
 * - What people write (messages, retries, patches of the context) ends at `MAX_SESSION_BYTES`.
 * - What an agent writes ends `HEADROOM_BYTES` later, chunks of the message in flight included: a run that was begun in time may say
 *   what it has to say, and one that does not come to an end is ended `failed` with the code `session_full`.
 * - Answers to what an agent has asked end `HEADROOM_BYTES` after that: the questions themselves were within the agent's bound,
 *   and no agent can take the room in which they are answered.
 *
 * What ends something (a cancel, a run's end, an expiry, a takeover) has no bound of its own, because it is never more than what was
 * begun: one result for each open call, one resolution for each open question, the text in flight, one end for each run.
 *
 * Everything else that a session has is bounded by its log. Ids: each came with an event that is about as long as the id or
 * longer. Annotations: a line for each message, and the tool calls of a run, which are in the log. Cells: memory and
 * preferences have `MAX_CONTEXT_BYTES` (or come from patches in the log), the tool calls their own bound, the rest repeats events.
 * Chunks: one message at a time. Attachments: 16 besides those that are open. Title and last message are cut.
 */
export const HEADROOM_BYTES = 1_048_576;

/** Up to where an agent may write. `maxSessionBytes` 0 or `Infinity`: no limit. */
export const agentBytes = (maxSessionBytes: number): number => further(maxSessionBytes, 1);

/** Up to where questions may be answered. */
export const answerBytes = (maxSessionBytes: number): number => further(maxSessionBytes, 2);

/** The rule, refused with `limit_exceeded` when the log would hold more than `maxBytes` (0 or `Infinity`: no limit) with what it appends. */
export function withinSize(decide: Decide, maxBytes: number): Decide {
  if (!isLimit(maxBytes)) return decide;
  return (state, context) => {
    const decision = decide(state, context);
    return decision.kind === 'append' ? { ...decision, maxLogBytes: maxBytes } : decision;
  };
}

function further(maxSessionBytes: number, headrooms: number): number {
  return isLimit(maxSessionBytes) ? maxSessionBytes + headrooms * HEADROOM_BYTES : Number.POSITIVE_INFINITY;
}

function isLimit(bytes: number): boolean {
  return bytes > 0 && bytes !== Number.POSITIVE_INFINITY;
}
