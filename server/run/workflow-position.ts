import type { NewEvent } from '../../protocol/chat/down.ts';
import type { Workflow } from '../../protocol/chat/run.ts';
import type { Json } from '../../protocol/json.ts';

/** A workflow's plan: its steps in order. */
export interface WorkflowPlan {
  readonly runId: string;
  readonly name: string;
  readonly steps: readonly string[];
}

export interface StepResult {
  readonly name: string;
  readonly result: Json;
}

/** Where a workflow is once these steps, its first ones, are done. */
export function workflowAt(plan: WorkflowPlan, completed: readonly StepResult[]): Workflow {
  const total = plan.steps.length;
  return {
    workflow_id: plan.runId,
    name: plan.name,
    step: Math.min(completed.length + 1, total),
    total_steps: total,
    completed: [...completed],
    pending: plan.steps.slice(completed.length),
    status: completed.length === total ? 'completed' : 'running',
  };
}

/** The step in hand begins. */
export function stepStarted(plan: WorkflowPlan, completed: readonly StepResult[]): NewEvent {
  const index = completed.length + 1;
  const step = { index, name: plan.steps[index - 1] ?? '', status: 'running' as const };
  return {
    type: 'step_started',
    data: { run_id: plan.runId, step, workflow: workflowAt(plan, completed) },
  };
}

/** The last of these steps is done. */
export function stepCompleted(plan: WorkflowPlan, completed: readonly StepResult[]): NewEvent {
  const index = completed.length;
  const step = { index, name: plan.steps[index - 1] ?? '', status: 'completed' as const };
  return {
    type: 'step_completed',
    data: { run_id: plan.runId, step, workflow: workflowAt(plan, completed) },
  };
}

/** The step in hand and all after it stay undone. */
export function workflowCanceled(workflow: Workflow): NewEvent {
  const step = { index: workflow.step, name: workflow.pending[0] ?? '', status: 'canceled' as const };
  return {
    type: 'step_completed',
    data: { run_id: workflow.workflow_id, step, workflow: { ...workflow, status: 'canceled' } },
  };
}
