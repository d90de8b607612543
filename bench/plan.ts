/** How much of everything is measured. */
export interface BenchPlan {
  readonly rounds: number;
  readonly append: {
    readonly rounds: number;
    readonly connections: number;
    readonly warmUpMs: number;
    readonly measureMs: number;
  };
  readonly storm: {
    readonly sessions: number;
    readonly missed: number;
    readonly cycles: number;
    /** No further cycle, and no further round, is begun for a subject that has taken so long. */
    readonly cyclesMs: number;
    readonly roundsMs: number;
  };
  readonly stream: {
    readonly sessions: number;
    readonly readers: number;
    readonly everyMs: number;
    readonly warmUpMs: number;
    readonly measureMs: number;
  };
  /** Memory is the difference between so many connections and so many. */
  readonly idle: { readonly rounds: number; readonly from: number; readonly to: number };
  readonly depth: {
    readonly depths: readonly number[];
    readonly missed: number;
    readonly restores: number;
    readonly maxMs: number;
  };
}

export const FULL: BenchPlan = {
  rounds: 5,
  append: { rounds: 12, connections: 64, warmUpMs: 400, measureMs: 1000 },
  storm: { sessions: 300, missed: 10, cycles: 5, cyclesMs: 3000, roundsMs: 8000 },
  stream: { sessions: 40, readers: 50, everyMs: 50, warmUpMs: 500, measureMs: 2000 },
  idle: { rounds: 3, from: 1000, to: 4000 },
  depth: { depths: [10, 100, 1000, 10_000, 100_000], missed: 10, restores: 100, maxMs: 10_000 },
};

/** A look that takes less than a minute. */
export const QUICK: BenchPlan = {
  rounds: 2,
  append: { rounds: 3, connections: 64, warmUpMs: 400, measureMs: 800 },
  storm: { sessions: 100, missed: 10, cycles: 3, cyclesMs: 1000, roundsMs: 3000 },
  stream: { sessions: 20, readers: 25, everyMs: 50, warmUpMs: 300, measureMs: 700 },
  idle: { rounds: 1, from: 500, to: 2500 },
  depth: { depths: [10, 1000, 10_000], missed: 10, restores: 20, maxMs: 3000 },
};
