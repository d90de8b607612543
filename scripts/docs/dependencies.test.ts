import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isAllowed, pagePackages, serverPackages, withDependencies } from './dependencies.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

describe('docs/dependencies.md', () => {
  it('CFG-25 lists what the lock has (npm run docs writes it)', () => {
    const document = read('docs/dependencies.md');
    expect(withDependencies(document, root)).toBe(document);
  });

  it('CFG-25 holds only what may be shipped', () => {
    const all = [...serverPackages(root), ...pagePackages(root)];
    expect(all.filter(({ licence }) => !isAllowed(licence))).toEqual([]);
  });

  it('CFG-25 lists every dependency of package.json, and what the page is made with', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    const server = new Map(serverPackages(root).map(({ name, version }) => [name, version]));
    for (const [name, version] of Object.entries(dependencies))
      expect([name, server.get(name)]).toEqual([name, version]);
    expect(server.has('vitest')).toBe(false);
    const page = pagePackages(root).map(({ name }) => name);
    expect(page).toEqual(expect.arrayContaining(['svelte', 'markdown-it', 'esm-env']));
    expect(page.some((name) => name.startsWith('@fontsource'))).toBe(true);
    expect(page).not.toContain('vitest');
  });

  it('CFG-25 says what the packages themselves say, where they are installed', () => {
    for (const { name, version, licence } of serverPackages(root)) {
      const file = join('node_modules', name, 'package.json');
      if (!existsSync(join(root, file))) continue;
      const own = JSON.parse(read(file)) as { version: string; license?: string };
      // Another version of it lies deeper in the tree.
      if (own.version === version) expect([name, licence]).toEqual([name, own.license ?? 'unknown']);
    }
  });
});

describe('licences', () => {
  it.each([
    ['MIT', true],
    ['(MPL-2.0 OR Apache-2.0)', true],
    ['MIT AND ISC', true],
    ['MIT AND GPL-3.0', false],
    ['GPL-3.0-only', false],
    ['MPL-2.0', false],
    ['MIT OR GPL-3.0 AND SSPL-1.0', false],
    ['SEE LICENSE IN LICENSE', false],
    ['unknown', false],
    ['', false],
  ])('CFG-25 %s may be shipped: %s', (licence, expected) => {
    expect(isAllowed(licence)).toBe(expected);
  });
});
