import type { LogEvent } from '../../../protocol/chat/down.ts';
import { textOf } from '../../../test-helpers/frame-checker.ts';
import { logFaults } from '../../wire/support/log-rules.ts';
import { answerTo } from './sayings.ts';

type Event<T extends LogEvent['type']> = Extract<LogEvent, { type: T }>;

const ofType = <T extends LogEvent['type']>(events: readonly LogEvent[], type: T) =>
  events.filter((event): event is Event<T> => event.type === type);

/**
 * What is wrong with a log: the rules of every log, and that the demo agent's answers are exactly what they have to be,
 * whoever died over them. `atRest`: nothing is at work at its end.
 */
export function faultsOfLog(events: readonly LogEvent[], atRest: boolean): string[] {
  return [...logFaults(events, atRest), ...answerFaults(events), ...stepFaults(events)];
}

/** Every answer that its run completed is the whole one, exactly once; one that was kept is the beginning of it. */
function answerFaults(events: readonly LogEvent[]): string[] {
  const faults: string[] = [];
  const questions = new Map<string, { content: string; ordinal: number }>();
  for (const { data } of ofType(events, 'message_created'))
    questions.set(data.message.id, { content: textOf(data.message), ordinal: questions.size + 1 });
  const completed = ofType(events, 'message_completed');
  for (const { data } of ofType(events, 'run_finished')) {
    const { run_id, message_id, outcome } = data;
    const question = questions.get(message_id);
    const answers = completed.filter((event) => event.data.message.run_id === run_id);
    if (question === undefined) faults.push(`run ${run_id} is for no message`);
    if (outcome === 'failed' || outcome === 'lost')
      faults.push(`run ${run_id} ended ${JSON.stringify(data)}`);
    if (question === undefined || answers.length === 0) {
      if (outcome === 'completed') faults.push(`run ${run_id} was completed without an answer`);
      continue;
    }
    if (answers.length > 1) faults.push(`run ${run_id} has ${answers.length} answers`);
    const { message } = answers[0]!.data;
    const [text, whole] = [textOf(message), answerTo(question.content, question.ordinal)];
    if (outcome === 'completed' && message.status !== 'completed')
      faults.push(`run ${run_id}: "${text}" is partial`);
    if (whole === undefined) continue;
    const isRight = message.status === 'completed' ? text === whole : whole.startsWith(text);
    if (!isRight) faults.push(`the answer to "${question.content}" is "${text}" (${message.status})`);
  }
  const ids = completed.map((event) => event.data.message.id);
  if (new Set(ids).size !== ids.length) faults.push('a message was completed twice');
  return faults;
}

/** Steps of a workflow are completed once each, in order, and what is completed is not begun again. */
function stepFaults(events: readonly LogEvent[]): string[] {
  const faults: string[] = [];
  const done = new Map<string, number>();
  for (const event of events) {
    if (event.type !== 'step_started' && event.type !== 'step_completed') continue;
    const { run_id, step, workflow } = event.data;
    const before = done.get(run_id) ?? 0;
    if (step.index !== before + 1)
      faults.push(`${event.seq}: ${event.type} ${step.index} after ${before} steps`);
    if (event.type !== 'step_completed' || step.status !== 'completed') continue;
    done.set(run_id, step.index);
    if (workflow.completed.length !== step.index)
      faults.push(`${event.seq}: ${workflow.completed.length} steps are complete after step ${step.index}`);
  }
  for (const { data } of ofType(events, 'run_finished')) {
    const steps = done.get(data.run_id);
    if (data.outcome === 'completed' && steps !== undefined && steps !== 5)
      faults.push(`run ${data.run_id} was completed after ${steps} steps`);
  }
  return faults;
}
