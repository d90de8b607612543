// Runs test suites one after another and ends with one line: `N passed, N failed`.
//   node scripts/test.mjs [--full] [suite ...]      without names: all of `everything`
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';
import { setup } from './setup.mjs';
import { readPlaywright, readVitest } from './test/reports.mjs';

// What `npm test` runs, in this order. A suite named here that executes no test is a failure.
const everything = ['unit', 'web', 'store', 'wire', 'seed', 'property', 'fault'];

const suites = {
  unit: { runner: vitest, needs: [] },
  web: { runner: vitest, needs: [] },
  store: { runner: vitest, needs: ['redis'] },
  wire: { runner: vitest, needs: ['redis'] },
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

/** Runs one suite. Whatever hinders it from running its tests, a missing program included, is one failure. */
async function runSuite(name, env) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-report-'));
  const report = join(folder, 'report.json');
  console.log(`\n== ${name}`);
  try {
    await setup(['dependencies', ...suites[name].needs]);
    const { status, read } = await suites[name].runner(name, report, env);
    const { passed, failed, skipped } = read(JSON.parse(readFileSync(report, 'utf8')));
    for (const title of skipped) console.log(`skipped, which counts as failed: ${title}`);
    const bad = failed + skipped.length;
    if (bad > 0 || (status === 0 && passed > 0)) return { passed, failed: bad };
    console.log(status === 0 ? 'no test was executed' : `the runner ended with exit status ${status}`);
    return { passed, failed: 1 };
  } catch (error) {
    console.log(error.code === 'ENOENT' ? 'the runner wrote no report' : error.message);
    return { passed: 0, failed: 1 };
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
for (const name of named.length > 0 ? named : everything) results.push([name, await runSuite(name, env)]);

console.log('');
for (const [name, { passed, failed }] of results) console.log(`${name}: ${passed} passed, ${failed} failed`);
const total = (key) => results.reduce((sum, [, result]) => sum + result[key], 0);
console.log(`${total('passed')} passed, ${total('failed')} failed`);
process.exitCode = total('failed') > 0 ? 1 : 0;
