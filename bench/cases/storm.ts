import { withSubjects } from '../harness/field.ts';
import { median, sum } from '../harness/stats.ts';
import type { SubjectName } from '../harness/subjects.ts';
import type { StormCycle, StormJob } from '../load/job.ts';
import type { BenchPlan } from '../plan.ts';
import type { CaseReport, Figure } from '../report/model.ts';
import { Rounds } from '../report/rounds.ts';

export async function stormCase({ rounds, storm }: BenchPlan): Promise<CaseReport> {
  const [rate, p50, p99] = [new Rounds(), new Rounds(), new Rounds()];
  const [lost, doubled] = [new Map<SubjectName, number>(), new Map<SubjectName, number>()];
  const { sessions, missed, cycles, cyclesMs: maxMs } = storm;
  await withSubjects({}, async (subjects) => {
    const spentMs = new Map<SubjectName, number>();
    for (let round = 0; round < rounds; round++)
      for (const { name, load } of subjects) {
        const spent = spentMs.get(name) ?? 0;
        if (spent > storm.roundsMs) continue;
        const began = performance.now();
        const job: StormJob = { ask: 'storm', sessions, missed, cycles, maxMs };
        const done = await load.ask<readonly StormCycle[]>(job);
        spentMs.set(name, spent + performance.now() - began);
        rate.add(round, name, median(done.map((cycle) => (sessions / cycle.tookMs) * 1000)));
        p50.add(round, name, median(done.map((cycle) => cycle.p50Ms)));
        p99.add(round, name, median(done.map((cycle) => cycle.p99Ms)));
        lost.set(name, (lost.get(name) ?? 0) + sum(done.map((cycle) => cycle.lost)));
        doubled.set(name, (doubled.get(name) ?? 0) + sum(done.map((cycle) => cycle.doubled)));
      }
  });
  const counted = (name: string, values: Map<SubjectName, number>): Figure => ({ name, digits: 0, values });
  return {
    title: 'Restore storm',
    text:
      `${sessions} sessions of two connections. One of each is cut, the other says ${missed} messages meanwhile, and then ` +
      `all ${sessions} come back in the same moment, each with a new connection, its place and (Holdfast) its tokens. ` +
      'Restored is who has the last missed message; lost and doubled are counted by number.',
    figures: [
      rate.figure('restored/s', 0),
      p50.figure('p50 ms', 1),
      p99.figure('p99 ms', 1),
      counted('lost', lost),
      counted('doubled', doubled),
    ],
    verdicts: [
      {
        aim: 'restored/s, of the floor’s',
        reached: rate.ratios().get('Holdfast') ?? 0,
        limit: 0.7,
        atLeast: true,
        why: 'Each restore verifies a key and a token, signs the next token, attaches the connection in the store and shows the session, where the floor reads a range.',
      },
    ],
    faults: [...lost, ...doubled].some(([name, count]) => name === 'Holdfast' && count > 0)
      ? ['Holdfast lost or doubled messages: its figures are void']
      : [],
  };
}
