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
import { KeyFile, type TestKey } from '../../wire/support/key-file.ts';
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
  person: number;
  /** Settings of a server of the test's own; `null`: the one that tests share. */
  env: Env | null;
  stand: Stand;
  /** A key of this test alone: it sees nobody else's threads. */
  apiKey: string;
  /** Another key of the same person. On the shared server only. */
  spareKey: string;
  /** Revokes a key while the server runs; it notices within seconds. On the shared server only. */
  revoke: (key: string) => Promise<void>;
  /** Makes a device; the page is not opened yet. */
  newDevice: (options?: DeviceOptions) => Promise<Device>;
  device: Device;
}

interface Shared {
  readonly server: ServerProcess;
  /** The number of a person that no test has been yet. */
  nextPerson(): number;
  revoke(key: string): Promise<void>;
}

/** How many people a shared server knows: more than a run has tests. */
const PEOPLE = 400;
const keyOf = (person: number) => `key-of-person-${person}`;
const spareKeyOf = (person: number) => `spare-key-of-person-${person}`;

export const test = base.extend<Fixtures, { shared: Shared }>({
  env: [null, { option: true }],

  shared: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from the pattern
    async ({}, use) => {
      const keys: TestKey[] = Array.from({ length: PEOPLE }, (_, i) =>
        [keyOf(i), spareKeyOf(i)].map((key) => ({
          key,
          subject: `person-${i}`,
          permissions: ['chat' as const],
        })),
      ).flat();
      await using file = await KeyFile.create(keys);
      await using server = await startServer({ env: { API_KEYS_FILE: file.path } });
      let people = 0;
      const revoked = new Set<string>();
      await use({
        server,
        nextPerson: () => people++ % PEOPLE,
        revoke: (key) => file.write(keys.map((one) => ({ ...one, revoked: revoked.add(key).has(one.key) }))),
      });
      expect(server.errors).toEqual([]);
    },
    { scope: 'worker' },
  ],

  stand: async ({ env, shared }, use) => {
    await using stand = await Stand.open(env === null ? { server: shared.server } : { env });
    await use(stand);
    if (env !== null) expect(stand.server.errors).toEqual([]);
  },

  person: async ({ shared }, use) => {
    await use(shared.nextPerson());
  },

  apiKey: async ({ env, person }, use) => {
    await use(env === null ? keyOf(person) : 'development');
  },

  spareKey: async ({ person }, use) => {
    await use(spareKeyOf(person));
  },

  revoke: async ({ shared }, use) => {
    await use((key) => shared.revoke(key));
  },

  newDevice: async ({ browser, stand }, use) => {
    const made: { device: Device; close: () => Promise<void> }[] = [];
    await use(async (options = {}) => {
      const one = await makeDevice(browser, stand, options);
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
