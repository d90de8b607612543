// Runs the benchmarks, which have dependencies of their own, and passes the arguments on.
import { join } from 'node:path';
import { root, run } from './run.mjs';
import { install, isInstalled } from './setup/dependencies.mjs';

const bench = join(root, 'bench');
if (!isInstalled(bench)) await install(bench);
process.exitCode = await run('node', ['bench/main.ts', ...process.argv.slice(2)]);
