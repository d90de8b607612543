import { expect, test } from './support/fixtures.ts';
import { expectNoSideways, PHONE } from './support/phone.ts';

// Only Chromium can be told that it is a phone: `(pointer: coarse)`.
test.use({ viewport: PHONE, isMobile: true, hasTouch: true });

test('what a thumb has to hit is large enough, and signing in does not bring up the keyboard', async ({
  device: { client, at, page },
  apiKey,
}) => {
  await client.signIn(apiKey);
  await expect(at('composer')).not.toBeFocused();
  await at('composer').tap();
  await at('composer').fill('plan a swim');
  await at('send').tap();
  await expect(at('approve')).toBeVisible();
  await expectNoSideways(page);
  for (const testId of ['send', 'open-threads', 'toggle-context', 'approve', 'decline', 'cancel']) {
    const { width = 0, height = 0 } = (await at(testId).boundingBox()) ?? {};
    expect(Math.min(width, height), testId).toBeGreaterThanOrEqual(36);
  }
  await at('approve').tap();
  expect((await client.untilAnswered()).messages.at(-1)?.text).toContain('Published "On a swim"');
});
