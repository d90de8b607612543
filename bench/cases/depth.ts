import { withSubjects } from '../harness/field.ts';
import type { SubjectName } from '../harness/subjects.ts';
import type { DepthJob, DepthResult } from '../load/job.ts';
import type { BenchPlan } from '../plan.ts';
import type { CaseReport } from '../report/model.ts';

export async function depthCase({ depth }: BenchPlan): Promise<CaseReport> {
  const measured = new Map<SubjectName, DepthResult>();
  await withSubjects({}, async (subjects) => {
    const job: DepthJob = { ask: 'depth', ...depth };
    for (const { name, load } of subjects) measured.set(name, await load.ask<DepthResult>(job));
  });
  const { depths, missed } = depth;
  const [most, least] = [
    Math.max(...(measured.get('Holdfast') ?? [])),
    Math.min(...(measured.get('Holdfast') ?? [])),
  ];
  return {
    title: 'Restore by depth',
    text:
      `How long one client takes to come back, from opening its connection to the last of the ${missed} messages that it ` +
      'missed, by how much its session holds. A session for each depth, restored in turns; the median of many. Socket.IO ' +
      'keeps all sessions in one stream and reads what all of them said since: the oldest session here is its slowest.',
    figures: depths.map((stored, i) => ({
      name: `${stored.toLocaleString('en')} stored, ms`,
      digits: 2,
      values: new Map([...measured].map(([name, times]) => [name, times[i] ?? Number.NaN])),
    })),
    verdicts: [
      {
        aim: 'slowest depth by fastest depth',
        reached: most / least,
        limit: 1.5,
        atLeast: false,
        why: 'A single restore takes a millisecond or two, so what else the machine does shows in it.',
      },
    ],
    faults: [],
  };
}
