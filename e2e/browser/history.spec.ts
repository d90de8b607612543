import { WireClient } from '../../test-helpers/wire-client.ts';
import { expect, test } from './support/fixtures.ts';
import { placeOf, scrollUpTo } from './support/record.ts';

test.use({ env: { AGENT: 'none' } });

test('WEB-31 older messages come when one scrolls up, and what one reads stays where it is', async ({
  device: { client, at, page },
  stand,
  apiKey,
}) => {
  const { session_id } = await client.signIn(apiKey);
  await using other = await WireClient.connect(stand.server.url, { session_id: session_id ?? '' });
  for (let i = 1; i <= 120; i++) await other.say(`message ${i}`);
  await page.reload();
  await client.until(({ messages }) => messages[0]?.text === 'message 71', 'the newest page');

  // Nothing older comes before it was looked at.
  stand.stall();
  await scrollUpTo(page, 'message 71');
  const before = await placeOf(page, 'message 71');
  stand.heal();
  await client.until(({ messages }) => messages[0]?.text === 'message 21', 'an older page');
  expect(Math.abs((await placeOf(page, 'message 71')) - before)).toBeLessThanOrEqual(1);

  // At the end of what there is, without a line: the rest comes when it is back, without another turn of the wheel.
  stand.offline();
  await client.untilState('waiting');
  await scrollUpTo(page, 'message 21');
  await expect(at('older')).toHaveText('Older messages come with the line.');
  stand.heal();
  await client.wake();
  await client.until(({ messages }) => messages.length === 120, 'the rest');
  await scrollUpTo(page, 'message 1');
  await expect(at('older')).toHaveCount(0);
  expect((await client.held()).messages).toHaveLength(120);
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-31 a long thread opens at its end, and stays there while one writes more lines', async ({
  device: { client, at, page },
  stand,
  apiKey,
}) => {
  const { session_id } = await client.signIn(apiKey);
  await using other = await WireClient.connect(stand.server.url, { session_id: session_id ?? '' });
  // Of different heights, so that none can be guessed.
  for (let i = 0; i < 60; i++) await other.say(`message ${i}${' and so on'.repeat((i * 7) % 40)}`);
  await other.say('the newest');
  await page.reload();
  await client.until(({ messages }) => messages.at(-1)?.text === 'the newest', 'the newest page');
  const newest = at('message-text').filter({ hasText: /^the newest$/ });
  await expect(newest).toBeInViewport({ ratio: 1 });

  await at('composer').focus();
  for (const line of ['one', 'two', 'three']) {
    await page.keyboard.type(line);
    await page.keyboard.press('Shift+Enter');
  }
  await page.keyboard.type('four');
  await expect(at('composer')).toHaveValue('one\ntwo\nthree\nfour');
  await expect(newest).toBeInViewport({ ratio: 1 });
  await expect(at('to-end')).toHaveCount(0);

  // And is found again from far above.
  await scrollUpTo(page, 'message 0');
  await page.getByRole('log').focus();
  await page.keyboard.press('End');
  await expect(newest).toBeInViewport({ ratio: 1 });
});
