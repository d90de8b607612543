import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from '../run.mjs';

// What the tests need that npm does not bring: where each is looked for, and the Debian package that has it.
const groups = {
  redis: [
    { name: 'redis-server', package: 'redis-server' },
    { name: 'redis-cli', package: 'redis-server' },
  ],
  browsers: [
    { name: 'chromium', package: 'chromium' },
    { name: 'firefox-esr', package: 'firefox-esr' },
    { name: 'WebKitWebDriver', package: 'webkit2gtk-driver' },
    { name: 'MiniBrowser', package: 'webkit2gtk-driver', find: findMiniBrowser },
    { name: 'Xvfb', package: 'xvfb', with: ['xauth', 'dbus'] },
  ],
};

/**
 * Makes sure that a group's programs are there: as root on a Debian they are installed, elsewhere
 * the error has one line for each that is missing and how to get it.
 */
export async function ensurePrograms(group) {
  if (missing(group).length === 0) return;
  if (process.getuid?.() === 0 && inPath('apt-get')) await aptInstall(missing(group));
  const lines = missing(group).map(
    ({ name, package: from }) =>
      `${name} is missing: apt-get install --no-install-recommends ${from} (as root)`,
  );
  if (lines.length > 0) throw new Error(lines.join('\n'));
}

function missing(group) {
  return groups[group].filter(({ name, find = inPath }) => !find(name));
}

async function aptInstall(programs) {
  const packages = [...new Set(programs.flatMap((p) => [p.package, ...(p.with ?? [])]))];
  console.log(`Installing ${packages.join(', ')} (apt-get) ...`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const stdio = ['ignore', 'ignore', 'inherit'];
  await run('apt-get', ['update', '-q'], { env, stdio });
  await run('apt-get', ['install', '-yq', '--no-install-recommends', ...packages], { env, stdio });
}

function inPath(name) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name)));
}

function findMiniBrowser() {
  return ['/usr/lib', '/usr/libexec', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu'].some(
    (folder) => isExecutable(join(folder, 'webkit2gtk-4.1', 'MiniBrowser')),
  );
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
