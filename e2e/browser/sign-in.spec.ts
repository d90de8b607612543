import type { Page } from '@playwright/test';
import { expect, test } from './support/fixtures.ts';

for (const key of ['development', 'valid-test-key'])
  test(`WEB-10 the key ${key} signs in`, async ({ device: { client, at } }) => {
    await client.open();
    await expect(at('connection-status')).toHaveText('Disconnected');
    await expect(at('auth-status')).toHaveText('Not Authenticated');
    await client.signIn(key);
    await expect(at('connection-status')).toHaveText('Connected');
    await expect(at('auth-status')).toHaveText('Authenticated');
    await expect(at('error-message')).toHaveCount(0);
    await expect(at('reconnect-info')).toHaveCount(0);
    await expect(at('empty')).toBeVisible();
  });

test('WEB-2 a bad key is refused in words, nothing is kept of it, and a good one then gets in', async ({
  device: { client, at, page },
  apiKey,
}) => {
  await client.open();
  await at('api-key').fill('no-such-key');
  await at('sign-in').click();
  await expect(at('error-message')).toHaveText('Invalid API key.');
  await expect(at('error-details')).toContainText('invalid_key');
  await expect(at('connection-status')).toHaveText('Disconnected');
  await expect(at('auth-status')).toHaveText('Not Authenticated');
  await expect(at('composer')).toHaveCount(0);
  expect(await stored(page)).not.toContain('no-such-key');

  await at('api-key').fill(apiKey);
  await at('sign-in').click();
  await client.untilState('connected');
  await expect(at('error-message')).toHaveCount(0);
});

test('WEB-10 a server out of reach is told, tried again, and reached', async ({
  device: { client, at },
  stand,
  apiKey,
}) => {
  await client.open();
  stand.offline();
  await at('api-key').fill(apiKey);
  await at('sign-in').click();
  await expect(at('error-message')).toHaveText('The server is out of reach.');
  await expect(at('reconnect-info')).toHaveText(/Trying again in \d+ s\./);
  await expect(at('connection-status')).toHaveText('Reconnecting');
  await expect(at('auth-status')).toHaveText('Not Authenticated');
  stand.heal();
  await client.wake();
  await client.untilState('connected');
  await expect(at('auth-status')).toHaveText('Authenticated');
});

test('WEB-4 signing out forgets the key, the place and the text, and the thread is there for the next sign-in', async ({
  device: { client, at, page },
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask('a word for later');
  await at('sign-out').click();
  await expect(at('sign-in-form')).toBeVisible();
  await expect(at('auth-status')).toHaveText('Not Authenticated');
  await expect.poll(() => stored(page)).toBe('{}');
  await expect(page.getByText('a word for later')).toHaveCount(0);

  await client.signIn(apiKey);
  await at('thread-item').filter({ hasText: 'a word for later' }).click();
  await expect(at('message-text')).toHaveText('a word for later');
});

test('WEB-4 signing out with unsent messages asks first', async ({
  device: { client, at },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  stand.offline();
  await client.untilState('waiting');
  await client.say('never sent');
  await at('sign-out').click();
  await expect(at('confirm')).toBeVisible();
  await at('confirm').click();
  await expect(at('sign-in-form')).toBeVisible();
  stand.heal();
  await client.signIn(apiKey);
  expect((await client.held()).outbox).toEqual([]);
});

test('WEB-1 the key is neither on the page nor in its address', async ({
  device: { client, page },
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask('hello');
  expect(await page.content()).not.toContain(apiKey);
  expect(page.url()).not.toContain(apiKey);
  expect(JSON.stringify(await client.held())).not.toContain(apiKey);
});

function stored(page: Page): Promise<string> {
  return page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
}
