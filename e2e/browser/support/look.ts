import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

interface View {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly colorScheme: 'light' | 'dark';
}

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const VIEWS: readonly View[] = [
  { name: 'desktop-light', ...DESKTOP, colorScheme: 'light' },
  { name: 'phone-dark', ...PHONE, colorScheme: 'dark' },
  { name: 'desktop-dark', ...DESKTOP, colorScheme: 'dark' },
  { name: 'phone-light', ...PHONE, colorScheme: 'light' },
];

/** What axe says depends little on the browser, and it is slow in Firefox: there these are enough. */
const IN_FIREFOX = ['01-sign-in', '11-talk', '31-approval', '42-cut-in-an-answer', '70-memory', '83-archive'];

/** Where pictures of all states go; without it none are taken. Never into the repository. */
const shots = process.env.HOLDFAST_SHOTS;

/**
 * Looks at a state of the page as it is now: axe finds no fault with it, light and dark, wide and narrow. With
 * `HOLDFAST_SHOTS=FOLDER` it is photographed in every view.
 */
export async function look(page: Page, name: string, only?: 'desktop' | 'phone'): Promise<void> {
  // A stock Firefox takes no emulated media: one view is enough there.
  const inChromium = page.context().browser()?.browserType().name() === 'chromium';
  if (!inChromium && !IN_FIREFOX.includes(name)) return;
  const views = VIEWS.filter((view) => only === undefined || view.name.startsWith(only));
  const taken = !inChromium
    ? views.slice(0, 1)
    : shots === undefined && only === undefined
      ? views.slice(0, 2)
      : views;
  for (const view of taken) {
    const { width, height, colorScheme } = view;
    await page.setViewportSize({ width, height });
    if (inChromium) await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
    if (shots !== undefined) await page.screenshot({ path: join(shots, `${name}.${view.name}.png`) });
    const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
    const faults = violations.map(({ id, help, nodes }) => ({
      id,
      help,
      where: nodes.map(
        ({ html, failureSummary }) => `${html.slice(0, 160)}: ${failureSummary?.slice(0, 200)}`,
      ),
    }));
    expect.soft(faults, `${name}, ${view.name}`).toEqual([]);
  }
  await page.setViewportSize(DESKTOP);
}
