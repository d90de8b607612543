import type { LogEvent } from '../../protocol/chat/down.ts';
import type { RunOutcome } from '../../protocol/chat/run.ts';
import type { Clock } from '../clock.ts';
import type { WorkGovernor } from '../load/work-governor.ts';
import type { Decision } from '../session/decision.ts';
import { SessionGone } from '../session/gone.ts';
import type { SessionHub } from '../session/hub.ts';
import type { LiveSession } from '../session/live-session.ts';
import type { SessionState } from '../session/state.ts';
import type { Lease, Store } from '../store/store.ts';
import { within } from '../within.ts';
import type { Agent } from './agent-port.ts';
import { decideClaim } from './decide-claim.ts';
import { type Claimed, execute } from './execution.ts';
import type { Fence } from './fenced.ts';
import { Places } from './places.ts';

export interface ExecutorRules {
  readonly leaseMs: number;
  /** Longest execution without waiting for the person; 0: no limit. */
  readonly runMaxMs: number;
  /** How many executors may die over a run. */
  readonly maxDeaths: number;
  readonly chunkCoalesceMs: number;
  readonly maxContextBytes: number;
  /** 0 or `Infinity`: no limit. See `session-size.ts`. */
  readonly maxSessionBytes: number;
  /** How many runs this node executes at once; `Infinity`: no limit. */
  readonly maxConcurrentRuns: number;
  /** How many runs of one subject this node executes at once; `Infinity`: no limit. */
  readonly maxActiveRunsPerSubject: number;
}

export interface ExecutorDeps {
  readonly hub: SessionHub;
  readonly store: Store;
  readonly clock: Clock;
  readonly nodeId: string;
  /** `undefined`: people only; nothing is ever claimed. */
  readonly agent: undefined | Agent;
  readonly rules: ExecutorRules;
  /** Where a subject that does too much waits for its turn. */
  readonly load: Pick<WorkGovernor, 'turn'>;
  readonly log: {
    error(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    info(fields: object, message: string): void;
  };
  readonly metrics: {
    /** Runs that ended by an append of this node. */
    readonly runs: Readonly<Record<RunOutcome, { inc(): void }>>;
    /** Runs taken over from a process that showed no life. */
    readonly runsRecovered: { inc(): void };
  };
}

/** What became of an offer: `busy` the session's runs are executed here, `full` there is no place here for its subject. */
export type Offered = 'taken' | 'busy' | 'full' | 'closed';

/** How many sessions may wait for a free place; those beyond are found by the sweeps. */
const MAX_WAITING = 10_000;

/** The runs of this node: claims what waits, executes it, and goes on with the session's next run. */
export class Executor {
  readonly #deps: ExecutorDeps;
  /** Sessions whose runs are executed here: one task each, which goes from run to run. */
  readonly #tasks = new Map<string, Promise<void>>();
  /** Who holds a place, and who waits for one. */
  readonly #places: Places;
  readonly #closing = new AbortController();
  #stopListening: () => void = () => {};

  constructor(deps: ExecutorDeps) {
    this.#deps = deps;
    const { maxConcurrentRuns: places, maxActiveRunsPerSubject: perSubject } = deps.rules;
    this.#places = new Places({ places, perSubject, waiting: MAX_WAITING });
  }

  /** Takes what is queued through this node from now on. */
  start(): void {
    this.#stopListening = this.#deps.hub.onAppended((live, events) => {
      this.#count(events);
      if (isUnclaimed(live.state)) this.#offer(live.id, live.subject, undefined, live);
    });
  }

  /** How many sessions have a run executed here. */
  get running(): number {
    return this.#tasks.size;
  }

  /** Proposes a session whose run nobody has, or whose executor is `lost`. The claim may still find somebody else's. */
  offer(sessionId: string, subject: string, lost: undefined | Fence): Offered {
    return this.#offer(sessionId, subject, lost, undefined);
  }

  /**
   * Claims nothing more, stops every agent and hands its run over, so that another process goes on at once. Resolves
   * when that is done, or `signal` is aborted: what is left then is found when its lease has run out.
   */
  async drain(signal: AbortSignal): Promise<void> {
    this.#stopListening();
    this.#places.clear();
    this.#closing.abort();
    await within(Promise.allSettled(this.#tasks.values()), signal);
  }

  #offer(
    sessionId: string,
    subject: string,
    lost: undefined | Fence,
    live: undefined | LiveSession,
  ): Offered {
    if (this.#closing.signal.aborted || this.#deps.agent === undefined) return 'closed';
    if (this.#tasks.has(sessionId)) return 'busy';
    if (!this.#places.mayTake(subject)) {
      // Without `lost`: by the time there is room, another node may have it.
      if (lost === undefined) this.#places.wait({ subject, sessionId });
      return 'full';
    }
    this.#places.leave({ subject, sessionId });
    this.#places.take(subject);
    let isHere = true;
    const leave = () => {
      if (!isHere) return;
      isHere = false;
      this.#tasks.delete(sessionId);
      this.#places.release(subject);
    };
    const task = this.#work(this.#deps.agent, sessionId, lost, live, leave)
      .catch((error: unknown) => this.#report(error, sessionId))
      .finally(() => {
        leave();
        this.#takeWaiting();
      });
    this.#tasks.set(sessionId, task);
    return 'taken';
  }

  async #work(
    agent: Agent,
    sessionId: string,
    lost: undefined | Fence,
    known: undefined | LiveSession,
    leave: () => void,
  ): Promise<void> {
    const { hub } = this.#deps;
    const held =
      known === undefined ? await hub.acquire(sessionId) : { live: known, release: hub.retain(known) };
    if (held === undefined) return;
    try {
      await this.#runAll(agent, held.live, lost, leave);
    } finally {
      held.release();
    }
  }

  /** Executes the session's runs one after another until none waits, or other sessions wait for the place. */
  async #runAll(agent: Agent, live: LiveSession, lost: undefined | Fence, leave: () => void): Promise<void> {
    let dead = lost;
    while (!this.#closing.signal.aborted) {
      const claimed = await this.#claim(live, dead);
      dead = undefined;
      if (claimed === undefined) {
        if (isUnclaimed(live.state)) continue;
        // In one go with the look at the state: what is queued after it is offered again.
        return leave();
      }
      await execute(claimed, { ...this.#deps, agent }, this.#closing.signal);
      if (this.#places.waiting > 0 && isUnclaimed(live.state)) {
        // Its next run waits behind those that wait already.
        this.#places.wait({ subject: live.subject, sessionId: live.id });
        return leave();
      }
    }
  }

  /** Claims a run. `undefined`: there was none to claim, or it ended in the same moment. */
  async #claim(live: LiveSession, lost: undefined | Fence): Promise<undefined | Claimed> {
    const { nodeId, rules, metrics, log } = this.#deps;
    const decide = decideClaim({ ...rules, owner: nodeId }, lost);
    // Decided again after a conflict: the last decision is the one that was applied.
    const decisions: Decision[] = [];
    const outcome = await live.execute({
      decide: (state, context) => {
        const decision = decide(state, context);
        decisions.push(decision);
        return decision;
      },
      id: undefined,
      needsPartial: lost !== undefined,
    });
    const lease = leaseOf(decisions.at(-1));
    if (outcome.kind !== 'applied' || lease === undefined) return undefined;
    if (lost !== undefined && lease.runId === lost.runId && lease.attempt > lost.attempt) {
      metrics.runsRecovered.inc();
      log.info({ session: live.id, run: lease.runId, attempt: lease.attempt }, 'run taken over');
    }
    const { run } = live.state;
    if (run?.runId !== lease.runId || run.attempt !== lease.attempt) return undefined;
    return { live, run, lease, startedSeq: outcome.seq };
  }

  #takeWaiting(): void {
    if (this.#closing.signal.aborted) return;
    for (let next = this.#places.next(); next !== undefined; next = this.#places.next())
      this.#offer(next.sessionId, next.subject, undefined, undefined);
  }

  #count(events: readonly LogEvent[]): void {
    for (const event of events)
      if (event.type === 'run_finished') this.#deps.metrics.runs[event.data.outcome].inc();
  }

  #report(error: unknown, sessionId: string): void {
    if (error instanceof SessionGone) return;
    // The run stays claimed and untouched: its lease runs out, and a sweep finds it.
    this.#deps.log.warn({ err: error, session: sessionId }, 'the execution broke off');
  }
}

/** Whether a run is there that nobody has claimed. */
export function isUnclaimed({ run, queue }: SessionState): boolean {
  return run === null ? queue.length > 0 : run.state === 'recovering';
}

function leaseOf(decision: undefined | Decision): undefined | Lease {
  if (decision?.kind !== 'append' || decision.lease === undefined) return undefined;
  return 'set' in decision.lease ? decision.lease.set : undefined;
}
