import { expectNoSideways, PHONE } from './support/phone.ts';
import { expect, test } from './support/fixtures.ts';

test.use({ viewport: PHONE });

test('everything fits, and the composer is at the bottom, within reach of a thumb', async ({
  device: { client, at, page },
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask(`a long word: ${'x'.repeat(200)}`);
  await client.ask('calc 1 + 1');
  await expectNoSideways(page);
  await expect(at('thread-list')).toHaveCount(0);
  const composer = await at('composer-form').boundingBox();
  expect(composer?.width).toBeGreaterThan(340);
  expect((composer?.y ?? 0) + (composer?.height ?? 0)).toBeCloseTo(PHONE.height, -1);
});

test('threads are a sheet that opens, closes, and closes by itself when one was chosen', async ({
  device: { client, at, page },
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask('the first thread');
  await at('open-threads').click();
  await expect(page.getByRole('dialog', { name: 'Threads' })).toBeVisible();
  await expect(at('thread-item')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(at('open-threads')).toBeFocused();
  await at('open-threads').click();
  await at('new-thread').click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await client.until((held) => held.messages.length === 0 && held.state === 'connected', 'the new thread');
});

test('memory is a sheet, too', async ({ device: { client, at, page }, apiKey }) => {
  await client.signIn(apiKey);
  await client.ask('remember colour is blue');
  await at('toggle-context').click();
  await expect(at('context-panel')).toBeInViewport();
  await expect(at('context-entry')).toContainText('blue');
  await expectNoSideways(page);
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(at('context-panel')).toHaveCount(0);
});

test('WEB-70 a plan is approved with a thumb, and a cut is told', async ({
  device: { client, at, page },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.say('plan a walk');
  await expect(at('approve')).toBeInViewport();
  await expectNoSideways(page);
  await at('approve').click();
  await client.untilAnswered();
  stand.offline();
  await expect(at('error-message')).toBeInViewport();
  await expect(at('error-message')).toHaveText('Connection lost.');
  await expectNoSideways(page);
  stand.heal();
  await client.wake();
  await client.untilState('connected');
});

test('the composer stays in sight when the keyboard takes half of the screen', async ({
  device: { client, at, page },
  apiKey,
}) => {
  await client.signIn(apiKey);
  for (let i = 1; i <= 6; i++) await client.ask(`line ${i}`);
  await page.setViewportSize({ width: PHONE.width, height: 420 });
  await expect(at('composer')).toBeInViewport();
  await expect(at('answer-text').last()).toBeInViewport();
  await page.setViewportSize(PHONE);
  await expect(at('answer-text').last()).toBeInViewport();
});
