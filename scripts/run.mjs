// Starting child processes for the other scripts. Built-ins only: it also runs on a Node older than the project's own.
import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The environment in which `node` is the project's Node, also where npm did not set that up. */
export function projectEnv(extra = {}) {
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
  return { ...process.env, PATH: path, ...extra };
}

/** Starts `command` in the root folder with our own output; on Windows through a shell, which finds `.cmd` files. */
export function start(command, args, { env = {}, stdio = 'inherit' } = {}) {
  return spawn(command, args, {
    cwd: root,
    env: projectEnv(env),
    stdio,
    shell: process.platform === 'win32',
  });
}

/** Runs `command` to its end and resolves to its exit status; a signal or a command that is missing counts as 1. */
export function run(command, args, options) {
  return new Promise((resolve) => {
    const child = start(command, args, options);
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
