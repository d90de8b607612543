import type { LogEvent, NewEvent } from '../protocol/chat/down.ts';
import type { AppendDecision, Decide, Decision, DecisionContext } from '../server/session/decision.ts';
import { EMPTY_STATE, reduce, type SessionState } from '../server/session/state.ts';

/** A session in a test of rules: its state, and the log that led to it. No store, no time but what it is given. */
export class Fold {
  state: SessionState = EMPTY_STATE;
  readonly log: LogEvent[] = [];
  now = 1_000_000;
  partial: DecisionContext['partial'] = null;
  #ids = 0;

  /** Decides without appending. */
  ask(decide: Decide): Decision {
    return decide(this.state, {
      now: this.now,
      newId: () => `run-${++this.#ids}`,
      partial: this.partial,
      logBytes: 0,
    });
  }

  /** Decides and appends. Fails unless the decision is to append. */
  do(decide: Decide): AppendDecision {
    const decision = this.ask(decide);
    if (decision.kind !== 'append') throw new Error(`not appended: ${JSON.stringify(decision)}`);
    this.append(...decision.events);
    if (decision.dropPartial === true) this.partial = null;
    return decision;
  }

  append(...events: readonly NewEvent[]): void {
    for (const event of events) {
      const seq = this.log.length + 1;
      const logged = { ...event, seq, tag: 't', ts: new Date(this.now).toISOString() } as LogEvent;
      this.log.push(logged);
      this.state = reduce(this.state, logged);
    }
  }

  /** A message in flight of the run in hand. */
  stream(text: string): void {
    const runId = this.state.run?.runId ?? '';
    this.partial = {
      messageId: `${runId}.m1`,
      runId,
      attempt: 1,
      count: 1,
      parts: [{ type: 'text', text }],
    };
  }
}

/** What a decision comes to, in short: the types of its events, or why not. */
export function brief(decision: Decision): string | readonly string[] {
  switch (decision.kind) {
    case 'append':
      return decision.events.map((event) => event.type);
    case 'refused':
      return decision.errorType;
    case 'nothing':
      return 'nothing';
  }
}
