import type { Page } from '@playwright/test';
import { numbersTo } from './support/demo.ts';
import { type Device, expect, test } from './support/fixtures.ts';

/** A second device of the same person, in the thread that the first one has open. */
async function join(one: Device, two: Device, apiKey: string): Promise<void> {
  const { session_id } = await one.client.held();
  await two.client.signIn(apiKey);
  await two.page.locator(`[data-testid="thread-item"][data-session-id="${session_id}"]`).click();
  await two.client.until(
    (held) => held.session_id === session_id && held.state === 'connected',
    'the thread',
  );
}

test('WEB-42 two devices side by side see the same, whoever writes', async ({ newDevice, stand, apiKey }) => {
  const [one, two] = [await newDevice(), await newDevice()];
  await one.client.signIn(apiKey);
  await one.client.ask('from the first');
  await join(one, two, apiKey);
  await two.client.say('count to 20');
  await one.client.untilWriting(5);
  await expect(one.at('live-answer')).toBeVisible();
  await one.client.say('from the first again');
  const [a, b] = await Promise.all(
    [one, two].map(({ client }) =>
      client.until((held) => held.messages.length === 6 && held.run === null, 'all'),
    ),
  );
  expect(a?.messages).toEqual(b?.messages);
  expect(a?.position).toEqual(b?.position);
  expect(a?.messages.map(({ text }) => text)).toContain(numbersTo(20));
  await one.client.expectSameAsServer(stand.server.url, apiKey);
  await two.client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-50 one device is cut, the other goes on: the first misses nothing', async ({
  newDevice,
  stand,
  apiKey,
}) => {
  const line = await stand.anotherLine();
  const [one, two] = [await newDevice(), await newDevice({ url: line.url })];
  await one.client.signIn(apiKey);
  await one.client.ask('hello');
  await join(one, two, apiKey);
  stand.offline();
  await one.client.untilState('waiting');
  await two.client.ask('remember colour is blue');
  await two.client.ask('while the other is away');
  stand.heal();
  await one.client.wake();
  await one.client.until(
    (held) => held.messages.length === 6 && held.state === 'connected',
    'what was missed',
  );
  // The session never was without a line.
  await expect(one.at('seam')).toContainText('2 answers were finished');
  await one.at('seam').getByRole('button').click();
  await expect(one.at('seam-details')).toContainText('never: another device stayed');
  await one.client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-73 an approval shows on both devices, is given on the other, and says so', async ({
  newDevice,
  stand,
  apiKey,
}) => {
  const [one, two] = [await newDevice(), await newDevice()];
  await one.client.signIn(apiKey);
  await one.client.ask('hello');
  await join(one, two, apiKey);
  await one.client.say('plan a regatta');
  await expect(one.at('input-card')).toBeVisible();
  await expect(two.at('input-card')).toContainText('Publish "On a regatta"?');
  await two.at('approve').click();
  await expect(one.at('input-card')).toHaveCount(0);
  await expect(one.at('input-resolved')).toContainText('on another device');
  await expect(two.at('input-resolved')).toContainText('on this device');
  for (const { client, page } of [one, two]) {
    const { messages } = await client.untilAnswered();
    expect(messages.at(-1)?.text).toContain('Published "On a regatta"');
    await expect(doneSteps(page)).toHaveCount(5);
  }
  await one.client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-73 a device that comes while the agent waits can answer', async ({ newDevice, apiKey }) => {
  const [one, two] = [await newDevice(), await newDevice()];
  await one.client.signIn(apiKey);
  await one.client.say('plan a fair');
  await expect(one.at('input-card')).toBeVisible();
  await one.page.close();
  await two.client.signIn(apiKey);
  await two.at('thread-item').filter({ hasText: 'plan a fair' }).click();
  await two.at('approve').click();
  expect((await two.client.untilAnswered()).messages.at(-1)?.text).toContain('Published "On a fair"');
});

test('WEB-44 an answer is stopped from the other device', async ({ newDevice, apiKey }) => {
  const [one, two] = [await newDevice(), await newDevice()];
  await one.client.signIn(apiKey);
  await one.client.ask('hello');
  await join(one, two, apiKey);
  await one.client.say('count to 200');
  await two.client.untilWriting(10);
  await two.at('cancel').click();
  for (const { client, at } of [one, two]) {
    await client.until((held) => held.run === null && held.messages.length === 4, 'the end');
    await expect(at('run-outcome')).toHaveAttribute('data-outcome', 'canceled');
  }
});

test('WEB-7 a duplicate of a tab is a device of its own: nothing is sent twice', async ({
  device: { client, at, page },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask('in the first tab');
  const { session_id } = await client.held();
  const [copy] = await Promise.all([
    page.waitForEvent('popup'),
    page.evaluate(() => void open(location.href)),
  ]);
  await expect(copy.getByTestId('message-text')).toHaveText('in the first tab');
  await copy.getByTestId('composer').fill('in the second tab');
  await copy.getByTestId('composer').press('Enter');
  await expect(at('message-text')).toHaveText(['in the first tab', 'in the second tab']);
  const { messages, ...held } = await client.until(({ messages }) => messages.length === 4, 'both');
  expect(held.session_id).toBe(session_id);
  expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
  await client.expectSameAsServer(stand.server.url, apiKey);
});

const doneSteps = (page: Page) => page.locator('[data-testid="step"][data-state="done"]');
