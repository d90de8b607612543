import type { Machine } from './machine.ts';
import type { CaseReport } from './model.ts';
import { tableOf, verdictLine } from './text.ts';

/** `docs/benchmarks.md`. */
export function documentOf(reports: readonly CaseReport[], machine: Machine): string {
  const parts = [
    '# Benchmarks',
    'Written by `npm run bench -- --write`; do not edit. What is measured is in `bench/`.',
    machineLines(machine),
    INTRODUCTION,
    '## Aims',
    reports
      .flatMap(({ title, verdicts, faults }) => [
        ...verdicts.map((verdict) => `- ${title}: ${verdictLine(verdict)}`),
        ...faults.map((fault) => `- ${title}: **${fault}**`),
      ])
      .join('\n'),
    ...reports.flatMap((report) => [`## ${report.title}`, report.text, tableOf(report)]),
    LIMITS,
  ];
  return `${parts.join('\n\n')}\n`;
}

function machineLines(machine: Machine): string {
  return [
    `| date | ${machine.date} |`,
    '|---|---|',
    `| machine | ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.system} |`,
    `| Node | ${machine.node} |`,
    `| Redis | ${machine.redis}, one process on loopback, no append-only file |`,
    `| load average before and after | ${machine.loadBefore}, ${machine.loadAfter} |`,
  ].join('\n');
}

const INTRODUCTION = `Four subjects, each a process of its own over the same Redis, with the same load from a load generator of its own:

- **floor**: bare \`ws\` and one plain Redis call for each message, restore and chunk, with the record sent to its sender too. It promises nothing: no identity, no order between nodes, no duplicates found, no limits.
- **second floor**: bare \`ws\` and the project's own Redis function in place of the plain call.
- **Socket.IO** with connection state recovery on its Redis Streams adapter.
- **Holdfast** with production settings; only the limits that hold one address or subject back are off.

Cases are measured in rounds that are interleaved: every subject once, then every subject again. Figures are medians over the rounds; in brackets stands the figure by the floor's, as the median of each round's own ratio. The load generator is the raw \`ws\` client for all of them and parses nothing on its hot path.`;

const LIMITS = `## What this does not say

- Servers, load generators and Redis share the machine's cores, so rates are those of all three together: a subject that needs less Redis or less of the load generator gains from it. The server's own processor time, where it is given, does not depend on that.
- Redis kept nothing on disk. With \`appendfsync always\` the disk decides, for all subjects alike.
- One server process each. Holdfast publishes to other nodes only for sessions that are open on several; that cost is not in here.
- Holdfast gathers what one turn of the event loop writes to a socket, and to Redis, into one system call each; the floors write as \`ws\` and \`ioredis\` do when nobody tells them otherwise. A floor that did the same would be faster.`;
