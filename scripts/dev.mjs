// The server with reload and the web client's development server, side by side; when one ends, so does the other.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, start } from './run.mjs';

const exists = (...path) => existsSync(join(root, ...path));

// Not --env-file-if-exists: Node 24.21 watches the missing file too, and crashes on it at the end.
const settings = exists('.env') ? ['--env-file=.env'] : [];
const children = [start('node', ['--watch', ...settings, 'server/main.ts'])];
if (exists('client', 'web')) {
  children.push(start('vite', ['client/web', '--port', '5173', '--strictPort']));
}

let stopping = false;

/** Passes the end on, once. */
function stop(signal) {
  if (stopping) return;
  stopping = true;
  for (const child of children) if (child.exitCode === null && signal) child.kill(signal);
}

for (const child of children) child.once('exit', () => stop('SIGTERM'));
process.on('SIGTERM', () => stop('SIGTERM'));
// A terminal sends Ctrl-C to the children itself.
process.on('SIGINT', () => stop(undefined));
