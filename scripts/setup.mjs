// Makes `npm start` and `npm test` work on a fresh clone: dependencies and the built web client; with --test Redis and
// the browsers too, with --deps dependencies alone. (npm test starts with --deps, and each suite asks for its own needs.)
// Built-ins only, and nothing newer than Node 20: it runs before there are dependencies.
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ensureDependencies } from './setup/dependencies.mjs';
import { ensurePrograms } from './setup/programs.mjs';
import { ensureWebClient } from './setup/web-client.mjs';

const steps = {
  dependencies: ensureDependencies,
  web: ensureWebClient,
  redis: () => ensurePrograms('redis'),
  browsers: () => ensurePrograms('browsers'),
};

/**
 * Brings each of the named needs (`dependencies`, `web`, `redis`, `browsers`) about, in that order.
 * Rejects, after all were tried, with an error whose message is readable lines, one for each thing that is missing.
 */
export async function setup(needs) {
  const faults = [];
  for (const [name, step] of Object.entries(steps)) {
    if (needs.includes(name)) await step().catch((error) => faults.push(error.message));
  }
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const flags = process.argv.slice(2);
  const needs = flags.includes('--deps')
    ? ['dependencies']
    : flags.includes('--test')
      ? Object.keys(steps)
      : ['dependencies', 'web'];
  setup(needs).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
