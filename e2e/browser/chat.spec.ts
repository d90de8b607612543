import { numbersTo } from './support/demo.ts';
import { expect, test } from './support/fixtures.ts';

test('WEB-42 says something and is answered; page and server hold the same', async ({
  device,
  stand,
  apiKey,
}) => {
  const { client, at } = device;
  await client.signIn(apiKey);
  expect(await client.ask('hello there')).toBe('Message 1: "hello there"');
  await expect(at('message-text')).toHaveText('hello there');
  await expect(at('answer-text')).toHaveText('Message 1: "hello there"');
  await expect(at('delivery')).toHaveText('Stored');
  await expect(at('agent-status')).toHaveText('Ready');
  expect(await client.ask('count to 5')).toBe('1 2 3 4 5');
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-80 what is remembered is in the panel, and can be changed there', async ({
  device,
  stand,
  apiKey,
}) => {
  const { client, at } = device;
  await client.signIn(apiKey);
  await client.ask('remember colour is blue');
  await client.ask('prefer theme dark');
  await at('toggle-context').click();
  const memory = at('context-memory').getByTestId('context-entry');
  await expect(memory).toContainText('blue');
  await expect(at('context-preferences').getByTestId('context-entry')).toContainText('dark');

  await memory.getByRole('button').click();
  await at('entry-value').fill('green');
  await at('entry-save').click();
  await expect(memory).toContainText('green');
  await at('add-memory').click();
  await at('entry-key').fill('size');
  await at('entry-value').fill('large');
  await at('entry-save').click();
  await expect(memory).toHaveCount(2);
  await memory.filter({ hasText: 'size' }).getByRole('button').click();
  await at('entry-delete').click();
  await expect(memory).toHaveCount(1);
  await at('context-panel').getByRole('button', { name: 'Close' }).click();
  expect(await client.ask('recall colour')).toBe('colour is green.');
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-75 a tool call folds open, also one that failed', async ({ device, apiKey }) => {
  const { client, at } = device;
  await client.signIn(apiKey);
  expect(await client.ask('calc (2 + 3) * 4')).toBe('(2 + 3) * 4 = 20');
  await expect(at('tool-call')).toHaveAttribute('data-state', 'done');
  await at('tool-call').locator('summary').click();
  await expect(at('tool-call').locator('dl')).toContainText('(2 + 3) * 4');
  await client.ask('calc 1 / 0');
  await expect(at('tool-call').last()).toHaveAttribute('data-state', 'failed');
  await expect(at('answer-text').last()).toContainText('Sorry, I cannot calculate');
});

test('WEB-74 a plan shows its steps, asks, and goes on when it is approved', async ({
  device,
  stand,
  apiKey,
}) => {
  const { client, at, page } = device;
  await client.signIn(apiKey);
  await client.say('plan a kitchen garden');
  await expect(at('step')).toHaveCount(5);
  await expect(at('input-card')).toContainText('Publish "On a kitchen garden"?');
  await expect(at('input-arguments')).toContainText('On a kitchen garden');
  await expect(at('step').nth(3)).toHaveAttribute('data-state', 'waiting');
  await expect(at('agent-status')).toHaveText('Asks you');
  await expect(at('status-sentence')).toHaveText('The agent waits for your decision.');
  await expect(page).toHaveTitle(/^Waits for you/);
  await at('approve').click();
  const { messages } = await client.untilAnswered();
  expect(messages.at(-1)?.text).toContain(
    'Published "On a kitchen garden" at /published/on-a-kitchen-garden',
  );
  await expect(at('input-resolved')).toHaveAttribute('data-approved', 'true');
  await expect(at('input-resolved')).toContainText('on this device');
  await expect(page.locator('[data-testid="step"][data-state="done"]')).toHaveCount(5);
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-70 a plan that is declined stops there', async ({ device, apiKey }) => {
  const { client, at } = device;
  await client.signIn(apiKey);
  await client.say('plan a heist');
  await at('decline').click();
  await client.untilIdle();
  await expect(at('input-resolved')).toHaveAttribute('data-approved', 'false');
  await expect(at('run-outcome')).toHaveAttribute('data-outcome', 'canceled');
  await expect(at('step').nth(4)).toHaveAttribute('data-state', 'coming');
});

test('WEB-44 an answer that is stopped keeps what was written, and can be asked for again', async ({
  device,
  stand,
  apiKey,
}) => {
  const { client, at } = device;
  await client.signIn(apiKey);
  await client.say('count to 400');
  await client.untilWriting(10);
  await at('cancel').click();
  const { messages } = await client.until(
    (held) => held.run === null && held.messages.length === 2,
    'the end',
  );
  const partial = messages.at(-1);
  expect(partial?.status).toBe('partial');
  expect(numbersTo(400).startsWith(partial?.text ?? '?')).toBe(true);
  await expect(at('run-outcome')).toHaveText('Stopped here. What was written is kept.');
  await at('retry').click();
  // The second answer stands below the first, which stays.
  await client.untilWriting(10);
  await at('cancel').click();
  const again = await client.until(
    (held) => held.run === null && held.messages.length === 3,
    'the second end',
  );
  expect(again.messages.slice(0, 2)).toEqual(messages);
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-62 while the agent is busy a message waits, goes first, or is not sent, as one chooses', async ({
  device,
  stand,
  apiKey,
}) => {
  const { client, at, page } = device;
  await client.signIn(apiKey);
  await client.say('count to 100');
  await client.untilWriting(10);
  await client.say('after this');
  await expect(page.getByText('Next in line')).toBeVisible();
  await at('busy-reject').check();
  await client.write('only if free');
  await expect(page.getByText('Not sent: a run was in hand.')).toBeVisible();
  await at('discard').click();
  await expect(at('message-text').filter({ hasText: 'only if free' })).toHaveCount(0);
  await at('busy-interrupt').check();
  await client.say('instead');
  const { messages } = await client.until(
    (held) => held.run === null && held.queued_runs === 0 && held.messages.length >= 6,
    'all answers',
  );
  const texts = messages.map(({ text }) => text);
  expect(texts.filter((text) => text.startsWith('Message'))).toEqual([
    'Message 3: "instead"',
    'Message 2: "after this"',
  ]);
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-61 a message that is too long is not sent, and can be cut', async ({ device, apiKey }) => {
  const { client, at } = device;
  await client.signIn(apiKey);
  await at('composer').fill('x'.repeat(100_003));
  await expect(at('composer-note')).toContainText('3 characters too many.');
  await expect(at('send')).toBeDisabled();
  await at('composer-note').getByRole('button').click();
  await expect(at('send')).toBeEnabled();
});

test('WEB-90 threads are listed, named, found, opened and erased', async ({ device, stand, apiKey }) => {
  const { client, at, page } = device;
  await client.signIn(apiKey);
  await client.ask('first thread');
  const first = (await client.held()).session_id;
  await at('new-thread').click();
  await client.until((held) => held.session_id !== null && held.session_id !== first, 'a new thread');
  await client.ask('second thread');
  await expect(at('thread-item')).toHaveCount(2);

  await at('thread-title').click();
  await at('title-field').fill('Named by hand');
  await at('title-field').press('Enter');
  await expect(at('thread-item').filter({ hasText: 'Named by hand' })).toHaveCount(1);

  await page.keyboard.press('Control+k');
  await at('finder-field').fill('first');
  await expect(at('finder-item')).toHaveCount(1);
  await at('finder-field').press('Enter');
  await client.until((held) => held.session_id === first && held.state === 'connected', 'the first thread');
  await expect(at('message-text')).toHaveText('first thread');
  await client.expectSameAsServer(stand.server.url, apiKey);
  await page.goBack();
  await expect(at('message-text')).toHaveText('second thread');
  await page.goForward();
  await expect(at('message-text')).toHaveText('first thread');

  await at('toggle-context').click();
  await at('erase-thread').click();
  await at('confirm').click();
  await expect(at('thread-item')).toHaveCount(1);
  await expect(page.getByText('first thread')).toHaveCount(0);
  await client.until((held) => held.session_id !== first, 'another thread');
});

test("WEB-3 a thread that is not there, or another person's, is told as that", async ({
  newDevice,
  apiKey,
  spareKey,
}) => {
  const [one, two] = [await newDevice(), await newDevice()];
  await one.client.signIn(apiKey);
  await one.client.ask('mine');
  const { session_id } = await one.client.held();
  void spareKey;
  await two.client.signIn('development');
  await two.page.evaluate((id) => {
    location.hash = `#/t/${id}`;
  }, session_id);
  await two.client.untilState('refused');
  await expect(two.at('error-message')).toHaveText('That is not there any more.');
  await expect(two.page.getByText('mine')).toHaveCount(0);
  await two.page.getByRole('button', { name: 'Start a new thread' }).click();
  await two.client.untilState('connected');
});
