// Runs test suites one after another. Ends with what failed, once more, and one line: `N passed, N failed`.
//   node scripts/test.mjs [--full] [suite ...]      without names: all of `everything`
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';
import { setup } from './setup.mjs';
import { readPlaywright, readVitest } from './test/reports.mjs';

// What `npm test` runs, in this order. A suite named here that executes no test is a failure.
const everything = ['unit', 'web', 'store', 'wire', 'attack', 'seed', 'property', 'fault', 'e2e'];

const suites = {
  unit: { runner: vitest, needs: [] },
  web: { runner: vitest, needs: [] },
  store: { runner: vitest, needs: ['redis'] },
  wire: { runner: vitest, needs: ['redis'] },
  attack: { runner: vitest, needs: ['redis'] },
  seed: { runner: vitest, needs: ['redis'] },
  property: { runner: vitest, needs: ['redis'] },
  fault: { runner: vitest, needs: ['redis'] },
  e2e: { runner: playwright, needs: ['web', 'redis', 'browsers'] },
};

async function vitest(name, report, env) {
  const args = [
    'run',
    '--project',
    name,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  return { status: await run('vitest', args, { env }), read: readVitest };
}

async function playwright(_name, report, env) {
  const args = ['test', '--reporter=list,json'];
  const status = await run('playwright', args, { env: { ...env, PLAYWRIGHT_JSON_OUTPUT_FILE: report } });
  return { status, read: readPlaywright };
}

/**
 * Runs one suite: {passed, failures}. Whatever hinders it from running its tests, a missing program included,
 * is one failure.
 */
async function runSuite(name, env) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-report-'));
  const report = join(folder, 'report.json');
  console.log(`\n== ${name}`);
  try {
    await setup(['dependencies', ...suites[name].needs]);
    const { status, read } = await suites[name].runner(name, report, env);
    const { passed, failures, skipped } = read(JSON.parse(readFileSync(report, 'utf8')));
    failures.push(...skipped.map((title) => `skipped, which counts as failed: ${title}`));
    if (failures.length === 0 && status !== 0) failures.push(`the runner ended with exit status ${status}`);
    if (failures.length === 0 && passed === 0) failures.push('no test was executed');
    return { passed, failures };
  } catch (error) {
    return { passed: 0, failures: [error.code === 'ENOENT' ? 'the runner wrote no report' : error.message] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const words = process.argv.slice(2);
const env = words.includes('--full') ? { HOLDFAST_FULL: '1' } : {};
const named = words.filter((word) => !word.startsWith('--'));
const unknown = named.filter((name) => !Object.hasOwn(suites, name));
if (unknown.length > 0) {
  console.error(`No such suite: ${unknown.join(', ')}. There are: ${Object.keys(suites).join(', ')}.`);
  process.exit(2);
}

const results = [];
for (const name of named.length > 0 ? named : everything)
  results.push({ name, ...(await runSuite(name, env)) });

for (const { name, failures } of results) {
  for (const failure of failures) console.log(`\nFAILED in ${name}: ${failure}`);
}
console.log('');
for (const { name, passed, failures } of results) {
  console.log(`${name}: ${passed} passed, ${failures.length} failed`);
}
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failures.length, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
