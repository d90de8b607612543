import type { LogEvent } from '../../protocol/chat/down.ts';
import type { Workflow } from '../../protocol/chat/run.ts';
import type { Conversation, Meanwhile, Seam } from './conversation-types.ts';
import type { ClientEvent } from './types.ts';

/** How many seams are kept; the oldest go first. */
export const MAX_SEAMS = 200;

type Restored = Extract<ClientEvent, { type: 'restored' }>;

const NOTHING: Meanwhile = { events: 0, messages: 0, runsFinished: 0, toolCalls: 0, lastStep: null };

/** The seam of this restore; `undefined` when nothing had been cut (the first connection of a client). */
export function seamOf({ at, session, restored, lost }: Restored): Seam | undefined {
  if (restored === null || lost === null) return undefined;
  const sameLog = lost.epoch === session.position.epoch;
  return {
    afterSeq: sameLog ? lost.seq : 0,
    lostAt: lost.at ?? at - restored.away_ms,
    restoredAt: at,
    awayMs: restored.away_ms,
    disconnectedMs: restored.disconnected_ms,
    tier: restored.tier,
    outcome: restored.outcome,
    mode: restored.mode,
    warnings: restored.warnings,
    meanwhile:
      restored.mode === 'snapshot' && sameLog ? reckoned(restored, session.position.seq, lost.seq) : NOTHING,
  };
}

export function withSeam(seams: readonly Seam[], seam: Seam | undefined): readonly Seam[] {
  return seam === undefined ? seams : [...seams, seam].slice(-MAX_SEAMS);
}

/** A snapshot tells less than a replay: what can be reckoned from it. */
function reckoned(restored: NonNullable<Restored['restored']>, head: number, from: number): Meanwhile {
  const missed = restored.history.messages.filter((message) => message.seq > from);
  return {
    events: Math.max(0, head - from),
    messages: missed.length,
    runsFinished: new Set(missed.filter((m) => m.run_outcome !== undefined).map((m) => m.run_id ?? m.id))
      .size,
    toolCalls: missed.reduce((n, m) => n + (m.tool_calls?.length ?? 0), 0),
    lastStep: lastStepOf(restored.context.workflow),
  };
}

/** Counts a replayed event into the newest seam. */
export function countedInSeam(c: Conversation, event: LogEvent): readonly Seam[] {
  const seam = c.seams.at(-1);
  return seam === undefined
    ? c.seams
    : c.seams.with(-1, { ...seam, meanwhile: counted(seam.meanwhile, event) });
}

function counted(meanwhile: Meanwhile, event: LogEvent): Meanwhile {
  const m = { ...meanwhile, events: meanwhile.events + 1 };
  switch (event.type) {
    case 'message_created':
    case 'message_completed':
      return { ...m, messages: m.messages + 1 };
    case 'run_finished':
      return { ...m, runsFinished: m.runsFinished + 1 };
    case 'tool_call':
      return { ...m, toolCalls: m.toolCalls + 1 };
    case 'step_started':
    case 'step_completed':
      return {
        ...m,
        lastStep: {
          name: event.data.step.name,
          step: event.data.step.index,
          total: event.data.workflow.total_steps,
        },
      };
    case 'run_queued':
    case 'run_started':
    case 'run_recovering':
    case 'tool_result':
    case 'input_requested':
    case 'input_resolved':
    case 'message_restarted':
    case 'context_updated':
      return m;
  }
}

function lastStepOf(workflow: Workflow | null): Meanwhile['lastStep'] {
  if (workflow === null) return null;
  const name = workflow.pending[0] ?? workflow.completed.at(-1)?.name;
  return name === undefined ? null : { name, step: workflow.step, total: workflow.total_steps };
}
