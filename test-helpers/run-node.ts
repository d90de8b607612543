import type { LogEvent } from '../protocol/chat/down.ts';
import type { ManualClock } from '../server/clock.ts';
import { SystemRandom } from '../server/random.ts';
import type { Agent } from '../server/run/agent-port.ts';
import { decideChatMessage } from '../server/run/decide-chat.ts';
import { endRuns } from '../server/run/end-runs.ts';
import { Executor, type ExecutorDeps, type ExecutorRules } from '../server/run/executor.ts';
import { Sweeper } from '../server/run/sweeper.ts';
import type { Decide } from '../server/session/decision.ts';
import { SessionHub } from '../server/session/hub.ts';
import { StoreContact } from '../server/session/store-contact.ts';
import type { CommandOutcome } from '../server/session/append-queue.ts';
import type { Store } from '../server/store/store.ts';
import { Lifeline } from './lifeline.ts';
import { readLog } from './store-contract/fixtures.ts';

/** The rules of a node in tests: those of the settings' defaults. */
export const RULES: ExecutorRules = {
  leaseMs: 10_000,
  runMaxMs: 900_000,
  maxDeaths: 5,
  chunkCoalesceMs: 40,
  maxContextBytes: 262_144,
  maxSessionBytes: 0,
  maxConcurrentRuns: Infinity,
  maxActiveRunsPerSubject: Infinity,
};
export const SWEEP_MS = 1000;
export const POLICY = { briefMs: 30_000, mediumMs: 300_000, archiveMs: 86_400_000, attachTtlMs: 25_000 };

const FREE: ExecutorDeps['load'] = { turn: () => undefined };

export interface NodeOptions {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly agent: undefined | Agent;
  readonly nodeId: string;
  readonly rules?: Partial<ExecutorRules>;
  readonly forgetMs?: number;
  /** Where subjects wait for their turn; nobody waits when it is left out. */
  readonly load?: ExecutorDeps['load'];
}

/** One process as far as runs go: live sessions, an executor and a sweeper over a store. */
export class RunNode {
  readonly lifeline: Lifeline;
  readonly hub: SessionHub;
  readonly executor: Executor;
  readonly sweeper: Sweeper;
  readonly random: SystemRandom;
  /** What was logged, as `message: error`. */
  readonly lines: string[] = [];
  readonly counts = { completed: 0, failed: 0, canceled: 0, lost: 0, recovered: 0 };
  readonly #rules: ExecutorRules;

  constructor({ store, clock, agent, nodeId, rules, forgetMs = 86_400_000, load = FREE }: NodeOptions) {
    this.lifeline = new Lifeline(store);
    this.random = new SystemRandom(clock);
    this.#rules = { ...RULES, ...rules };
    const note = (fields: object, message: string) => {
      this.lines.push(`${message}: ${'err' in fields ? String(fields.err) : ''}`);
    };
    const log = { error: note, warn: note, info: () => {} };
    const contact = new StoreContact(SWEEP_MS);
    const common = { store: this.lifeline.store, clock, contact, nodeId, log };
    this.hub = new SessionHub({
      ...common,
      random: this.random,
      maxReplay: 1000,
      historyPage: 50,
      maxSessions: 0,
      attachBeatMs: 10_000,
      onDuplicate: () => {},
      onConflict: () => {},
      onChunk: () => {},
      repair: async () => {
        throw new Error('a log is at fault');
      },
      endRuns,
    });
    const count = (name: keyof RunNode['counts']) => ({ inc: () => void this.counts[name]++ });
    this.executor = new Executor({
      ...common,
      hub: this.hub,
      agent,
      rules: this.#rules,
      load,
      metrics: {
        runs: {
          completed: count('completed'),
          failed: count('failed'),
          canceled: count('canceled'),
          lost: count('lost'),
        },
        runsRecovered: count('recovered'),
      },
    });
    this.sweeper = new Sweeper({
      ...common,
      hub: this.hub,
      executor: this.executor,
      rules: {
        sweepIntervalMs: SWEEP_MS,
        leaseMs: this.#rules.leaseMs,
        runMaxMs: this.#rules.runMaxMs,
        forgetMs,
      },
    });
  }

  async start({ sweeps = true } = {}): Promise<this> {
    await this.hub.start();
    this.executor.start();
    if (sweeps) this.sweeper.start();
    return this;
  }

  /** What kill -9 does, as far as others can see. */
  crash(): void {
    this.lifeline.die();
    void this.hub.stop();
    void this.sweeper.stop();
  }

  /** Decides a command in the session, as a connection of this node would. */
  async execute(sessionId: string, decide: Decide): Promise<CommandOutcome> {
    const held = await this.hub.acquire(sessionId);
    if (held === undefined) throw new Error(`no session ${sessionId}`);
    try {
      return await held.live.execute({ decide, id: undefined, needsPartial: true });
    } finally {
      held.release();
    }
  }

  /** A person's message. Answers its id. */
  async say(
    sessionId: string,
    content: string,
    onBusy: 'enqueue' | 'reject' | 'interrupt' = 'enqueue',
  ): Promise<string> {
    const id = this.random.id();
    const rules = {
      agent: true,
      maxQueuedRuns: 16,
      runLeaseMs: this.#rules.leaseMs,
      runMaxMs: this.#rules.runMaxMs,
    };
    await this.execute(sessionId, decideChatMessage(id, { content, on_busy: onBusy }, rules));
    return id;
  }
}

/** Makes a session that nobody is attached to. */
export async function createSession(
  store: Store,
  clock: ManualClock,
  policy: typeof POLICY = POLICY,
  subject = 's',
): Promise<string> {
  const sessionId = new SystemRandom(clock).id();
  const now = clock.now();
  await store.create({
    sessionId,
    epoch: 'e1',
    subject,
    domain: 'd',
    workspace: 'w',
    title: undefined,
    previousId: undefined,
    policy,
    maxSessions: 0,
    attach: undefined,
    alarmAt: now + policy.mediumMs + 1,
    now,
  });
  return sessionId;
}

/** The session's whole log. */
export async function logOf(store: Store, sessionId: string): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for (;;) {
    const page = await readLog(store, sessionId, events.length + 1, 500);
    for (const json of page) events.push(JSON.parse(json));
    if (page.length < 500) return events;
  }
}

/**
 * Moves the clock in small steps, letting the nodes do all that they can in each, until `isDone` says so.
 * Fails when that takes more than `limitMs` of the clock's time.
 */
export async function drive(
  clock: ManualClock,
  nodes: readonly RunNode[],
  isDone: () => boolean | Promise<boolean>,
  { limitMs = 120_000, stepMs = 10 } = {},
): Promise<void> {
  const end = clock.now() + limitMs;
  for (;;) {
    await quiet(nodes);
    if (await isDone()) return;
    if (clock.now() >= end) throw new Error(`not done after ${limitMs} ms of the clock`);
    await clock.advance(stepMs);
  }
}

/** Waits until no node waits for the store. */
export async function quiet(nodes: readonly RunNode[]): Promise<void> {
  for (let calm = 0; calm < 3; ) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    calm = nodes.some(({ lifeline }) => !lifeline.isDead && lifeline.inFlight > 0) ? 0 : calm + 1;
  }
}

/** Several nodes over one store, and a clock that they share. */
export class RunWorld {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly nodes: RunNode[] = [];

  constructor(store: Store, clock: ManualClock) {
    this.store = store;
    this.clock = clock;
  }

  /** Starts one more node, with a way of its own to the store where it is given one. */
  async node(
    agent: undefined | Agent,
    options: Partial<Pick<NodeOptions, 'rules' | 'store' | 'forgetMs' | 'load'>> & { sweeps?: boolean } = {},
  ): Promise<RunNode> {
    const { sweeps = true, store = this.store, ...rest } = options;
    const nodeId = `n${this.nodes.length + 1}`;
    const node = new RunNode({ ...rest, store, clock: this.clock, agent, nodeId });
    this.nodes.push(node);
    return await node.start({ sweeps });
  }

  session(policy?: typeof POLICY, subject?: string): Promise<string> {
    return createSession(this.store, this.clock, policy, subject);
  }

  log(sessionId: string): Promise<LogEvent[]> {
    return logOf(this.store, sessionId);
  }

  /** Lets time pass until `isDone`. */
  until(isDone: () => boolean | Promise<boolean>, options?: { limitMs?: number; stepMs?: number }) {
    return drive(this.clock, this.nodes, isDone, options);
  }

  /** Lets time pass until the session's log holds so many events of a type. */
  async untilLogged(
    sessionId: string,
    type: LogEvent['type'],
    count = 1,
    options?: { limitMs?: number; stepMs?: number },
  ): Promise<LogEvent[]> {
    const typed = async () => (await this.log(sessionId)).filter((event) => event.type === type);
    await this.until(async () => (await typed()).length >= count, options);
    return await typed();
  }

  /** Lets this much time pass. */
  async pass(ms: number, stepMs = 100): Promise<void> {
    const end = this.clock.now() + ms;
    await this.until(() => this.clock.now() >= end, { limitMs: ms + stepMs, stepMs });
  }

  /** Ends every node, as a kill does. */
  end(): void {
    for (const node of this.nodes) node.crash();
  }
}

/** Everything of a run that a person can see, apart from when and by which execution. */
export function essenceOf(log: readonly LogEvent[]): string[] {
  const runId = log.find((event) => event.type === 'run_queued')?.data.run_id ?? '';
  return log
    .flatMap((event): unknown[] => {
      switch (event.type) {
        case 'run_started':
        case 'run_recovering':
        case 'message_created':
          return [];
        case 'message_completed':
          return [[event.data.message.id, event.data.message.parts, event.data.message.status]];
        case 'run_queued':
        case 'run_finished':
          return [[event.type, 'outcome' in event.data ? event.data.outcome : '']];
        default:
          return [[event.type, event.data]];
      }
    })
    .map((entry) => JSON.stringify(entry).replaceAll(runId, 'RUN'));
}
