import { expect, test } from './support/fixtures.ts';

const MINUTE = 60_000;

test.use({ env: {} });

test('WEB-50 away for two minutes: everything is back, and the seam tells how long it was', async ({
  device: { client, at },
  stand,
}) => {
  await client.signIn();
  await client.ask('remember colour is blue');
  const before = await client.held();
  await stand.away(2 * MINUTE + 14_000);
  await client.untilLost();
  stand.heal();
  await client.wake();
  const after = await client.untilState('connected');
  expect(after.tier).toBe('medium');
  expect(after.session_id).toBe(before.session_id);
  expect(after.messages).toEqual(before.messages);
  expect(after.memory).toEqual({ colour: 'blue' });
  await expect(at('seam')).toHaveAttribute('data-tier', 'medium');
  await expect(at('seam')).toContainText(/away 2 min 1\d s/);
  await expect(at('seam')).toContainText('everything restored');
  await at('seam').getByRole('button').click();
  await expect(at('seam-details')).toContainText('medium');
  await client.expectSameAsServer(stand.server.url);
});

test('WEB-52 away until the session has expired: the old transcript is greyed, and a clean one has begun', async ({
  device: { client, at, page },
  stand,
}) => {
  await client.signIn();
  await client.ask('remember colour is blue');
  const before = await client.held();
  await stand.away(6 * MINUTE);
  await client.untilLost();
  stand.heal();
  await client.wake();
  const after = await client.untilState('connected');
  expect(after).toMatchObject({ outcome: 'expired', previous_session_id: before.session_id, messages: [] });
  expect(after.session_id).not.toBe(before.session_id);
  expect(after.memory).toEqual({});
  await expect(at('session-ended')).toContainText('expired');
  await expect(at('session-ended')).toContainText('a clean one has begun');
  await expect(page.locator('[data-testid="message"].past')).toHaveCount(2);

  // What was remembered is gone; the words are readable.
  expect(await client.ask('recall colour')).toBe('I know no colour.');
  await client.expectSameAsServer(stand.server.url);
  await at('session-ended').getByRole('button').click();
  await expect(at('archived')).toContainText('it can be read, not continued');
  await expect(at('message-text')).toHaveText('remember colour is blue');
  await page.reload();
  await expect(at('archived')).toBeVisible();
  await expect(at('composer')).toHaveCount(0);
  await at('archived').getByRole('button').click();
  await client.untilState('connected');
});

test('WEB-43 a message that may have been sent into the expired session is the person’s to decide', async ({
  device: { client, at },
  stand,
}) => {
  await client.signIn();
  await client.ask('before');
  // It gets to the socket, and no further.
  stand.stall();
  await client.say('was it stored');
  await client.until(({ outbox }) => outbox[0]?.state === 'sending', 'the sending');
  await stand.away(6 * MINUTE);
  await client.untilLost();
  stand.heal();
  await client.wake();
  await client.until(
    ({ outcome, state }) => outcome === 'expired' && state === 'connected',
    'the clean session',
  );
  await expect(at('delivery')).toContainText('May or may not have arrived');
  await expect(at('status-action')).toHaveText('Show it');
  await at('resend').click();
  const { messages } = await client.untilAnswered();
  expect(messages.map(({ text }) => text)).toEqual(['was it stored', 'Message 1: "was it stored"']);
  await client.expectSameAsServer(stand.server.url);
});

test('WEB-5 a page that is reloaded after its session expired begins cleanly, and finds the old thread', async ({
  device: { client, at, page },
  stand,
}) => {
  await client.signIn();
  await client.ask('an old story');
  await stand.away(6 * MINUTE);
  stand.heal();
  await page.reload();
  const { messages } = await client.untilState('connected');
  expect(messages).toEqual([]);
  await at('thread-item').filter({ hasText: 'an old story' }).click();
  await expect(at('archived')).toBeVisible();
  await expect(at('message-text')).toHaveText('an old story');
});

test('WEB-5 two devices that come back to an expired session meet in the same new one', async ({
  newDevice,
  stand,
}) => {
  const [one, two] = [await newDevice(), await newDevice()];
  await one.client.signIn();
  await one.client.ask('together');
  const { session_id } = await one.client.held();
  await two.client.signIn();
  await two.at('thread-item').filter({ hasText: 'together' }).click();
  await two.client.until((held) => held.session_id === session_id, 'the thread');
  await stand.away(6 * MINUTE);
  for (const { client } of [one, two]) await client.untilLost();
  stand.heal();
  await one.client.wake();
  await two.client.wake();
  const back = await Promise.all([one, two].map(({ client }) => client.untilState('connected')));
  expect(back[0]?.session_id).not.toBe(session_id);
  expect(back[1]?.session_id).toBe(back[0]?.session_id);
  await one.client.ask('together again');
  await expect(two.at('answer-text').last()).toHaveText('Message 1: "together again"');
});
