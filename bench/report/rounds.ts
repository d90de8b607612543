import { median } from '../harness/stats.ts';
import { SUBJECTS, type SubjectName } from '../harness/subjects.ts';
import type { Figure } from './model.ts';

/** What was measured, by subject and round. Rounds are interleaved: each subject is measured once before any is again. */
export class Rounds {
  readonly #rounds: Map<SubjectName, number>[] = [];

  add(round: number, subject: SubjectName, value: number): void {
    this.#rounds[round] ??= new Map();
    this.#rounds[round]?.set(subject, value);
  }

  /** The median over the rounds. */
  values(): Map<SubjectName, number> {
    return this.#medians((_, value) => value);
  }

  /**
   * The median over the rounds of the subject's value by that of `base` in the same round: what else the machine did
   * meanwhile burdened both.
   */
  ratios(base: SubjectName = 'floor'): Map<SubjectName, number> {
    return this.#medians((round, value) => value / (round.get(base) ?? Number.NaN));
  }

  figure(name: string, digits: number): Figure {
    return { name, digits, values: this.values(), ratios: this.ratios() };
  }

  #medians(
    value: (round: ReadonlyMap<SubjectName, number>, own: number) => number,
  ): Map<SubjectName, number> {
    return new Map(
      SUBJECTS.map((subject) => {
        const found = this.#rounds.flatMap((round) => {
          const own = round.get(subject);
          return own === undefined ? [] : [value(round, own)];
        });
        return [subject, median(found)];
      }),
    );
  }
}
