import { fileURLToPath } from 'node:url';
import { fastify } from 'fastify';
import { createAgent } from './agents/index.ts';
import { KeyCheck } from './auth/key-check.ts';
import { KeyRing } from './auth/key-ring.ts';
import { SessionTokens } from './auth/session-tokens.ts';
import { Admission } from './chat/admission.ts';
import type { ChatDeps } from './chat/chat-deps.ts';
import { ChatServer } from './chat/chat-server.ts';
import { chatEndpoints } from './chat/endpoint.ts';
import type { SystemClock } from './clock.ts';
import type { Settings } from './config.ts';
import { Pages } from './flow/pages.ts';
import { UnsentBudget } from './flow/unsent-budget.ts';
import { clientAddress } from './http/client-address.ts';
import { serverOptions } from './http/options.ts';
import { originGuard } from './http/origin.ts';
import { HttpProblem } from './http/problems.ts';
import { registerHttp } from './http/register.ts';
import { descriptorLimit, socketBound } from './http/socket-bound.ts';
import { OTHER_SOCKET_PATHS } from './http/sockets.ts';
import { TcpSockets } from './http/tcp-sockets.ts';
import { COSTS } from './load/costs.ts';
import { loopMeter } from './load/loop-meter.ts';
import { WorkGovernor } from './load/work-governor.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { Random } from './random.ts';
import type { Agent } from './run/agent-port.ts';
import { endRuns, SESSION_ERASED } from './run/end-runs.ts';
import { Executor } from './run/executor.ts';
import { Sweeper } from './run/sweeper.ts';
import { SessionHub } from './session/hub.ts';
import { StoreContact } from './session/store-contact.ts';
import { repairer } from './session/repair.ts';
import { StoreThreadService } from './session/thread-service.ts';
import { openStore } from './store/open.ts';
import type { Store } from './store/store.ts';
import { within } from './within.ts';

/** The settings cannot work; one line for each fault. */
export class StartFault extends Error {
  override readonly name = 'StartFault';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

export interface AppDeps {
  readonly clock: SystemClock;
  readonly random: Random;
  readonly log: Log;
  /** Answers runs in place of the one that `AGENT` names. */
  readonly agent?: Agent;
}

/** A server that is ready to listen. */
export interface App {
  readonly nodeId: string;
  readonly hub: SessionHub;
  readonly metrics: Metrics;
  /** Listens; resolves with its URL. */
  listen(): Promise<string>;
  /** Moves the server's clock forward, as `POST /debug/clock` does. Resolves with the new time. */
  advanceClock(ms: number): Promise<number>;
  /** Hands runs over, sends people away, closes the store. Takes no longer than `DRAIN_MS`. */
  close(): Promise<void>;
}

const WEB_ROOT = fileURLToPath(new URL('../client/web/dist', import.meta.url));
/** What the drain leaves of its time for closing the store. */
const CLOSE_MARGIN_MS = 500;

/**
 * Builds the server from its parts: the only place that knows all of them.
 * @throws StartFault, StoreUnavailable
 */
export async function createApp(settings: Settings, deps: AppDeps): Promise<App> {
  const { clock, random, log, agent = createAgent(settings.agent) } = deps;
  const nodeId = settings.nodeId ?? random.token(9);
  // What the process is to the store is its own alone: copies of one deployment may share a name.
  const instanceId = settings.nodeId === undefined ? nodeId : `${nodeId}.${random.token(6)}`;
  const lifetime = new AbortController();
  const metrics = createMetrics();
  const policies = new Set(settings.sessions.policies.keys());
  const opened = await KeyRing.open({ auth: settings.auth, policies, clock, log });
  if (!opened.ok) throw new StartFault(opened.faults);
  const keys = opened.ring;
  const store = await openStore(settings.store, { clock, random, log });
  const load = new WorkGovernor({
    clock,
    readLoop: loopMeter(),
    busyPercent: settings.sockets.fairLoadPercent,
    metrics,
  });
  const parts: Parts = { store, clock, random, nodeId: instanceId, log, metrics, load };
  const contact = new StoreContact(settings.sessions.sweepIntervalMs);
  const hub = createHub(settings, contact, parts);
  metrics.readSessions(() => {
    metrics.liveSessions.set(hub.size);
    return hub.tiers();
  });
  hub.onAppended((live, events, length) => {
    load.charge(live.subject, COSTS.append + length);
    metrics.appends.inc();
    metrics.events.inc(events.length);
  });
  const executor = createExecutor(settings, hub, agent, parts);
  const sweeper = createSweeper(settings, hub, contact, executor, parts);
  const unsent = new UnsentBudget({
    totalBytes: settings.sockets.unsentBytes,
    subjectBytes: settings.sockets.unsentBytesPerSubject,
  });
  metrics.readUnsent(() => unsent.bytes);
  const pages = new Pages(settings.sockets.pageBytes);
  const { failedPerMin, jwt } = settings.auth;
  const keyCheck = new KeyCheck({ keys, failedPerMin, jwtAlgorithm: jwt?.algorithm, clock, metrics });
  const bound = socketBound(settings.sockets, descriptorLimit());
  if (bound.isLowered)
    log.warn(
      { event: 'setting', sockets: bound.sockets },
      'MAX_OPEN_SOCKETS is more than the file descriptors of the process allow, and is taken down',
    );
  const sockets = new TcpSockets(bound.sockets);
  const admission = new Admission({
    settings: settings.sockets,
    maxConnections: bound.connections,
    clock,
    metrics,
  });
  const chatDeps: ChatDeps = {
    settings,
    rules: {
      agent: agent !== undefined,
      maxQueuedRuns: settings.runs.maxQueued,
      runLeaseMs: settings.runs.leaseMs,
      runMaxMs: settings.runs.maxMs,
    },
    nodeId,
    store,
    hub,
    keys,
    keyCheck,
    tokens: new SessionTokens({
      secrets: await sessionSecrets(settings, store, random),
      maxAgeMs: settings.auth.sessionTokenMaxAgeMs,
      clock,
    }),
    admission,
    unsent,
    pages,
    load,
    clock,
    random,
    metrics,
    log,
  };
  const chat = new ChatServer(chatDeps);
  const startedAt = clock.now();
  const advanceClock = async (ms: number) => {
    await hub.foresee(clock.now() + ms);
    clock.advance(ms);
    chat.clockMoved(ms);
    contact.clockMoved(ms);
    await hub.beat();
    return clock.now();
  };

  // Fastify says by itself that it listens; the one line that counts is main's.
  const http = fastify(
    serverOptions(settings, log.level === 'info' ? log.child({}, { level: 'warn' }) : log, sockets),
  );
  await registerHttp(http, {
    settings,
    clock,
    store,
    keyCheck,
    sockets,
    threads: new StoreThreadService({
      store,
      clock,
      random,
      settings: settings.sessions,
      onErase: (sessionId) => endBeforeErase(hub, sessionId),
      onErased: (sessionId) => hub.end(sessionId),
    }),
    unsent,
    pages,
    load,
    metrics,
    vitals: {
      startedAt,
      isDraining: () => chat.draining,
      agentsConnected: () => 0,
      connections: () => admission.open,
    },
    advanceClock,
    webRoot: WEB_ROOT,
    plainSocketPaths: OTHER_SOCKET_PATHS,
  });
  await http.register(chatEndpoints, {
    settings,
    chat,
    admission,
    addressOf: clientAddress,
    onUpgraded: (socket) => sockets.upgraded(socket),
    originAllowed: originGuard(settings, clock, log),
    problem: (status, detail, headers) =>
      new HttpProblem(status, headers === undefined ? { detail } : { detail, headers }),
  });
  await http.ready();

  return {
    nodeId,
    hub,
    metrics,
    advanceClock,
    listen: async () => {
      await hub.start();
      chat.start();
      executor.start();
      load.start();
      keys.watch(lifetime.signal);
      const url = await http.listen({ host: settings.host, port: settings.port });
      // Not before: one that cannot listen must not take runs that it does not stay for.
      sweeper.start();
      return url;
    },
    close: async () => {
      // Half the time for what needs the store: while that is away, people must still be told in the other half.
      const [halfTime, deadline] = [new AbortController(), new AbortController()];
      const drainMs = Math.max(0, settings.drainMs - CLOSE_MARGIN_MS);
      const cancels = [
        clock.after(drainMs / 2, () => halfTime.abort()),
        clock.after(drainMs, () => deadline.abort()),
      ];
      chat.refuse();
      load.stop();
      await within(sweeper.stop(), halfTime.signal);
      // First, so that people see it happen: then they are sent away.
      await executor.drain(halfTime.signal);
      await chat.drain(deadline.signal);
      await within(hub.stop(), deadline.signal);
      for (const cancel of cancels) cancel();
      lifetime.abort();
      sockets.close();
      await http.close();
      await store.close();
    },
  };
}

interface Parts {
  readonly store: Store;
  readonly clock: SystemClock;
  readonly random: Random;
  readonly nodeId: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly load: WorkGovernor;
}

function createHub(
  { sessions }: Settings,
  contact: StoreContact,
  { store, clock, random, nodeId, log, metrics, load }: Parts,
): SessionHub {
  const repair = repairer({ store, clock, random, nodeId });
  return new SessionHub({
    store,
    clock,
    random,
    nodeId,
    log,
    contact,
    attachBeatMs: sessions.attachBeatMs,
    maxReplay: sessions.replayMaxEvents,
    historyPage: sessions.historyPage,
    maxSessions: sessions.maxPerSubject === Number.POSITIVE_INFINITY ? 0 : sessions.maxPerSubject,
    endRuns,
    repair: async (info, detail) => {
      metrics.integrityFaults.inc();
      log.error({ event: 'integrity_fault', session_id: info.sessionId, detail }, 'a log is not continuous');
      await repair(info);
    },
    onDuplicate: () => metrics.duplicates.inc(),
    onConflict: () => metrics.appendConflicts.inc(),
    onChunk: (live, length) => {
      metrics.chunks.inc();
      load.charge(live.subject, COSTS.chunk + length);
    },
  });
}

function createExecutor(
  { runs, sessions }: Settings,
  hub: SessionHub,
  agent: undefined | Agent,
  parts: Parts,
): Executor {
  return new Executor({
    ...parts,
    hub,
    agent,
    rules: {
      leaseMs: runs.leaseMs,
      runMaxMs: runs.maxMs,
      maxDeaths: runs.maxAttempts,
      chunkCoalesceMs: runs.chunkCoalesceMs,
      maxContextBytes: sessions.maxContextBytes,
      maxSessionBytes: sessions.maxBytes,
      maxConcurrentRuns: runs.maxConcurrent,
      maxActiveRunsPerSubject: runs.maxActivePerSubject,
    },
  });
}

function createSweeper(
  settings: Settings,
  hub: SessionHub,
  contact: StoreContact,
  executor: Executor,
  parts: Parts,
): Sweeper {
  return new Sweeper({
    ...parts,
    hub,
    contact,
    executor,
    rules: {
      sweepIntervalMs: settings.sessions.sweepIntervalMs,
      leaseMs: settings.runs.leaseMs,
      runMaxMs: settings.runs.maxMs,
      forgetMs: settings.auth.sessionTokenMaxAgeMs,
    },
  });
}

/** Ends what is at work in the session and closes its connections here; the store's record reaches other nodes. */
async function endBeforeErase(hub: SessionHub, sessionId: string): Promise<void> {
  const held = await hub.acquire(sessionId);
  if (held === undefined) return;
  try {
    await endRuns(held.live, SESSION_ERASED);
    held.live.end('erased');
  } finally {
    held.release();
  }
}

/** What signs session tokens: the settings' secrets, or outside production one that the store keeps. */
async function sessionSecrets(settings: Settings, store: Store, random: Random): Promise<readonly string[]> {
  const { sessionSecrets: secrets } = settings.auth;
  return secrets.length > 0 ? secrets : [await store.secret('session_secret', random.token(32))];
}
