import type { Clock } from '../clock.ts';
import type { SessionHub } from '../session/hub.ts';
import type { LiveSession } from '../session/live-session.ts';
import type { StoreContact } from '../session/store-contact.ts';
import { type SessionInfo, type Store, StoreUnavailable } from '../store/store.ts';
import { decideInputExpiry } from './decide-input.ts';
import { type Due, type DueRules, decideDue, idleAlarm } from './due.ts';
import type { Fence } from './fenced.ts';
import type { Executor } from './executor.ts';

export interface SweeperRules {
  readonly sweepIntervalMs: number;
  readonly leaseMs: number;
  readonly runMaxMs: number;
  /** How long the pointer to a successor is kept of a session without archive: a session token's longest life. */
  readonly forgetMs: number;
}

export interface SweeperDeps {
  readonly hub: SessionHub;
  readonly store: Store;
  readonly clock: Clock;
  /** Every sweep says there that the store was reached. */
  readonly contact: StoreContact;
  readonly executor: Executor;
  readonly rules: SweeperRules;
  readonly log: { warn(fields: object, message: string): void };
}

/** How many sessions one question to the store names, how many such pages one sweep works through, and how many at once. */
const PAGE = 200;
const MAX_PAGES = 5;
const PARALLEL = 8;
/** How long a run that this node cannot take stays due, for others to find. After that it is in the way of other sessions. */
const LEFT_TO_OTHERS_MS = 60_000;

/**
 * Looks after sessions whose alarm went off: runs whose executor is gone, questions and sessions whose time has run out,
 * archives. Every node sweeps; whatever two of them do at once, the store takes once. Alarms are lazy: they may go off
 * for nothing, and are then set to the next moment that matters.
 */
export class Sweeper {
  readonly #deps: SweeperDeps;
  readonly #dueRules: DueRules;
  #stopTimer: () => void = () => {};
  #sweeping: undefined | Promise<void>;
  #isStopped = false;

  constructor(deps: SweeperDeps) {
    this.#deps = deps;
    this.#dueRules = { forgetMs: deps.rules.forgetMs };
  }

  /** Sweeps at once (an earlier process may have left runs behind) and then again and again. */
  start(): void {
    this.#stopTimer = this.#deps.clock.every(this.#deps.rules.sweepIntervalMs, () => void this.sweep());
    void this.sweep();
  }

  /** Begins no sweep any more, and resolves when the one under way is over. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopTimer();
    await this.#sweeping;
  }

  /** One sweep; the one under way if there is one. Never rejects. */
  sweep(): Promise<void> {
    if (this.#isStopped) return this.#sweeping ?? Promise.resolve();
    this.#sweeping ??= this.#sweep()
      .catch((error: unknown) => this.#deps.log.warn({ err: error }, 'sweep failed'))
      .finally(() => {
        this.#sweeping = undefined;
      });
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { store, clock, contact } = this.#deps;
    const seen = new Set<string>();
    for (let page = 0; page < MAX_PAGES && !this.#isStopped; page++) {
      const ids = await store.due(clock.now(), PAGE);
      contact.reached(clock.now());
      const fresh = ids.filter((id) => !seen.has(id));
      for (const id of fresh) seen.add(id);
      await inParallel(fresh, PARALLEL, (id) => this.#look(id));
      contact.wasBusy(clock.now());
      if (ids.length < PAGE || fresh.length === 0) return;
    }
  }

  async #look(sessionId: string): Promise<void> {
    if (this.#isStopped) return;
    const { store, clock, rules, log } = this.#deps;
    try {
      const info = await store.info(sessionId);
      if (info === undefined) return await store.setAlarm(sessionId, undefined);
      const due = decideDue(info, undefined, clock.now(), this.#dueRules);
      if (due.kind === 'look') await this.#lookInside(sessionId);
      else await this.#act(due, info, undefined);
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      log.warn({ err: error, session: sessionId }, 'a session could not be swept');
      // Not at once again, or those that come after it would never have their turn.
      await store.setAlarm(sessionId, clock.now() + rules.leaseMs);
    }
  }

  async #lookInside(sessionId: string): Promise<void> {
    const { hub, store, clock, rules } = this.#deps;
    const held = await hub.acquire(sessionId);
    // Archived in this moment, or its log is at fault.
    if (held === undefined) return await store.setAlarm(sessionId, clock.now() + rules.leaseMs);
    try {
      const { live, info } = held;
      // Only what belongs together: a claim between the two readings would look like a run without an executor.
      if (live.head.seq !== info.seq) return;
      await this.#act(decideDue(info, live.state, clock.now(), this.#dueRules), info, live);
    } finally {
      held.release();
    }
  }

  async #act(due: Due, info: SessionInfo, live: undefined | LiveSession): Promise<void> {
    const { store, hub, clock, contact, rules } = this.#deps;
    const { sessionId } = info;
    switch (due.kind) {
      case 'look':
        return;
      case 'wait':
        return await this.#wait(info, due.until);
      case 'claim':
        return await this.#offer(info, due.lost);
      case 'expire_inputs': {
        const decide = decideInputExpiry(undefined, rules.runMaxMs);
        await live?.execute({ decide, id: undefined, needsPartial: false });
        return;
      }
      case 'expire': {
        if (contact.mayBeConnected(info, clock.now())) {
          const until = contact.doubtfulUntil(info.policy.attachTtlMs, clock.now());
          return await store.setAlarm(sessionId, until + 1);
        }
        const successor = await hub.expireSession(info);
        const now = clock.now();
        return await store.setAlarm(sessionId, successor === undefined ? now + rules.leaseMs : now);
      }
      case 'erase':
        hub.end(sessionId);
        return await store.erase(sessionId);
    }
  }

  /** A claim sets the alarm itself. */
  async #offer(info: SessionInfo, lost: undefined | Fence): Promise<void> {
    const { store, clock, rules, executor } = this.#deps;
    const { sessionId, subject, alarmAt } = info;
    const now = clock.now();
    switch (executor.offer(sessionId, subject, lost)) {
      case 'taken':
        return;
      case 'busy':
        return await store.setAlarm(sessionId, now + rules.sweepIntervalMs);
      case 'full':
      case 'closed':
        // Setting the alarm forward would hide the run from nodes that have room for it, or an agent.
        if (alarmAt === undefined || now - alarmAt < LEFT_TO_OTHERS_MS) return;
        return await this.#wait(info, idleAlarm(info, now));
    }
  }

  /** Sets the alarm forward, unless something happened meanwhile that set it itself. */
  async #wait(info: SessionInfo, until: number): Promise<void> {
    const { store, clock, rules } = this.#deps;
    // `Infinity`: there is no such moment.
    await store.setAlarm(info.sessionId, until === Number.POSITIVE_INFINITY ? undefined : until);
    if (until - clock.now() <= 2 * rules.leaseMs) return;
    const now = await store.info(info.sessionId);
    if (now !== undefined && now.seq !== info.seq) await store.setAlarm(info.sessionId, clock.now());
  }
}

async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
