import { EMPTY_STATE, type SessionState } from './state.ts';

/**
 * The folded state in pieces, as the store keeps it beside the log: an open needs no fold, and an append writes only
 * the pieces that it changed. `context` pieces are spliced into `session_restored` as they are, without being parsed.
 */
export const CELLS = ['memory', 'preferences', 'workflow', 'tools', 'run'] as const;
export type CellName = (typeof CELLS)[number];
export type Cells = Readonly<Record<string, string>>;

const EMPTY: Readonly<Record<CellName, string>> = {
  memory: '{}',
  preferences: '{}',
  workflow: 'null',
  tools: '[]',
  run: '{}',
};

/** The cell's JSON, or that of an empty session. */
export function cell(cells: Cells, name: CellName): string {
  return cells[name] ?? EMPTY[name];
}

/** The cells that differ between two states, as JSON. */
export function changedCells(before: SessionState, after: SessionState): Record<string, string> {
  const changed: Record<string, string> = {};
  if (before.memory !== after.memory) changed.memory = JSON.stringify(after.memory);
  if (before.preferences !== after.preferences) changed.preferences = JSON.stringify(after.preferences);
  if (before.workflow !== after.workflow) changed.workflow = JSON.stringify(after.workflow);
  if (before.toolCalls !== after.toolCalls) changed.tools = JSON.stringify(after.toolCalls);
  if (
    before.run !== after.run ||
    before.queue !== after.queue ||
    before.lastRun !== after.lastRun ||
    before.resolvedInputs !== after.resolvedInputs
  )
    changed.run = JSON.stringify({
      run: after.run,
      queue: after.queue,
      lastRun: after.lastRun,
      resolvedInputs: after.resolvedInputs,
    });
  return changed;
}

/** The part of the state that says what is at work; parsed by itself because every restore shows it. */
export function runPart(cells: Cells): Pick<SessionState, 'run' | 'queue' | 'lastRun' | 'resolvedInputs'> {
  const json = cells.run;
  if (json === undefined) return EMPTY_STATE;
  return JSON.parse(json);
}

/** The state that the cells hold. */
export function stateOf(cells: Cells, personMessages: number): SessionState {
  if (Object.keys(cells).length === 0) return { ...EMPTY_STATE, personMessages };
  return {
    ...runPart(cells),
    memory: JSON.parse(cell(cells, 'memory')),
    preferences: JSON.parse(cell(cells, 'preferences')),
    workflow: JSON.parse(cell(cells, 'workflow')),
    toolCalls: JSON.parse(cell(cells, 'tools')),
    personMessages,
  };
}
