import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../run.mjs';

const wantedMajor = 24;

/** Installs the locked packages when what is in node_modules is not what the lock names. */
export async function ensureDependencies() {
  if (!isInstalled(root)) {
    console.log('Installing dependencies (npm ci) ...');
    await install(root);
  }
  const own = existsSync(join(root, 'node_modules', '.bin', 'node'));
  if (!own && Number(process.versions.node.split('.')[0]) < wantedMajor)
    throw new Error(
      `Node ${wantedMajor} is needed, and npm has none for ${process.platform}-${process.arch}: install it from https://nodejs.org and run this again (this is ${process.version}).`,
    );
}

/** Installs a folder's own lock, development packages included: the web client is built from them. */
export async function install(folder) {
  const status = await run('npm', ['ci', '--include=dev', '--prefix', folder]);
  if (status !== 0) throw new Error(`npm ci failed in ${folder} (exit status ${status}).`);
}

/**
 * Compares the lock with the one that npm leaves inside node_modules when an installation is complete.
 * Optional packages may be absent: they are other platforms'.
 */
export function isInstalled(folder) {
  const wanted = packagesOf(join(folder, 'package-lock.json'));
  const present = packagesOf(join(folder, 'node_modules', '.package-lock.json'));
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = present[path];
    return found ? found.version === entry.version && found.integrity === entry.integrity : entry.optional;
  });
}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined;
}
