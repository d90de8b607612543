import { numbersTo } from './support/demo.ts';
import { expect, test } from './support/fixtures.ts';
import { placeOf, recordAnswer, scrollUpTo } from './support/record.ts';
import { expectStatus } from './support/status.ts';

test('WEB-41 an answer that is cut goes on where it was: no repeat, no flash, no jump', async ({
  device: { client, at, page },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask('hello');
  await client.say('count to 60');
  await client.untilWriting(30);
  const record = await recordAnswer(page);

  stand.offline();
  await client.untilState('waiting');
  const cut = await client.held();
  await expectStatus(at, { line: 'Reconnecting', error: 'Connection lost.' });
  await expect(at('cut')).toContainText('in the middle of an answer');
  await expect(at('live-answer')).toBeVisible();
  stand.heal();
  await client.wake();

  const { messages, seams } = await client.untilAnswered();
  expect(messages.at(-1)?.text).toBe(numbersTo(60));
  expect(messages.at(-1)?.text.startsWith(cut.streaming?.text ?? '?')).toBe(true);
  expect(seams).toBe(1);
  await expect(at('seam')).toHaveCount(1);
  await expect(at('cut')).toHaveCount(0);
  expect(await record()).toMatchObject({ rewritten: 0, replaced: 0, jumped: 0, text: numbersTo(60) });
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-50 five cuts in one answer change nothing of it', async ({
  device: { client, at, page },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.say('count to 80');
  await client.untilWriting(5);
  const record = await recordAnswer(page);
  for (let i = 1; i <= 5; i++) {
    await client.untilWriting(20 * i);
    stand.cut();
    await client.until(({ seams, state }) => seams === i && state === 'connected', `seam ${i}`);
  }
  const { messages } = await client.untilAnswered();
  expect(messages.at(-1)?.text).toBe(numbersTo(80));
  expect(await record()).toMatchObject({ rewritten: 0, replaced: 0, jumped: 0 });
  await expect(at('seam')).toHaveAttribute('data-cuts', '5');
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-50 an answer that ends while the line is cut is there when it is back', async ({
  device: { client, at },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.say('count to 30');
  await client.untilWriting(10);
  stand.offline();
  await client.untilState('waiting');
  await stand.untilStored(2, (await client.held()).session_id ?? '', apiKey);
  stand.heal();
  await client.wake();
  const { messages } = await client.untilAnswered();
  expect(messages.map(({ text }) => text)).toEqual(['count to 30', numbersTo(30)]);
  await expect(at('seam')).toContainText('an answer was finished');
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-50 the seam tells what the cut was, when it is opened', async ({
  device: { client, at, page },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask('hello');
  stand.cut();
  await client.until(({ seams, state }) => seams === 1 && state === 'connected', 'the line');
  await expect(at('seam')).toContainText('everything restored');
  await expect(at('seam')).toHaveAttribute('data-tier', 'brief');
  await at('seam').getByRole('button').click();
  await expect(at('seam-details')).toContainText('Line cut');
  await expect(at('seam-details')).toContainText('nothing happened');
  await expect(page.getByRole('button', { expanded: true })).toHaveCount(1);
});

test('WEB-31 whoever reads further up is not moved by a cut, nor by what comes after it', async ({
  device: { client, at, page },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  for (let i = 1; i <= 12; i++) await client.ask(`line ${i}`);
  await client.say('count to 60');
  await client.untilWriting(10);
  await scrollUpTo(page, 'line 2');
  const before = await placeOf(page, 'line 2');
  stand.offline();
  await client.untilState('waiting');
  expect(await placeOf(page, 'line 2')).toBeCloseTo(before, 0);
  stand.heal();
  await client.wake();
  await client.untilAnswered();
  expect(await placeOf(page, 'line 2')).toBeCloseTo(before, 0);
  await at('to-end').click();
  await expect(at('answer-text').last()).toHaveText(numbersTo(60));
  await expect(at('answer-text').last()).toBeInViewport();
});

test('a slow line is only slow', async ({ device: { client }, stand, apiKey }) => {
  stand.delay(150);
  await client.signIn(apiKey);
  expect(await client.ask('hello')).toBe('Message 1: "hello"');
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-10 a line that is open but dead is noticed, and replaced', async ({
  device: { client, at },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.say('count to 40');
  await client.untilWriting(10);
  stand.stall();
  // The browser's word that the network changed makes the client ask for a sign of life.
  await client.wake();
  await client.untilLost();
  await expect(at('auth-status')).toHaveText('Not Authenticated');
  stand.heal();
  const { messages } = await client.untilAnswered();
  expect(messages.at(-1)?.text).toBe(numbersTo(40));
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-5 a reload in the middle of an answer goes on with it', async ({
  device: { client, page },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.say('count to 60');
  const { session_id } = await client.untilWriting(20);
  await page.reload();
  const { messages, ...held } = await client.untilAnswered();
  expect(held.session_id).toBe(session_id);
  expect(messages.map(({ text }) => text)).toEqual(['count to 60', numbersTo(60)]);
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test.describe('a server of its own', () => {
  test.use({ env: {} });

  test('WEB-41 killed in the middle of an answer and restarted: the answer goes on, nothing twice', async ({
    device: { client, page },
    stand,
  }) => {
    await client.signIn();
    await client.ask('remember colour is blue');
    await client.say('count to 60');
    await client.untilWriting(30);
    const record = await recordAnswer(page);
    await stand.kill();
    await client.untilLost();
    await stand.restart();
    await client.wake();
    const { messages, memory } = await client.untilAnswered();
    expect(messages.at(-1)?.text).toBe(numbersTo(60));
    expect(memory).toEqual({ colour: 'blue' });
    expect(await record()).toMatchObject({ rewritten: 0, replaced: 0, jumped: 0 });
    await client.expectSameAsServer(stand.server.url);
  });

  test('WEB-74 killed in the middle of a plan: finished steps are not run again', async ({
    device: { client, at, page },
    stand,
  }) => {
    await client.signIn();
    await client.say('plan a picnic');
    await expect(at('step').filter({ hasText: 'outline' })).not.toHaveAttribute('data-state', 'coming');
    await stand.kill();
    await stand.restart();
    await client.wake();
    await at('approve').click();
    const { messages } = await client.untilAnswered();
    expect(messages.at(-1)?.text).toContain('Published "On a picnic"');
    await expect(page.locator('[data-testid="step"][data-state="done"]')).toHaveCount(5);
    // Once for each step: a step that was repeated would have called its tool again.
    const names = await at('tool-call').evaluateAll((calls) =>
      calls.map((call) => call.getAttribute('data-name')),
    );
    expect(names).toEqual(['search', 'arrange', 'write', 'proofread', 'publish']);
    await client.expectSameAsServer(stand.server.url);
  });
});
