// `npm run bench [-- --quick] [-- --write] [-- CASE ...]`: measures, prints, and with --write keeps it in docs/benchmarks.md.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { appendCase } from './cases/append.ts';
import { depthCase } from './cases/depth.ts';
import { idleCase } from './cases/idle.ts';
import { stormCase } from './cases/storm.ts';
import { streamCase } from './cases/stream.ts';
import { type BenchPlan, FULL, QUICK } from './plan.ts';
import { documentOf } from './report/document.ts';
import { describeMachine, loadNow } from './report/machine.ts';
import type { CaseReport } from './report/model.ts';
import { tableOf, verdictLine } from './report/text.ts';

const CASES: Readonly<Record<string, (plan: BenchPlan) => Promise<CaseReport>>> = {
  storm: stormCase,
  append: appendCase,
  stream: streamCase,
  idle: idleCase,
  depth: depthCase,
};
const DOCUMENT = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.find((name) => !(name in CASES));
if (unknown !== undefined) fail(`there is no case ${unknown}; there are ${Object.keys(CASES).join(', ')}`);
else if (values.write && (values.quick || positionals.length > 0)) fail('--write is for the whole run');
else await run(values.quick ? QUICK : FULL, positionals);

async function run(plan: BenchPlan, names: readonly string[]): Promise<void> {
  const loadBefore = loadNow();
  const reports: CaseReport[] = [];
  for (const [name, measure] of Object.entries(CASES)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const report = await measure(plan);
    reports.push(report);
    const lines = [...report.verdicts.map(verdictLine), ...report.faults].map((line) => `- ${line}`);
    console.log(['', report.title, tableOf(report), ...lines].join('\n').replaceAll('**', ''));
  }
  const machine = describeMachine(loadBefore);
  console.log(`\n${JSON.stringify(machine)}`);
  if (values.write) await writeFile(DOCUMENT, documentOf(reports, machine));
}

function fail(reason: string): void {
  console.error(reason);
  process.exitCode = 1;
}
