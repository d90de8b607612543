import type { LogEvent } from '../../../protocol/chat/down.ts';

interface Run {
  readonly messageId: string;
  readonly openTools: Set<string>;
  readonly openInputs: Set<string>;
  started: boolean;
  attempt: number;
  finished: boolean;
}

/**
 * What has to hold for every log from its first event on (DEL-1, DEL-20 to DEL-23): answers what does not.
 * `atRest`: nothing may be at work at its end.
 */
export function logFaults(events: readonly LogEvent[], atRest = true): string[] {
  const faults: string[] = [];
  const runs = new Map<string, Run>();
  const tags = new Set<string>();
  let inHand: undefined | string;

  const fault = (event: LogEvent, what: string) =>
    faults.push(`${event.seq} ${event.type}: ${what} ${JSON.stringify(event.data).slice(0, 200)}`);

  const runOf = (event: LogEvent, runId: undefined | string): undefined | Run => {
    const run = runs.get(runId ?? '');
    if (run === undefined) fault(event, 'of a run that was not queued');
    else if (run.finished) fault(event, 'of a run that had ended');
    else if (!run.started) fault(event, 'of a run that had not begun');
    else if (inHand !== runId) fault(event, 'of a run that was not in hand');
    return run;
  };

  const look = (event: LogEvent, i: number): void => {
    if (event.seq !== i + 1) fault(event, `should have been seq ${i + 1}`);
    if (tags.has(event.tag)) fault(event, 'has a tag that was used before');
    tags.add(event.tag);
    switch (event.type) {
      case 'message_created': {
        const next = events[i + 1];
        const answers = next?.type === 'run_queued' && next.data.message_id === event.data.message.id;
        if (!answers) fault(event, 'is not followed by its run');
        return;
      }
      case 'run_queued':
        if (runs.has(event.data.run_id)) fault(event, 'was queued before');
        runs.set(event.data.run_id, {
          messageId: event.data.message_id,
          openTools: new Set(),
          openInputs: new Set(),
          started: false,
          attempt: 0,
          finished: false,
        });
        return;
      case 'run_started': {
        const run = runs.get(event.data.run_id);
        if (inHand !== undefined && inHand !== event.data.run_id) fault(event, 'while another is in hand');
        inHand = event.data.run_id;
        if (run === undefined || run.finished) return void fault(event, 'is not there to be started');
        if (event.data.message_id !== run.messageId) fault(event, 'names another message');
        const isTakeover = run.started;
        if (!isTakeover && event.data.attempt !== 1) fault(event, 'does not begin with attempt 1');
        if (isTakeover && event.data.attempt !== run.attempt)
          fault(event, 'was not announced by run_recovering');
        run.started = true;
        run.attempt = event.data.attempt;
        return;
      }
      case 'run_recovering': {
        const run = runOf(event, event.data.run_id);
        if (run !== undefined && event.data.attempt !== run.attempt + 1)
          fault(event, 'is not the next attempt');
        if (run !== undefined) run.attempt = event.data.attempt;
        return;
      }
      case 'run_finished': {
        const run = runs.get(event.data.run_id);
        if (run === undefined || run.finished) return void fault(event, 'is one too many');
        if (run.openTools.size > 0) fault(event, 'leaves a tool call open');
        if (run.openInputs.size > 0) fault(event, 'leaves a request open');
        if (!run.started && event.data.outcome === 'completed') fault(event, 'of a run that had not begun');
        run.finished = true;
        if (inHand === event.data.run_id) inHand = undefined;
        return;
      }
      case 'tool_call':
        runOf(event, event.data.run_id)?.openTools.add(event.data.tool_call_id);
        return;
      case 'tool_result':
        if (runOf(event, event.data.run_id)?.openTools.delete(event.data.tool_call_id) !== true)
          fault(event, 'has no open call');
        return;
      case 'input_requested':
        runOf(event, event.data.run_id)?.openInputs.add(event.data.request_id);
        return;
      case 'input_resolved':
        if (runOf(event, event.data.run_id)?.openInputs.delete(event.data.request_id) !== true)
          fault(event, 'was not open');
        return;
      case 'step_started':
      case 'step_completed': {
        runOf(event, event.data.run_id);
        const { completed, pending, step, total_steps } = event.data.workflow;
        if (completed.length + pending.length !== total_steps) fault(event, 'does not name every step once');
        if (step !== Math.min(completed.length + 1, total_steps)) fault(event, `is not at step ${step}`);
        return;
      }
      case 'message_completed':
        runOf(event, event.data.message.run_id);
        if (event.data.message.seq !== event.seq) fault(event, 'has a message of another seq');
        return;
      case 'message_restarted':
      case 'context_updated':
        return;
    }
  };
  for (const [i, event] of events.entries()) look(event, i);
  if (atRest) for (const [id, run] of runs) if (!run.finished) faults.push(`run ${id} has not ended`);
  return faults;
}
