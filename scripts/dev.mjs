// The server with reload and the web client's development server, side by side; when one ends, so does the other.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, start } from './run.mjs';

const children = [start('node', ['--watch', '--env-file-if-exists=.env', 'server/main.ts'])];
if (existsSync(join(root, 'client', 'web')))
  children.push(start('vite', ['client/web', '--port', '5173', '--strictPort']));

const stop = () => {
  for (const child of children) child.kill('SIGTERM');
};
for (const child of children) child.once('exit', stop);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
