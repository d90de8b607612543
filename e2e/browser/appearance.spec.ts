import type { Page } from '@playwright/test';
import { expect, test } from './support/fixtures.ts';

/** How light the ground of the page is, from 0 to 1. */
const lightness = (page: Page) =>
  page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d');
    if (canvas === null) throw new Error('there is no canvas');
    canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = canvas.getImageData(0, 0, 1, 1).data;
    return (red + green + blue) / 765;
  });

// A stock Firefox takes no emulated media (test-helpers/browsers/firefox.mjs): there it is a preference of the browser.
test('dark where the system is dark, light where it is light', async ({
  playwright,
  browserName,
  launchOptions,
  channel,
  stand,
}) => {
  for (const dark of [false, true]) {
    const prefs = { 'layout.css.prefers-color-scheme.content-override': dark ? 0 : 1 };
    const browser = await playwright[browserName as 'chromium' | 'firefox'].launch({
      ...launchOptions,
      ...(channel === undefined ? {} : { channel }),
      ...(browserName === 'firefox' ? { firefoxUserPrefs: prefs } : {}),
    });
    const page = await browser.newPage({ colorScheme: dark ? 'dark' : 'light' });
    await page.goto(stand.url);
    await expect(page.getByTestId('sign-in-form')).toBeVisible();
    const ground = await lightness(page);
    if (dark) expect(ground).toBeLessThan(0.25);
    else expect(ground).toBeGreaterThan(0.85);
    await browser.close();
  }
});
