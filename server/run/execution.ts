import type { LogEvent } from '../../protocol/chat/down.ts';
import type { Clock } from '../clock.ts';
import { textOf } from '../session/live-partial.ts';
import type { WorkGovernor } from '../load/work-governor.ts';
import type { LiveSession } from '../session/live-session.ts';
import { agentBytes } from '../session/session-size.ts';
import type { ActiveRun } from '../session/state.ts';
import type { Lease, Store } from '../store/store.ts';
import { type Agent, RunCanceled, type RunInput } from './agent-port.ts';
import { decideHandover } from './decide-claim.ts';
import { decideFinish } from './decide-finish.ts';
import type { Ending, LastMessage } from './end-run.ts';
import { type ContextRules, LiveRunContext } from './run-context.ts';
import { keepLease, limitTime } from './run-guards.ts';
import { RunLog, type StopReason } from './run-log.ts';

export interface ExecutionDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly agent: Agent;
  readonly rules: ContextRules & { readonly leaseMs: number; readonly maxSessionBytes: number };
  readonly log: { error(fields: object, message: string): void };
  /** Where a subject that does too much waits for its turn. */
  readonly load: Pick<WorkGovernor, 'turn'>;
}

/** A run that was claimed here. */
export interface Claimed {
  readonly live: LiveSession;
  readonly run: ActiveRun;
  readonly lease: Lease;
  /** Where its `run_started` is. */
  readonly startedSeq: number;
}

/** How far behind the head the person's message may be for the log to be read up to it, instead of it alone. */
const NEAR_EVENTS = 64;

/**
 * Executes the agent over a claimed run and ends it, in one append, however the agent ends. Aborting `handover` gives
 * the run back instead. Resolves when nothing is left to do here: the run was ended, here or elsewhere, or it is another's.
 * @throws StoreUnavailable when the store went away before the agent began; the lease runs out then
 */
export async function execute(claimed: Claimed, deps: ExecutionDeps, handover: AbortSignal): Promise<void> {
  const { live, run, lease } = claimed;
  const { store, clock, rules, load } = deps;
  const turn = (signal: AbortSignal) => load.turn(live.subject, signal);
  // Of a first execution nothing can be in the log.
  const fromSeq = lease.attempt === 1 ? claimed.startedSeq : run.queuedSeq;
  const maxLogBytes = agentBytes(rules.maxSessionBytes);
  const log = await RunLog.open({ live, fence: lease, clock, turn, maxLogBytes }, fromSeq);
  const stopKeeping = keepLease(log, store, clock, lease, rules.leaseMs);
  const stopLimit = limitTime(log, clock, rules.runMaxMs);
  const onHandover = () => log.stop('handover');
  handover.addEventListener('abort', onHandover, { once: true });
  if (handover.aborted) onHandover();
  try {
    await executeOn(log, claimed, deps);
  } finally {
    handover.removeEventListener('abort', onHandover);
    stopLimit();
    stopKeeping();
    log.close();
  }
}

async function executeOn(log: RunLog, claimed: Claimed, deps: ExecutionDeps): Promise<void> {
  const conclusion = (await workOut(log, claimed, deps)) ?? afterStop(log);
  if (conclusion !== undefined) await log.conclude(decideFinish(conclusion.ending, conclusion.last));
  else if (log.stopped === 'handover') await log.conclude(decideHandover());
}

interface Conclusion {
  readonly ending: Ending;
  /** The message that goes into the same append. */
  readonly last: undefined | LastMessage;
}

/** Runs the agent to its end; `undefined` when it was stopped. Never rejects: no way of ending may leave the run open. */
async function workOut(log: RunLog, claimed: Claimed, deps: ExecutionDeps): Promise<undefined | Conclusion> {
  const { store, clock, rules, agent } = deps;
  const failed = (error: unknown): undefined | Ending => {
    if (log.stopped !== undefined) return undefined;
    const { runId } = log.fence;
    deps.log.error({ err: error, session: log.live.id, run: runId, agent: agent.id }, 'the agent failed');
    return { outcome: 'failed', error: { code: 'agent_error', message: 'The agent failed' } };
  };
  let context: undefined | LiveRunContext;
  let ending: undefined | Ending;
  let last: undefined | LastMessage;
  try {
    const input = await log.retrying(() => inputOf(claimed, store));
    context = new LiveRunContext(input, { log, store, clock, rules });
    ending = await agentsEnding(agent, context, log.signal);
  } catch (error) {
    ending = failed(error);
  }
  try {
    last = await context?.last(ending?.outcome === 'completed');
  } catch (error) {
    // What is stored of the message is kept all the same; a completed answer it is not.
    if (ending?.outcome === 'completed') ending = failed(error);
  }
  context?.close();
  return ending === undefined ? undefined : { ending, last };
}

async function agentsEnding(agent: Agent, context: LiveRunContext, signal: AbortSignal): Promise<Ending> {
  try {
    await untilAborted(() => agent.run(context), signal);
    return { outcome: 'completed', error: undefined };
  } catch (error) {
    if (signal.aborted || !(error instanceof RunCanceled)) throw error;
    return { outcome: 'canceled', error: undefined };
  }
}

/** What an execution ends its run with that was stopped for going over a limit. */
const OVER_LIMIT: { readonly [R in StopReason]?: Ending['error'] } = {
  timeout: { code: 'timeout', message: 'The run took too long' },
  full: { code: 'session_full', message: 'The session holds as much as it may' },
};

/** How a stopped execution ends its run, if that is up to it. */
function afterStop(log: RunLog): undefined | Conclusion {
  const error = log.stopped === undefined ? undefined : OVER_LIMIT[log.stopped];
  return error === undefined ? undefined : { ending: { outcome: 'failed', error }, last: undefined };
}

/** The person's message that the run answers. */
async function inputOf({ live, run }: Claimed, store: Store): Promise<RunInput> {
  const [event] =
    live.head.seq - run.messageSeq < NEAR_EVENTS
      ? await live.readEvents(run.messageSeq)
      : (await store.read({ sessionId: live.id, fromSeq: run.messageSeq, limit: 1, maxBytes: 0 })).events.map(
          (json) => JSON.parse(json) as LogEvent,
        );
  if (event?.type !== 'message_created') throw new Error(`no message at ${run.messageSeq} of the log`);
  const { parts, metadata } = event.data.message;
  return { messageId: run.messageId, text: textOf(parts), metadata, ordinal: run.ordinal };
}

/** The work's outcome, or a rejection as soon as the signal is aborted: an agent that does not listen holds nobody up. */
async function untilAborted(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
