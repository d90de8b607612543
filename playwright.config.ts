import { defineConfig } from '@playwright/test';

// The browsers are the system's own (scripts/setup.mjs installs them). Stock WebKitGTK is no Playwright browser:
// its tests, *.webkit.spec.ts, use the fixture in test-helpers/browsers/webkit.ts.
const webkitTests = /\.webkit\.spec\.ts$/;
// What only Playwright's own Chromium can be told: media, touch, measurements.
const chromiumTests = /\.chromium\.spec\.ts$/;
const asRoot = process.getuid?.() === 0;

export default defineConfig({
  testDir: 'e2e/browser',
  outputDir: 'test-results',
  workers: 2,
  forbidOnly: Boolean(process.env.CI),
  reporter: 'list',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  // A trace costs more than the tests themselves: it is kept on demand.
  use: { trace: process.env.HOLDFAST_TRACE === undefined ? 'off' : 'retain-on-failure' },
  projects: [
    {
      name: 'chromium',
      testIgnore: webkitTests,
      use: {
        browserName: 'chromium',
        launchOptions: {
          executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium',
          args: asRoot ? ['--no-sandbox'] : [],
        },
      },
    },
    {
      name: 'firefox',
      testIgnore: [webkitTests, chromiumTests],
      use: {
        browserName: 'firefox',
        channel: 'moz-firefox',
        launchOptions: { executablePath: `${import.meta.dirname}/test-helpers/browsers/firefox.mjs` },
      },
    },
    { name: 'webkit', testMatch: webkitTests },
  ],
});
