import { expect, test } from './support/fixtures.ts';
import { expectStatus } from './support/status.ts';

test('WEB-51 what is written without a line waits on it, and is stored once and in order', async ({
  device: { client, at, page },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask('before');
  stand.offline();
  await client.untilState('waiting');
  await expect(at('composer')).toHaveAttribute('placeholder', 'Write; it is sent when the line is back');
  for (const text of ['one', 'two', 'three']) await client.say(text);
  await expect(at('delivery').filter({ hasText: 'Waits for the line' })).toHaveCount(3);
  await expectStatus(at, { line: 'Reconnecting', error: 'Connection lost.' });
  await expect(page.getByText('3 messages wait here; nothing is lost.', { exact: true })).toBeVisible();

  stand.heal();
  await client.wake();
  const { messages, outbox } = await client.until(
    (held) => held.messages.length === 8 && held.run === null,
    'all answers',
  );
  expect(outbox).toEqual([]);
  expect(messages.filter(({ role }) => role === 'user').map(({ text }) => text)).toEqual([
    'before',
    'one',
    'two',
    'three',
  ]);
  await expect(at('delivery').filter({ hasText: 'Stored' })).toHaveCount(4);
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-41 the line goes while a message is under way: it is stored once', async ({
  device: { client },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  for (let i = 1; i <= 6; i++) {
    // Now the message, now its acknowledgement is what gets lost.
    if (i % 2 === 0) stand.delay(30);
    await client.say(`round ${i}`);
    stand.cut();
    stand.heal();
    await client.untilAnswered();
  }
  const { messages } = await client.held();
  expect(messages.filter(({ role }) => role === 'user').map(({ text }) => text)).toEqual(
    [1, 2, 3, 4, 5, 6].map((i) => `round ${i}`),
  );
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-64 what is unsent outlives a reload, and is sent once', async ({
  device: { client, page },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask('before');
  stand.offline();
  await client.untilState('waiting');
  await client.say('unsent one');
  await client.say('unsent two');
  stand.heal();
  await page.reload();
  const { messages } = await client.until(
    (held) => held.messages.length === 6 && held.run === null && held.outbox.length === 0,
    'all answers',
  );
  expect(messages.filter(({ role }) => role === 'user').map(({ text }) => text)).toEqual([
    'before',
    'unsent one',
    'unsent two',
  ]);
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test.describe('where clients are told to come back late', () => {
  test.use({ env: { RECONNECT_MIN_MS: '25000', RECONNECT_MAX_MS: '30000' } });
  test('WEB-11 trying now skips the rest of the wait', async ({ device: { client, at }, stand }) => {
    await client.signIn();
    stand.offline();
    await expect(at('reconnect-info')).toHaveText(/Trying again in 2\d s\./);
    stand.heal();
    await at('status-action').click();
    await client.untilState('connected');
  });
});

test('WEB-6 a thread that is left with unsent messages still sends them', async ({
  device: { client, at },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask('thread one');
  const { session_id } = await client.held();
  stand.offline();
  await client.untilState('waiting');
  await client.say('left behind');
  await at('new-thread').click();
  stand.heal();
  await client.wake();
  await client.until(
    (held) => held.state === 'connected' && held.session_id !== session_id,
    'the new thread',
  );
  await stand.untilStored(4, session_id ?? '', apiKey);
  await at('thread-item').filter({ hasText: 'thread one' }).click();
  await expect(at('message-text')).toHaveText(['thread one', 'left behind']);
  await expect(at('delivery').last()).toHaveText('Stored');
});
