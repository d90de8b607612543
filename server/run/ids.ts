/**
 * The ids of what a run makes. They follow from the run's id and the order of the agent's calls, so that an agent that
 * runs again meets what it did before.
 */

/** The `n`th tool call of the run (from 1). A call that was interrupted and made again is the next `attempt` of it. */
export function toolCallId(runId: string, n: number, attempt: number): string {
  return attempt === 1 ? `${runId}.t${n}` : `${runId}.t${n}.${attempt}`;
}

/** What `toolCallId` was made of; `undefined` when the id is not of this run. */
export function parseToolCallId(
  runId: string,
  id: string,
): undefined | { readonly n: number; readonly attempt: number } {
  const match = id.startsWith(`${runId}.t`) ? /^(\d+)(?:\.(\d+))?$/.exec(id.slice(runId.length + 2)) : null;
  if (match === null) return undefined;
  return { n: Number(match[1]), attempt: Number(match[2] ?? 1) };
}

/** The agent's `n`th question (from 1). */
export function requestId(runId: string, n: number): string {
  return `${runId}.q${n}`;
}

/** The question whether an interrupted tool call is to be made again. Not one of the agent's own, so not in their order. */
export function repeatRequestId(callId: string): string {
  return `${callId}.q`;
}

/** The `n`th message of the answer (from 1). */
export function answerId(runId: string, n: number): string {
  return `${runId}.m${n}`;
}

/** The `n`th patch that the agent makes in a step (0: outside of all steps). */
export function patchId(runId: string, step: number, n: number): string {
  // Begins as no client's id can.
  return `!patch:${runId}.${step}.${n}`;
}
