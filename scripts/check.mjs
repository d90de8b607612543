// Everything that can be said about the code without running it. All steps run, so one call shows all faults.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './run.mjs';
import { install, isInstalled } from './setup/dependencies.mjs';

const web = existsSync(join(root, 'client', 'web'));
const exists = (path) => existsSync(join(root, path));
const folders = ['protocol', 'server', 'client', 'agent', 'e2e', 'bench', 'scripts', 'test-helpers'].filter(
  exists,
);
const tsconfigs = ['tsconfig.json', 'tsconfig.browser.json', 'e2e/browser/tsconfig.json'];

const steps = [
  ['format and lint', 'biome', ['check', '--error-on-warnings']],
  [
    'import directions',
    'depcruise',
    ['--config', '.dependency-cruiser.mjs', '--output-type', 'err-long', ...folders],
  ],
  ...tsconfigs.map((file) => [`types (${file})`, 'tsc', ['--project', file]]),
  ...(web
    ? [
        [
          'types (client/web)',
          'svelte-check',
          ['--workspace', 'client/web', '--fail-on-warnings', '--output', 'human'],
        ],
      ]
    : []),
  ['dead code and unused dependencies', 'knip', ['--no-progress']],
];

// The benchmarks have packages of their own, whose types are needed here.
const bench = join(root, 'bench');
if (exists('bench/package.json') && !isInstalled(bench)) await install(bench);

const failed = [];
for (const [title, command, args] of steps) {
  console.log(`\n== ${title}`);
  if ((await run(command, args)) !== 0) failed.push(title);
}
console.log(failed.length > 0 ? `\ncheck failed: ${failed.join(', ')}` : '\ncheck passed');
process.exitCode = failed.length > 0 ? 1 : 0;
