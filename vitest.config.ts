import { existsSync } from 'node:fs';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';

// Suites that need a real Redis beside the code they test; everything else under the unit folders runs anywhere.
const withRedis = [
  'server/store/**/*.contract.test.ts',
  'server/store/redis/**/*.test.ts',
  'test-helpers/**/*.test.ts',
];

const project = (name: string, include: string[], options: object = {}) => ({
  test: { name, include, ...options },
});

const web = {
  plugins: [svelte({ configFile: false }), svelteTesting()],
  test: { name: 'web', include: ['client/web/**/*.test.ts'], environment: 'jsdom' },
};

export default defineConfig({
  test: {
    passWithNoTests: false,
    projects: [
      project('unit', ['{protocol,server,client/sdk,agent,scripts}/**/*.test.ts'], { exclude: withRedis }),
      project('store', withRedis, { testTimeout: 30_000, hookTimeout: 60_000 }),
      project('wire', ['e2e/wire/**/*.test.ts'], {
        maxWorkers: 2,
        testTimeout: 60_000,
        hookTimeout: 60_000,
      }),
      // One file at a time: some fill the machine on purpose.
      project('attack', ['e2e/{attack,fuzz}/**/*.test.ts'], {
        testTimeout: 120_000,
        hookTimeout: 60_000,
        fileParallelism: false,
      }),
      // The only suite with timing assertions: nothing runs beside it.
      project('seed', ['e2e/seed/**/*.test.ts'], {
        testTimeout: 60_000,
        hookTimeout: 60_000,
        fileParallelism: false,
      }),
      project('property', ['e2e/property/**/*.test.ts'], { testTimeout: 600_000, hookTimeout: 60_000 }),
      project('fault', ['e2e/fault/**/*.test.ts'], {
        testTimeout: 600_000,
        hookTimeout: 60_000,
        fileParallelism: false,
      }),
      ...(existsSync('client/web') ? [web] : []),
    ],
  },
});
