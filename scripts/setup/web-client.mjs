import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { root, run } from '../run.mjs';

const web = join(root, 'client', 'web');
const stamp = join(web, 'dist', '.built-from');

/** Builds the web client when its sources are not those of the last build. */
export async function ensureWebClient() {
  if (!existsSync(join(web, 'index.html'))) return;
  const now = sourceHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
  console.log('Building the web client ...');
  const status = await run('vite', ['build', web, '--logLevel', 'warn']);
  if (status !== 0) throw new Error(`The web client could not be built (exit status ${status}).`);
  writeFileSync(stamp, now);
}

/** A digest of everything that goes into the build: names and contents, so that a deleted file counts too. */
function sourceHash() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  for (const folder of [web, join(root, 'client', 'sdk'), join(root, 'protocol')])
    for (const file of sourcesIn(folder))
      hash.update(`\n${relative(root, file)}\n`).update(readFileSync(file));
  return hash.digest('hex');
}

function sourcesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.includes('.test.'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter(
      (file) => !relative(web, file).startsWith(`dist${sep}`) && !file.includes(`${sep}node_modules${sep}`),
    )
    .sort();
}
