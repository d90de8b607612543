import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package of the lock that is shipped. */
export interface Shipped {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression; `unknown` when the package names none. */
  readonly licence: string;
}

interface LockEntry {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}
type Lock = Readonly<Record<string, LockEntry>>;

/** Licences under which something may be shipped, and nothing has to be asked of anybody first. */
const ALLOWED = new Set([
  ...['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0'],
  // Permissive, like the licence of Python itself: argparse, by which markdown-it's command line reads its arguments. It is not in the page.
  'Python-2.0',
  // Fonts.
  'OFL-1.1',
]);

const BEGIN = '<!-- dependencies: made by `npm run docs` -->';
const END = '<!-- end of dependencies -->';
const FOLDER = 'node_modules/';
/** What a module of the page imports from a package. */
const PACKAGE_IMPORT = /(?:from|import)\s+'((?:@[\w.-]+\/)?[a-z][\w.-]*)(?:\/[^']*)?'/g;

/** What the server runs with: every package of the lock that is not for development alone, optional ones included. */
export function serverPackages(root: string): readonly Shipped[] {
  const lock = readLock(root);
  return listed(
    Object.keys(lock).filter((path) => path !== '' && lock[path]?.dev !== true),
    lock,
  );
}

/** What the page is built from: packages that its modules import, and those that these depend on. */
export function pagePackages(root: string): readonly Shipped[] {
  const lock = readLock(root);
  const found = new Set<string>();
  const add = (path: undefined | string) => {
    if (path === undefined || found.has(path)) return;
    found.add(path);
    for (const name of Object.keys(lock[path]?.dependencies ?? {})) add(resolve(lock, path, name));
  };
  for (const name of importedByPage(root)) add(resolve(lock, '', name));
  return listed([...found], lock);
}

/** Whether an SPDX expression allows to ship a package: one side of an OR, and both of an AND. */
export function isAllowed(licence: string): boolean {
  const sides = (text: string, word: string) => text.split(` ${word} `);
  const bare = licence.replaceAll(/[()]/g, '');
  // With both words in it, somebody has to read it.
  if (bare.includes(' OR ') && bare.includes(' AND ')) return false;
  if (bare.includes(' AND ')) return sides(bare, 'AND').every((one) => ALLOWED.has(one));
  return sides(bare, 'OR').some((one) => ALLOWED.has(one));
}

/** The document with its lists as the lock has them now. Throws when the markers are not there. */
export function withDependencies(text: string, root: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the document has no ${BEGIN} ... ${END}`);
  const sections = [
    `Licences that are allowed: ${[...ALLOWED].join(', ')}.`,
    '## What the server runs with',
    tableOf(serverPackages(root)),
    '## What the page is built from',
    'The packages that its modules import, and what these depend on, whether or not that ends up in the page.',
    tableOf(pagePackages(root)),
  ];
  return `${text.slice(0, begin + BEGIN.length)}\n\n${sections.join('\n\n')}\n\n${text.slice(end)}`;
}

function readLock(root: string): Lock {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Lock };
  return lock.packages;
}

/** Where Node finds a package that the one at `from` imports: in the nearest folder above it. */
function resolve(lock: Lock, from: string, name: string): undefined | string {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf(`/${FOLDER}`)))) {
    const path = `${at === '' ? '' : `${at}/`}${FOLDER}${name}`;
    if (lock[path] !== undefined) return path;
    if (at === '') return undefined;
  }
}

function importedByPage(root: string): ReadonlySet<string> {
  const files = globSync('client/{web,sdk}/**/*.{ts,svelte}', {
    cwd: root,
    exclude: [
      '**/node_modules/**',
      '**/dist/**',
      '**/testing/**',
      '**/*.test.ts',
      '**/*.config.ts',
      '**/*.node.ts',
    ],
  });
  const names = new Set<string>();
  for (const file of files)
    for (const [, name = ''] of readFileSync(join(root, file), 'utf8').matchAll(PACKAGE_IMPORT))
      names.add(name);
  return names;
}

/** By name and version, each once, wherever in the tree it lies. */
function listed(paths: readonly string[], lock: Lock): readonly Shipped[] {
  const shipped = new Map<string, Shipped>();
  for (const path of paths) {
    const name = path.slice(path.lastIndexOf(FOLDER) + FOLDER.length);
    const { version = '', license: licence = 'unknown' } = lock[path] ?? {};
    shipped.set(`${name}@${version}`, { name, version, licence });
  }
  return [...shipped].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

function tableOf(packages: readonly Shipped[]): string {
  const rows = packages.map(({ name, version, licence }) => `| \`${name}\` | ${version} | ${licence} |`);
  return ['| package | version | licence |', '| --- | --- | --- |', ...rows].join('\n');
}
