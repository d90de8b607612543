import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { test as base } from '@playwright/test';
import { Builder, By, Capabilities, Key, until, type WebDriver } from 'selenium-webdriver';
import { freePort } from '../ports.ts';
import type { Hands } from '../websocket.ts';

/**
 * Playwright's `test` with a `webkit` fixture: a WebDriver session on stock WebKitGTK (MiniBrowser), which Playwright
 * itself cannot drive. It has no auto-waiting: use `expect.poll`. Its window is never narrower than about 450 pixels.
 */
export const test = base.extend<{ webkit: WebDriver }, { webkitDriverUrl: string }>({
  webkitDriverUrl: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from the pattern
    async ({}, use) => {
      const screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'], {
        stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      });
      const [display] = await once(screen.stdio[3] as Readable, 'data');
      const port = await freePort();
      const driver = spawn('WebKitWebDriver', ['--host=127.0.0.1', `--port=${port}`], {
        env: { ...process.env, DISPLAY: `:${String(display).trim()}`, NO_AT_BRIDGE: '1' },
        stdio: 'ignore',
      });
      const url = `http://127.0.0.1:${port}`;
      await answering(url, driver);
      await use(url);
      driver.kill();
      screen.kill();
    },
    { scope: 'worker' },
  ],
  webkit: async ({ webkitDriverUrl }, use) => {
    const options = { binary: miniBrowser(), args: ['--automation'] };
    const session = await new Builder()
      .usingServer(webkitDriverUrl)
      .disableEnvironmentOverrides()
      .withCapabilities(new Capabilities({ browserName: 'MiniBrowser', 'webkitgtk:browserOptions': options }))
      .build();
    await session.manage().setTimeouts({ script: PATIENCE_MS });
    await use(session);
    await session.quit();
  },
});

export { expect } from '@playwright/test';

const PATIENCE_MS = 15_000;

/** The hands of a WebDriver session, for `ClientPage`. */
export function webkitHands(driver: WebDriver): Hands {
  const find = (testId: string) =>
    driver.wait(until.elementLocated(By.css(`[data-testid="${testId}"]`)), PATIENCE_MS);
  /** The page may have drawn the element anew since it was found. */
  const onto = async (testId: string, act: (element: Awaited<ReturnType<typeof find>>) => Promise<void>) => {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await act(await find(testId));
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(30);
      }
    }
  };
  return {
    goto: (url) => driver.get(url),
    reload: () => driver.navigate().refresh(),
    async evaluate<A, R>(fn: (arg: A) => R | Promise<R>, arg: A): Promise<R> {
      const { value, error } = await driver.executeAsyncScript<{ value: R; error?: string }>(
        `const done = arguments[1];
        Promise.resolve((${fn})(arguments[0])).then((value) => done({ value }), (error) => done({ error: String(error) }));`,
        arg,
      );
      if (error !== undefined) throw new Error(error);
      return value;
    },
    fill: (testId, text) =>
      onto(testId, async (element) => {
        await element.clear();
        await element.sendKeys(text);
      }),
    click: (testId) => onto(testId, (element) => element.click()),
    press: (testId, key) =>
      onto(testId, (element) => element.sendKeys(key === 'Enter' ? Key.ENTER : Key.ESCAPE)),
    async textOf(testId) {
      const [element] = await driver.findElements(By.css(`[data-testid="${testId}"]`));
      return element === undefined ? null : ((await element.getProperty('textContent')) as string).trim();
    },
  };
}

async function answering(url: string, driver: ChildProcess): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/status`).catch(() => undefined);
    if (response?.ok) return;
    if (driver.exitCode !== null)
      throw new Error(`WebKitWebDriver ended with exit status ${driver.exitCode}`);
    await sleep(30);
  }
}

function miniBrowser(): string {
  for (const folder of [
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib/aarch64-linux-gnu',
    '/usr/libexec',
    '/usr/lib',
  ]) {
    const file = `${folder}/webkit2gtk-4.1/MiniBrowser`;
    try {
      accessSync(file);
      return file;
    } catch {
      // not in this one
    }
  }
  throw new Error('MiniBrowser is missing: apt-get install webkit2gtk-driver');
}
