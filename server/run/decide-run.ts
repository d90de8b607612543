import type { NewEvent } from '../../protocol/chat/down.ts';
import type { InputResponse } from '../../protocol/chat/run.ts';
import type { Decide, Decision } from '../session/decision.ts';
import { refuse } from '../session/decision.ts';
import type { ResolvedInput, SessionState } from '../session/state.ts';
import type { Lease } from '../store/store.ts';
import { type Ending, endActiveRun, endingAppend, runFinished, runRef } from './end-run.ts';

/** Who runs what: the fence of every write that an execution makes. */
export interface Fence {
  readonly runId: string;
  readonly attempt: number;
}

/** Whether the execution that holds the fence still has the run. */
export function holds(state: SessionState, fence: Fence): boolean {
  return state.run !== null && state.run.runId === fence.runId && state.run.attempt === fence.attempt;
}

/** Ends a run for good, wherever it stands: the one in hand, or one that waits. */
export function decideCancel(runId: string, ending: Ending = CANCELED): Decide {
  return (state, context) => {
    const queued = state.queue.find((run) => run.runId === runId);
    if (queued !== undefined)
      return { kind: 'append', events: [runFinished(queued, 0, ending)], acknowledge: 0 };
    if (state.run?.runId !== runId) return { kind: 'nothing', doneBy: undefined };
    const events = endActiveRun(state.run, context.partial, ending);
    return endingAppend(events, events.length - 1, context.partial, context.now);
  };
}

const CANCELED: Ending = { outcome: 'canceled', error: undefined };

export interface ClaimRules {
  readonly owner: string;
  readonly leaseMs: number;
  readonly runMaxMs: number;
  /** How many executors may die over a run. */
  readonly maxDeaths: number;
}

/**
 * Takes the next run: the one in hand when its executor is gone (`leaseLost`), or the first that waits.
 * One that has cost too many executors ends `lost`. Refused with `conflict` when there is nothing to take.
 */
export function decideClaim(rules: ClaimRules, leaseLost: boolean): Decide {
  return (state, context): Decision => {
    const lease = (runId: string, attempt: number): { set: Lease } => ({
      set: { runId, attempt, owner: rules.owner, until: context.now + rules.leaseMs },
    });
    const holdUntil = context.now + rules.runMaxMs;
    const run = state.run;
    if (run === null) {
      const next = state.queue[0];
      if (next === undefined) return refuse('conflict', 'No run waits');
      const started: NewEvent = { type: 'run_started', data: { ...runRef(next), attempt: 1 } };
      return { kind: 'append', events: [started], acknowledge: 0, lease: lease(next.runId, 1), holdUntil };
    }
    // Handed over by a draining process: it has its next attempt's number already, and nobody died.
    if (run.state === 'recovering') {
      const started: NewEvent = { type: 'run_started', data: { ...runRef(run), attempt: run.attempt } };
      return {
        kind: 'append',
        events: [started],
        acknowledge: 0,
        lease: lease(run.runId, run.attempt),
        holdUntil,
      };
    }
    if (!leaseLost) return refuse('conflict', 'The run is in good hands');
    if (rules.maxDeaths > 0 && run.deaths >= rules.maxDeaths) {
      const error = { code: 'executor_lost', message: 'The agent was lost too many times' };
      const events = endActiveRun(run, context.partial, { outcome: 'lost', error });
      return endingAppend(events, events.length - 1, context.partial, context.now);
    }
    const attempt = run.attempt + 1;
    return {
      kind: 'append',
      events: [
        { type: 'run_recovering', data: { ...runRef(run), attempt, reason: 'executor_lost' } },
        { type: 'run_started', data: { ...runRef(run), attempt } },
      ],
      acknowledge: 0,
      lease: lease(run.runId, attempt),
      // While it waits for the person, the session's own time counts.
      holdUntil: run.pendingInputs.length > 0 ? context.now : holdUntil,
    };
  };
}

/** Gives the run back so that another process goes on with it at once (a drain). */
export function decideHandover(fence: Fence): Decide {
  return (state, context) => {
    const run = state.run;
    if (run === null || !holds(state, fence)) return refuse('conflict', 'The run is in other hands');
    const recovering: NewEvent = {
      type: 'run_recovering',
      data: { ...runRef(run), attempt: run.attempt + 1, reason: 'handover' },
    };
    return {
      kind: 'append',
      events: [recovering],
      acknowledge: 0,
      lease: { clear: true },
      alarmAt: context.now,
    };
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
  return (state, context) => {
    const fresh: NewEvent[] = [];
    let doneBy: undefined | number;
    for (const response of responses) {
      const pending = state.run?.pendingInputs.find((input) => input.request_id === response.request_id);
      if (state.run !== null && pending !== undefined) {
        if (pending.kind === 'approval' && response.approved === undefined)
          return refuse('conflict', 'An approval needs approved: true or false');
        if (pending.expires_at !== undefined && Date.parse(pending.expires_at) < context.now)
          return refuse('conflict', 'The request has expired');
        fresh.push(inputResolved(state.run.runId, response, subject));
        continue;
      }
      const resolved = state.resolvedInputs.find((input) => input.requestId === response.request_id);
      if (resolved === undefined) return refuse('not_found', 'There is no such request');
      if (!sameAnswer(resolved, response)) return refuse('conflict', 'The request was resolved otherwise');
      doneBy ??= resolved.seq;
    }
    if (fresh.length === 0) return { kind: 'nothing', doneBy };
    return { kind: 'append', events: fresh, acknowledge: 0, holdUntil: context.now + runMaxMs };
  };
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
  return (
    resolved.resolution === 'answered' &&
    resolved.approved === response.approved &&
    JSON.stringify(resolved.value) === JSON.stringify(response.value)
  );
}

/** An execution's own events, only while it has the run. */
export function decideFenced(
  fence: Fence,
  events: readonly NewEvent[],
  extra: {
    readonly dropPartial?: boolean;
    readonly holdUntil?: number;
    readonly clearLease?: boolean;
    readonly alarmAt?: number;
  } = {},
): Decide {
  return (state) => {
    if (!holds(state, fence)) return refuse('conflict', 'The run is in other hands');
    const { clearLease, ...rest } = extra;
    return {
      kind: 'append',
      events,
      acknowledge: 0,
      ...rest,
      ...(clearLease === true ? { lease: { clear: true } as const } : {}),
    };
  };
}
