import type { NewEvent } from '../../protocol/chat/down.ts';
import type { ChatMessageData } from '../../protocol/chat/message.ts';
import type { AppendDecision, Decide, DecisionContext } from '../session/decision.ts';
import { refuse } from '../session/decision.ts';
import type { SessionState } from '../session/state.ts';
import { endActiveRun, endingAppend, keptPartial } from './end-run.ts';
import { holdUntil } from './hold.ts';

export interface ChatRules {
  /** `false`: people only (`AGENT=none`), a message starts no run. */
  readonly agent: boolean;
  readonly maxQueuedRuns: number;
  readonly runLeaseMs: number;
  /** 0: no limit. */
  readonly runMaxMs: number;
}

/** A person's message: stored with the run that answers it, in one append. */
export function decideChatMessage(messageId: string, data: ChatMessageData, rules: ChatRules): Decide {
  return (state, context) => {
    const created: NewEvent = {
      type: 'message_created',
      data: {
        message: {
          id: messageId,
          seq: 0,
          role: 'user',
          parts: [{ type: 'text', text: data.content }],
          status: 'completed',
          ts: '',
          ...(data.metadata === undefined ? {} : { metadata: data.metadata }),
        },
      },
    };
    if (!rules.agent) return { kind: 'append', events: [created], acknowledge: 0 };
    const busy = state.run !== null || state.queue.length > 0;
    if (busy && data.on_busy === 'reject') return refuse('busy', 'A run is in hand');
    // An interrupt takes the place of the run that it ends.
    const interrupts = data.on_busy === 'interrupt' && state.run !== null;
    if (rules.maxQueuedRuns > 0 && state.queue.length >= rules.maxQueuedRuns && !interrupts)
      return refuse('limit_exceeded', `At most ${rules.maxQueuedRuns} runs may wait (MAX_QUEUED_RUNS)`);
    return queueRun(
      state,
      context,
      rules,
      [created],
      { message_id: messageId },
      data.on_busy === 'interrupt',
    );
  };
}

/** Another run for the message of the session's last run. */
export function decideRunRetry(runId: string, rules: ChatRules): Decide {
  return (state, context) => {
    const last = state.lastRun;
    const known =
      state.run?.runId === runId || state.queue.some((r) => r.runId === runId) || last?.runId === runId;
    if (!known) return refuse(last === null ? 'not_found' : 'conflict', 'Only the last run can be retried');
    if (state.run !== null || state.queue.length > 0) return refuse('conflict', 'A run is in hand');
    if (last === null || !rules.agent) return refuse('not_available', 'There is no agent here');
    return queueRun(state, context, rules, [], { message_id: last.messageId, retry_of: runId }, false);
  };
}

/** Appends `before` and a `run_queued`; ends the run in hand first when it is interrupted. */
function queueRun(
  state: SessionState,
  context: DecisionContext,
  rules: ChatRules,
  before: readonly NewEvent[],
  ref: { message_id: string; retry_of?: string },
  interrupt: boolean,
): AppendDecision {
  const queued: NewEvent = {
    type: 'run_queued',
    data: {
      run_id: context.newId(),
      ...ref,
      ...(interrupt && state.queue.length > 0 ? { ahead: true } : {}),
    },
  };
  const common = {
    // Somebody else takes it if nobody has by then. While a run is in hand, its claim has set the alarm: a later one would
    // put off the takeover of that run for as long as the person goes on writing.
    ...(interrupt || state.run === null ? { alarmAt: context.now + rules.runLeaseMs } : {}),
    // Until it ends the session does not expire.
    holdUntil: holdUntil(context.now, rules.runMaxMs),
  };
  if (!interrupt || state.run === null)
    return { kind: 'append', events: [...before, queued], acknowledge: 0, ...common };
  const endings = endActiveRun(state.run, keptPartial(state.run, context.partial), {
    outcome: 'canceled',
    error: { code: 'interrupted', message: 'A newer message took its place' },
  });
  const events = [...endings, ...before, queued];
  return { ...endingAppend(events, endings.length, context.now), ...common };
}
