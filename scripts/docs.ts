// Brings the made parts of the documents up to date, and says which rules no test cites.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { citedRules, specifiedRules } from './docs/rules.ts';
import { withSettings } from './docs/settings-table.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = join(root, 'README.md');
writeFileSync(readme, withSettings(readFileSync(readme, 'utf8')));

const cited = citedRules(root);
const uncited = specifiedRules(root).filter((id) => !cited.has(id));
console.log(uncited.length === 0 ? 'every rule is cited by a test' : `no test cites: ${uncited.join(', ')}`);
