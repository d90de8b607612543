import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Outcome, Tier } from '../protocol/chat/handshake.ts';
import type { RunOutcome } from '../protocol/chat/run.ts';
import { ERROR_KINDS, type ErrorType } from '../protocol/errors.ts';

/** One counter, its labels chosen beforehand: counting costs no look-up. */
export interface Count {
  inc(by?: number): void;
}
/** One gauge, likewise. */
export interface Level extends Count {
  dec(by?: number): void;
  set(value: number): void;
}
/** One histogram, likewise; seconds or bytes, as its name says. */
export interface Spread {
  observe(value: number): void;
}

/** What is measured. A registry of its own: two servers in one process (tests) do not share it. */
export interface Metrics {
  readonly registry: Registry;
  /** Open sockets, authenticated or not. */
  readonly connections: Level;
  /** Those of them that have not authenticated. */
  readonly unauthenticated: Level;
  /** Sessions that have a connection or a run on this node. */
  readonly liveSessions: Level;
  /** Where `holdfast_sessions` comes from, asked at each scrape: sessions that this node knows of, by tier. */
  readSessions(read: () => Readonly<Record<SessionTier, number>>): void;
  /** Where `holdfast_unsent_bytes` comes from, asked at each scrape: bytes given to peers and not taken yet. */
  readUnsent(read: () => number): void;
  /** What a `connect` led to. */
  readonly restores: Readonly<Record<Outcome, Count>>;
  /** The tier of those that were restored. */
  readonly restoreTiers: Readonly<Record<Tier, Count>>;
  /** From the `connect` frame to `session_restored`, seconds. */
  readonly restoreSeconds: Spread;
  /** Appends to logs, by this node. */
  readonly appends: Count;
  /** Events in them. */
  readonly events: Count;
  /** Appends decided again because another node was first. */
  readonly appendConflicts: Count;
  /** Client messages that were there already, and were not stored again. */
  readonly duplicates: Count;
  /** Chunks of answers stored. */
  readonly chunks: Count;
  /** Runs that ended, by this node's append. */
  readonly runs: Readonly<Record<RunOutcome, Count>>;
  /** Runs taken over from a process that showed no life. */
  readonly runsRecovered: Count;
  /** Bytes given to a socket and not sent yet, when a frame is added. */
  readonly sendQueueBytes: Spread;
  /** Readers that were dropped because they took nothing. */
  readonly slowReaders: Count;
  /** Times that something had to wait because its subject had used its share of a busy server. */
  readonly fairHolds: Count;
  /** Subjects of which something waits for that. */
  readonly fairHeldSubjects: Level;
  /** Logs that were found not to be continuous. */
  readonly integrityFaults: Count;
  /** Errors answered to frames. */
  readonly refusals: Readonly<Record<ErrorType, Count>>;
  /** Attempts to authenticate that failed, HTTP included. */
  readonly authFailures: Count;
  /** Store operations that failed because it was out of reach. */
  readonly storeUnavailable: Count;
  /** Agents and devices of the agent plane. */
  readonly agents: Level;
  readonly devices: Level;
}

/** `attached`: it has a connection; the others have been without for so long. */
type SessionTier = 'attached' | 'brief' | 'medium';

/** Makes the registry with every metric at 0. `processMetrics`: also those of the process (memory, event loop, ...). */
export function createMetrics({ processMetrics = true } = {}): Metrics {
  const registry = new Registry();
  if (processMetrics) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const named = (name: string, help: string) => ({ name: `holdfast_${name}`, help, registers });
  const counter = (name: string, help: string): Count => new Counter(named(name, help));
  const gauge = (name: string, help: string): Level => new Gauge(named(name, help));
  const counters = <L extends string>(name: string, help: string, label: string, values: readonly L[]) => {
    const family = new Counter({ ...named(name, help), labelNames: [label] });
    // Counted from 0 on: a series that begins with its first event hides that one from `rate()`.
    for (const value of values) family.inc({ [label]: value }, 0);
    return Object.fromEntries(values.map((value) => [value, family.labels(value)])) as Record<L, Count>;
  };
  let read: () => Readonly<Record<SessionTier, number>> = () => ({ attached: 0, brief: 0, medium: 0 });
  new Gauge({
    ...named('sessions', 'Sessions that this node knows of, by tier'),
    labelNames: ['tier'],
    collect() {
      for (const [tier, count] of Object.entries(read())) this.set({ tier }, count);
    },
  });
  let readUnsent = () => 0;
  new Gauge({
    ...named('unsent_bytes', 'Bytes given to slow peers, or reserved for pages, that they have not taken'),
    collect() {
      this.set(readUnsent());
    },
  });
  return {
    registry,
    readUnsent: (reader) => {
      readUnsent = reader;
    },
    readSessions: (reader) => {
      read = reader;
    },
    connections: gauge('connections', 'Open sockets of the chat plane'),
    unauthenticated: gauge('connections_unauthenticated', 'Open sockets that have not authenticated'),
    liveSessions: gauge('live_sessions', 'Sessions with a connection or a run on this node'),
    restores: counters('restores_total', 'What connects led to', 'outcome', OUTCOMES),
    restoreTiers: counters('restore_tiers_total', 'Tiers of restored sessions', 'tier', TIERS),
    restoreSeconds: new Histogram({
      ...named('restore_seconds', 'Time from connect to session_restored'),
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    }),
    appends: counter('appends_total', 'Appends to session logs'),
    events: counter('events_total', 'Events in those appends'),
    appendConflicts: counter('append_conflicts_total', 'Appends that another node was ahead of'),
    duplicates: counter('duplicates_total', 'Client messages that were stored already'),
    chunks: counter('chunks_total', 'Chunks of answers stored'),
    runs: counters('runs_total', 'Runs that ended', 'outcome', RUN_OUTCOMES),
    runsRecovered: counter('runs_recovered_total', 'Runs taken over from a dead process'),
    sendQueueBytes: new Histogram({
      ...named('send_queue_bytes', 'Bytes waiting in a socket when a frame is added'),
      buckets: [0, 1024, 8192, 65_536, 262_144, 1_048_576, 4_194_304],
    }),
    slowReaders: counter('slow_readers_total', 'Readers dropped because they took nothing'),
    fairHolds: counter('fair_holds_total', 'Times that work waited for its share of a busy server'),
    fairHeldSubjects: gauge('fair_held_subjects', 'Subjects whose work waits for its share'),
    integrityFaults: counter('integrity_faults_total', 'Session logs found not to be continuous'),
    refusals: counters('refusals_total', 'Errors answered to frames', 'error_type', ERROR_TYPES),
    authFailures: counter('auth_failures_total', 'Failed attempts to authenticate'),
    storeUnavailable: counter('store_unavailable_total', 'Store operations that failed for want of a store'),
    agents: gauge('agents_total', 'Registered agents'),
    devices: gauge('devices_total', 'Devices of all agents'),
  };
}

const OUTCOMES = ['fresh', 'restored', 'expired', 'reset'] as const satisfies readonly Outcome[];
const TIERS = ['brief', 'medium', 'expired'] as const satisfies readonly Tier[];
const RUN_OUTCOMES = ['completed', 'failed', 'canceled', 'lost'] as const satisfies readonly RunOutcome[];
const ERROR_TYPES = Object.keys(ERROR_KINDS) as ErrorType[];
