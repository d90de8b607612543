import type { NewEvent } from '../../protocol/chat/down.ts';
import { type AppendDecision, type Decide, type Decision, refuse } from '../session/decision.ts';
import type { ActiveRun, QueuedRun } from '../session/state.ts';
import { endActiveRun, endingAppend, keptPartial, runRef } from './end-run.ts';
import type { Fence } from './fenced.ts';
import { holdUntil } from './hold.ts';

export interface ClaimRules {
  /** The node that claims. */
  readonly owner: string;
  readonly leaseMs: number;
  /** 0: no limit. */
  readonly runMaxMs: number;
  /** How many executors may die over a run; one more and it is `lost`. `Infinity`: no limit. */
  readonly maxDeaths: number;
}

/**
 * Takes the next run: the first that waits, one that was handed over, or the one in hand whose executor is gone.
 * `lost` is the execution whose lease was seen to have run out: only that one is taken over, so that of two nodes that
 * saw the same death the second finds the first one's claim. One that has cost too many executors ends `lost`.
 * Refused with `conflict` when there is nothing to take.
 */
export function decideClaim(rules: ClaimRules, lost: undefined | Fence): Decide {
  return (state, context): Decision => {
    const { run } = state;
    if (run === null) {
      const next = state.queue[0];
      return next === undefined
        ? refuse('conflict', 'No run waits')
        : claim(rules, next, 1, [], holdUntil(context.now, rules.runMaxMs), context.now);
    }
    // While it waits for the person, the session's own time counts.
    const hold = run.pendingInputs.length > 0 ? context.now : holdUntil(context.now, rules.runMaxMs);
    // Handed over by a draining process: it has its next attempt's number already, and nobody died.
    if (run.state === 'recovering') return claim(rules, run, run.attempt, [], hold, context.now);
    if (lost === undefined || lost.runId !== run.runId || lost.attempt !== run.attempt)
      return refuse('conflict', 'The run is in good hands');
    if (run.deaths >= rules.maxDeaths) {
      const error = { code: 'executor_lost', message: 'The agent was lost too many times' };
      const events = endActiveRun(run, keptPartial(run, context.partial), { outcome: 'lost', error });
      return endingAppend(events, events.length - 1, context.now);
    }
    return claim(
      rules,
      run,
      run.attempt + 1,
      [recovering(run, run.attempt + 1, 'executor_lost')],
      hold,
      context.now,
    );
  };
}

function claim(
  rules: ClaimRules,
  run: QueuedRun,
  attempt: number,
  before: readonly NewEvent[],
  hold: number,
  now: number,
): AppendDecision {
  const started: NewEvent = { type: 'run_started', data: { ...runRef(run), attempt } };
  return {
    kind: 'append',
    events: [...before, started],
    acknowledge: before.length,
    lease: { set: { runId: run.runId, attempt, owner: rules.owner, until: now + rules.leaseMs } },
    holdUntil: hold,
    alarmAt: now + rules.leaseMs + 1,
  };
}

function recovering(run: ActiveRun, attempt: number, reason: 'executor_lost' | 'handover'): NewEvent {
  return { type: 'run_recovering', data: { ...runRef(run), attempt, reason } };
}

/** Gives the run in hand back so that another process goes on with it at once (a drain). To be fenced by the caller. */
export function decideHandover(): Decide {
  return ({ run }, context) => {
    if (run === null) return refuse('conflict', 'No run is in hand');
    return {
      kind: 'append',
      events: [recovering(run, run.attempt + 1, 'handover')],
      acknowledge: 0,
      lease: { clear: true },
      alarmAt: context.now,
    };
  };
}
