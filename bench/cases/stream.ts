import { setTimeout as sleep } from 'node:timers/promises';
import { cpuDuring, withSubjects } from '../harness/field.ts';
import type { StreamJob, StreamResult } from '../load/job.ts';
import type { BenchPlan } from '../plan.ts';
import type { CaseReport } from '../report/model.ts';
import { Rounds } from '../report/rounds.ts';

export async function streamCase({ rounds, stream }: BenchPlan): Promise<CaseReport> {
  const [rate, cpu] = [new Rounds(), new Rounds()];
  const { sessions, readers, everyMs, warmUpMs, measureMs } = stream;
  const chunks = Math.ceil((warmUpMs + measureMs + 1000) / everyMs);
  await withSubjects({ AGENT: 'demo' }, async (subjects) => {
    for (let round = 0; round < rounds; round++)
      for (const subject of subjects) {
        const ask = <T>(job: StreamJob) => subject.load.ask<T>(job);
        await ask({ ask: 'stream', step: 'begin', sessions, readers, everyMs, chunks, warmUpMs });
        const { value, cpuMs } = await cpuDuring(subject, () =>
          ask<StreamResult>({ ask: 'stream', step: 'measure', measureMs }),
        );
        await ask({ ask: 'stream', step: 'end' });
        // The writers go on without readers until they are done.
        await sleep(1500);
        rate.add(round, subject.name, (value.delivered / value.tookMs) * 1000);
        cpu.add(round, subject.name, (cpuMs / value.delivered) * 1000);
      }
  });
  const offered = (sessions * readers * 1000) / everyMs;
  return {
    title: 'Stream',
    text:
      `${sessions} sessions stream at once, a chunk each ${everyMs} ms, every one to ${readers} readers: ${offered} chunks/s ` +
      'are offered, each stored before it is sent (Socket.IO: after). Holdfast’s come from its demo agent counting, the ' +
      'others’ from a timer in the server. Who delivers what was offered keeps up; what it costs is the processor time.',
    figures: [rate.figure('chunks/s', 0), cpu.figure('server CPU µs each', 2)],
    verdicts: [],
    faults: [],
  };
}
