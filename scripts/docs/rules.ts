import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where tests are: files of tests, and the suites that they register. */
const TESTS = [
  '{protocol,server,client,agent,scripts,e2e}/**/*.{test,spec}.ts',
  'test-helpers/**/*.test.ts',
  'test-helpers/store-contract/*.ts',
];
const RULE = /^- \*\*([A-Z]{3}-\d+)\*\* /gm;
/** The beginning of a test's title: one rule, or several. */
const TITLE = /['"`]((?:[A-Z]{3}-\d+[ ,]+)+)\S/g;

/** The ids of all rules of the specification, in its order. */
export function specifiedRules(root: string): string[] {
  return [...readFileSync(join(root, 'SPEC.md'), 'utf8').matchAll(RULE)].map((match) => match[1] ?? '');
}

/** Which files cite a rule in the title of a test. */
export function citedRules(root: string): Map<string, string[]> {
  const cited = new Map<string, string[]>();
  for (const file of globSync(TESTS, { cwd: root, exclude: ['**/node_modules/**'] }).sort())
    for (const [, ids = ''] of readFileSync(join(root, file), 'utf8').matchAll(TITLE))
      for (const [id] of ids.matchAll(/[A-Z]{3}-\d+/g)) {
        const files = cited.get(id) ?? [];
        if (!files.includes(file)) files.push(file);
        cited.set(id, files);
      }
  return cited;
}
