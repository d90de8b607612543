import { cpuDuring, firstLonger, withSubjects } from '../harness/field.ts';
import type { AppendJob, AppendResult } from '../load/job.ts';
import type { BenchPlan } from '../plan.ts';
import type { CaseReport } from '../report/model.ts';
import { Rounds } from '../report/rounds.ts';

export async function appendCase({ append }: BenchPlan): Promise<CaseReport> {
  const [rate, p50, p99, cpu] = [new Rounds(), new Rounds(), new Rounds(), new Rounds()];
  await withSubjects({}, async (subjects) => {
    for (let round = 0; round < append.rounds; round++)
      for (const subject of subjects) {
        const ask = <T>(job: AppendJob) => subject.load.ask<T>(job);
        const { connections, warmUpMs, measureMs } = append;
        await ask({ ask: 'append', step: 'begin', connections, warmUpMs: firstLonger(round, warmUpMs) });
        const { value, cpuMs } = await cpuDuring(subject, () =>
          ask<AppendResult>({ ask: 'append', step: 'measure', measureMs }),
        );
        await ask({ ask: 'append', step: 'end' });
        rate.add(round, subject.name, (value.acknowledged / value.tookMs) * 1000);
        p50.add(round, subject.name, value.p50Ms);
        p99.add(round, subject.name, value.p99Ms);
        cpu.add(round, subject.name, (cpuMs / value.acknowledged) * 1000);
      }
  });
  return {
    title: 'Append',
    text:
      `${append.connections} connections, each in a session of its own, in a closed loop: each sends its next message of ` +
      '136 characters once the one before was acknowledged and its record has come back. The floor stores with `XADD`, ' +
      'the second floor with the project’s own function. Socket.IO acknowledges before it stores.',
    figures: [
      rate.figure('acknowledged/s', 0),
      p50.figure('p50 ms', 2),
      p99.figure('p99 ms', 2),
      cpu.figure('server CPU µs each', 1),
    ],
    verdicts: [
      {
        aim: 'acknowledged/s, of the floor’s',
        reached: rate.ratios().get('Holdfast') ?? 0,
        limit: 0.7,
        atLeast: true,
        why: 'Identity, validation, the decision and the fold cost the server’s one thread more than the floor’s parsing.',
      },
      {
        aim: 'acknowledged/s, of the second floor’s',
        reached: rate.ratios('second floor').get('Holdfast') ?? 0,
        limit: 0.9,
        atLeast: true,
        why: 'The same function is called; the rest is the server’s own work on each message.',
      },
    ],
    faults: [],
  };
}
