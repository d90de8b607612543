import type { NewEvent } from '../../protocol/chat/down.ts';
import type { InputRequest, InputResponse } from '../../protocol/chat/run.ts';
import { answerDigest } from '../session/answer-digest.ts';
import { type Decide, refuse } from '../session/decision.ts';
import type { ResolvedInput, SessionState } from '../session/state.ts';
import { holdUntil } from './hold.ts';

/** Asks the person. While nothing else is at work the session's own time counts: nobody is waited for for ever. */
export function decideInputRequest(request: InputRequest, isDone: () => boolean): Decide {
  return (_state, { now }) =>
    isDone()
      ? { kind: 'nothing', doneBy: undefined }
      : {
          kind: 'append',
          events: [{ type: 'input_requested', data: request }],
          acknowledge: 0,
          holdUntil: now,
        };
}

/**
 * A person's answers. All are checked before any is taken: one that was never asked is `not_found`, one that was
 * answered otherwise `conflict`; answers that were given before, equally, change nothing.
 */
export function decideInputRespond(
  responses: readonly InputResponse[],
  subject: string,
  runMaxMs: number,
): Decide {
  return (state, { now }) => {
    const fresh: NewEvent[] = [];
    let doneBy: undefined | number;
    for (const response of responses) {
      const pending = state.run?.pendingInputs.find((input) => input.request_id === response.request_id);
      if (state.run !== null && pending !== undefined) {
        if (pending.kind === 'approval' && response.approved === undefined)
          return refuse('conflict', 'An approval needs approved: true or false');
        if (hasExpired(pending, now)) return refuse('conflict', 'The request has expired');
        fresh.push(inputResolved(state.run.runId, response, subject));
        continue;
      }
      const resolved = state.resolvedInputs.find((input) => input.requestId === response.request_id);
      if (resolved === undefined) return refuse('not_found', 'There is no such request');
      if (!sameAnswer(resolved, response)) return refuse('conflict', 'The request was resolved otherwise');
      doneBy ??= resolved.seq;
    }
    if (fresh.length === 0) return { kind: 'nothing', doneBy };
    return {
      kind: 'append',
      events: fresh,
      acknowledge: 0,
      ...holdAgain(state, fresh.length, now, runMaxMs),
    };
  };
}

/** Ends the wait for every request whose time has run out, or for `only` that one. */
export function decideInputExpiry(only: undefined | string, runMaxMs: number): Decide {
  return (state, { now }) => {
    const over = (state.run?.pendingInputs ?? []).filter(
      (input) => hasExpired(input, now) && (only === undefined || input.request_id === only),
    );
    if (over.length === 0) return { kind: 'nothing', doneBy: undefined };
    const events = over.map(
      ({ run_id, request_id }): NewEvent => ({
        type: 'input_resolved',
        data: { run_id, request_id, resolution: 'expired' },
      }),
    );
    return { kind: 'append', events, acknowledge: 0, ...holdAgain(state, events.length, now, runMaxMs) };
  };
}

/** Inclusive: an answer in the very millisecond of the end still counts. */
export function hasExpired(input: InputRequest, now: number): boolean {
  return input.expires_at !== undefined && Date.parse(input.expires_at) < now;
}

/** Once nothing is waited for, the run is at work again and holds its session. */
function holdAgain(
  state: SessionState,
  resolved: number,
  now: number,
  runMaxMs: number,
): { readonly holdUntil?: number } {
  return resolved === state.run?.pendingInputs.length ? { holdUntil: holdUntil(now, runMaxMs) } : {};
}

function inputResolved(runId: string, response: InputResponse, subject: string): NewEvent {
  return {
    type: 'input_resolved',
    data: {
      run_id: runId,
      request_id: response.request_id,
      resolution: 'answered',
      ...(response.approved === undefined ? {} : { approved: response.approved }),
      ...(response.value === undefined ? {} : { value: response.value }),
      resolved_by: subject,
    },
  };
}

function sameAnswer(resolved: ResolvedInput, response: InputResponse): boolean {
  return resolved.resolution === 'answered' && resolved.answer === answerDigest(response);
}
