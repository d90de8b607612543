import {
  type Browser,
  test as base,
  type BrowserContextOptions,
  expect,
  type Locator,
  type Page,
} from '@playwright/test';
import type { ServerProcess } from '../../../test-helpers/server-process.ts';
import { Stand, startServer } from '../../../test-helpers/stand.ts';
import { ClientPage, hands } from '../../../test-helpers/websocket.ts';
import { KeyFile } from '../../wire/support/key-file.ts';
import { Watch } from './watch.ts';

export type Env = Readonly<Record<string, string>>;

/** One device of a person: a browser context of its own with the page in it. */
export interface Device {
  readonly page: Page;
  readonly client: ClientPage;
  /** Faults of the page that a test expects; others fail it. */
  readonly watch: Watch;
  /** The element with this test id. */
  at(testId: string): Locator;
}

export interface DeviceOptions extends BrowserContextOptions {
  /** Where it opens the page; the stand's line when left out. */
  readonly url?: string;
}

interface Fixtures {
  /** Settings of a server of the test's own; `null`: the one that tests share. */
  env: Env | null;
  stand: Stand;
  /** A key of this test alone: it sees nobody else's threads. */
  apiKey: string;
  /** Makes a device; the page is not opened yet. */
  newDevice: (options?: DeviceOptions) => Promise<Device>;
  device: Device;
}

interface Shared {
  readonly server: ServerProcess;
  nextKey(): string;
}

/** How many tests a worker may run before its server has no key left for them. */
const KEYS = 400;

export const test = base.extend<Fixtures, { shared: Shared }>({
  env: [null, { option: true }],

  shared: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from the pattern
    async ({}, use) => {
      const keys = Array.from({ length: KEYS }, (_, i) => ({
        key: `key-of-test-${i}`,
        subject: `person-${i}`,
      }));
      await using file = await KeyFile.create(
        keys.map((key) => ({ ...key, permissions: ['chat'] as const })),
      );
      await using server = await startServer({ env: { API_KEYS_FILE: file.path } });
      let used = 0;
      await use({ server, nextKey: () => keys[used++]?.key ?? '' });
      expect(server.errors).toEqual([]);
    },
    { scope: 'worker' },
  ],

  stand: async ({ env, shared }, use) => {
    await using stand = await Stand.open(env === null ? { server: shared.server } : { env });
    await use(stand);
    if (env !== null) expect(stand.server.errors).toEqual([]);
  },

  apiKey: async ({ env, shared }, use) => {
    await use(env === null ? shared.nextKey() : 'development');
  },

  newDevice: async ({ browser, stand, contextOptions }, use) => {
    const made: { device: Device; close: () => Promise<void> }[] = [];
    await use(async (options = {}) => {
      const one = await makeDevice(browser, stand, { ...contextOptions, ...options });
      made.push(one);
      return one.device;
    });
    for (const { close } of made) await close();
    expect(made.flatMap(({ device }) => device.watch.faults)).toEqual([]);
  },

  device: async ({ newDevice }, use) => {
    await use(await newDevice());
  },
});

export { expect };

async function makeDevice(browser: Browser, stand: Stand, { url, ...options }: DeviceOptions) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const device: Device = {
    page,
    client: new ClientPage(hands(page), () => url ?? stand.url),
    watch: await Watch.begin(page),
    at: (testId) => page.getByTestId(testId),
  };
  return { device, close: () => context.close() };
}
