import type { SubjectName } from '../harness/subjects.ts';

/** One figure of every subject. */
export interface Figure {
  readonly name: string;
  readonly digits: number;
  readonly values: ReadonlyMap<SubjectName, number>;
  /** Divided by the floor's; the median over the rounds. Left out where a ratio says nothing. */
  readonly ratios?: undefined | ReadonlyMap<SubjectName, number>;
}

/** What one case came to. */
export interface CaseReport {
  readonly title: string;
  /** What exactly was done and counted. */
  readonly text: string;
  readonly figures: readonly Figure[];
  readonly verdicts: readonly Verdict[];
  /** Why figures do not count, a line each: a message lost or doubled. */
  readonly faults: readonly string[];
}

/** One aim, and what was reached. */
export interface Verdict {
  readonly aim: string;
  readonly reached: number;
  readonly limit: number;
  readonly atLeast: boolean;
  /** Said where it is missed. */
  readonly why: string;
}

export function isMet({ reached, limit, atLeast }: Verdict): boolean {
  return atLeast ? reached >= limit : reached <= limit;
}
