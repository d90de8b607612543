// Brings the made parts of the documents up to date, and says which rules no test cites.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withDependencies } from './docs/dependencies.ts';
import { citedRules, specifiedRules } from './docs/rules.ts';
import { withSettings } from './docs/settings-table.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = join(root, 'README.md');
writeFileSync(readme, withSettings(readFileSync(readme, 'utf8')));
const dependencies = join(root, 'docs', 'dependencies.md');
writeFileSync(dependencies, withDependencies(readFileSync(dependencies, 'utf8'), root));

const cited = citedRules(root);
const uncited = specifiedRules(root).filter((id) => !cited.has(id));
console.log(uncited.length === 0 ? 'every rule is cited by a test' : `no test cites: ${uncited.join(', ')}`);
