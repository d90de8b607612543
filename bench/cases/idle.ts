import { withSubjects } from '../harness/field.ts';
import type { Usage } from '../harness/probe.ts';
import type { Subject } from '../harness/subjects.ts';
import type { IdleJob } from '../load/job.ts';
import type { BenchPlan } from '../plan.ts';
import type { CaseReport } from '../report/model.ts';
import { Rounds } from '../report/rounds.ts';

/**
 * V8's nursery grows with any burst, by more than thousands of idle connections take, up to a size that depends on the
 * machine's memory: here it is held at what Node documents as its default.
 */
const NURSERY = { NODE_OPTIONS: '--max-semi-space-size=16' };

export async function idleCase({ idle }: BenchPlan): Promise<CaseReport> {
  const [heap, resident] = [new Rounds(), new Rounds()];
  // Anew each round: what a process held once it does not give back.
  for (let round = 0; round < idle.rounds; round++)
    await withSubjects(NURSERY, async (subjects) => {
      for (const subject of subjects) {
        const before = await usageAt(subject, idle.from);
        const after = await usageAt(subject, idle.to);
        await usageAt(subject, 0);
        const more = idle.to - idle.from;
        heap.add(round, subject.name, (after.heapBytes - before.heapBytes) / more);
        resident.add(round, subject.name, (after.rssBytes - before.rssBytes) / more);
      }
    });
  return {
    title: 'Idle memory',
    text:
      `What a connection that does nothing costs, each in a session of its own: the difference between ${idle.to} and ` +
      `${idle.from} of them, after a garbage collection, by their number. The heap is what the collector found alive ` +
      '(with buffers outside it); resident is what the process holds, and includes what the collector has not given back. ' +
      'All servers run with `--max-semi-space-size=16` here: else a nursery that once grew counts as connections.',
    figures: [heap.figure('heap bytes', 0), resident.figure('resident bytes', 0)],
    verdicts: [
      {
        aim: 'heap bytes, of the floor’s',
        reached: heap.ratios().get('Holdfast') ?? 0,
        limit: 1.5,
        atLeast: false,
        why: 'Beside the socket there is a connection’s state, its cursor and its live session, which the floor has not.',
      },
      {
        aim: 'resident bytes, of the floor’s',
        reached: resident.ratios().get('Holdfast') ?? 0,
        limit: 1.5,
        atLeast: false,
        why: 'Coming in leaves garbage (a request, tokens, replies of Redis) between what stays, and the pages that both lie on are not given back.',
      },
    ],
    faults: [],
  };
}

async function usageAt({ load, server }: Subject, connections: number): Promise<Usage> {
  const job: IdleJob = { ask: 'idle', connections };
  await load.ask(job);
  return server.ask<Usage>({ ask: 'usage' });
}
