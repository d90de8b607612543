import { mergeTests } from '@playwright/test';
import { test as webkitTest, webkitHands } from '../../test-helpers/browsers/webkit.ts';
import { ClientPage } from '../../test-helpers/websocket.ts';
import { numbersTo } from './support/demo.ts';
import { expect, test as base } from './support/fixtures.ts';

const test = mergeTests(base, webkitTest).extend<{
  client: ClientPage;
  text: (testId: string) => () => Promise<string | null>;
}>({
  client: async ({ webkit, stand }, use) => {
    await use(new ClientPage(webkitHands(webkit), () => stand.url));
  },
  /** What an element says, for `expect.poll`. */
  text: async ({ webkit }, use) => {
    const { textOf } = webkitHands(webkit);
    await use((testId) => () => textOf(testId));
  },
});

test('WEB-10 signs in, is authenticated, and signs out', async ({ client, text, apiKey }) => {
  await client.open();
  await expect.poll(text('connection-status')).toBe('Disconnected');
  await expect.poll(text('auth-status')).toBe('Not Authenticated');
  await client.signIn(apiKey);
  await expect.poll(text('connection-status')).toBe('Connected');
  await expect.poll(text('auth-status')).toBe('Authenticated');
  await client.hands.click('sign-out');
  await expect.poll(text('auth-status')).toBe('Not Authenticated');
});

test('WEB-2 a bad key is refused in words', async ({ client, text }) => {
  await client.open();
  await client.hands.fill('api-key', 'no-such-key');
  await client.hands.click('sign-in');
  await expect.poll(text('error-message')).toBe('Invalid API key.');
  await expect.poll(text('error-details')).toContain('invalid_key');
  await expect.poll(text('connection-status')).toBe('Disconnected');
});

test('WEB-42 chats, remembers, and holds what the server holds', async ({ client, text, stand, apiKey }) => {
  await client.signIn(apiKey);
  expect(await client.ask('hello there')).toBe('Message 1: "hello there"');
  await client.ask('remember colour is blue');
  expect(await client.ask('recall colour')).toBe('colour is blue.');
  await expect.poll(text('status-sentence')).toBe('Everything said is stored.');
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-41 an answer that is cut goes on where it was', async ({ client, text, stand, apiKey }) => {
  await client.signIn(apiKey);
  await client.say('count to 60');
  await client.untilWriting(30);
  await client.hands.evaluate(watchAnswer, null);
  stand.offline();
  const cut = await client.untilState('waiting');
  await expect.poll(text('connection-status')).toBe('Reconnecting');
  await expect.poll(text('auth-status')).toBe('Not Authenticated');
  await expect.poll(text('error-message')).toBe('Connection lost.');
  stand.heal();
  await client.wake();
  const { messages, seams } = await client.untilAnswered();
  expect(messages.at(-1)?.text).toBe(numbersTo(60));
  expect(messages.at(-1)?.text.startsWith(cut.streaming?.text ?? '?')).toBe(true);
  expect(seams).toBe(1);
  await expect.poll(text('seam')).toContain('everything restored');
  expect(await client.hands.evaluate(rewritten, null)).toBe(0);
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-51 what is written without a line is stored once, also over a reload', async ({
  client,
  text,
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask('before');
  stand.offline();
  await client.untilState('waiting');
  await client.say('one');
  await client.say('two');
  await expect.poll(text('error-message')).toBe('Connection lost.');
  stand.heal();
  await client.hands.reload();
  const { messages } = await client.until(
    (held) => held.messages.length === 6 && held.run === null,
    'all answers',
  );
  expect(messages.filter(({ role }) => role === 'user').map((message) => message.text)).toEqual([
    'before',
    'one',
    'two',
  ]);
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('WEB-70 a plan is approved', async ({ client, apiKey }) => {
  await client.signIn(apiKey);
  await client.say('plan a garden');
  await client.hands.click('approve');
  expect((await client.untilAnswered()).messages.at(-1)?.text).toContain('Published "On a garden"');
});

test('in a narrow window nothing is wider than it', async ({ client, webkit, apiKey }) => {
  await webkit.manage().window().setRect({ width: 450, height: 800, x: 0, y: 0 });
  await client.signIn(apiKey);
  await client.ask('x'.repeat(200));
  expect(
    await client.hands.evaluate(() => document.documentElement.scrollWidth - innerWidth, null),
  ).toBeLessThanOrEqual(0);
  await client.hands.click('open-threads');
  await client.hands.click('new-thread');
  await client.until((held) => held.messages.length === 0 && held.state === 'connected', 'a new thread');
});

test.describe('a server of its own', () => {
  test.use({ env: {} });

  test('WEB-41 killed in the middle of an answer and restarted', async ({ client, stand }) => {
    await client.signIn();
    await client.say('count to 40');
    await client.untilWriting(20);
    await stand.kill();
    await client.untilLost();
    await stand.restart();
    await client.wake();
    expect((await client.untilAnswered()).messages.at(-1)?.text).toBe(numbersTo(40));
    await client.expectSameAsServer(stand.server.url);
  });

  test('WEB-52 an expired session is told, and a clean one has begun', async ({ client, text, stand }) => {
    await client.signIn();
    await client.ask('remember colour is blue');
    await stand.away(6 * 60_000);
    await client.untilLost();
    stand.heal();
    await client.wake();
    const { outcome, memory } = await client.untilState('connected');
    expect(outcome).toBe('expired');
    expect(memory).toEqual({});
    await expect.poll(text('session-ended')).toContain('a clean one has begun');
  });
});

/** In the page: counts how often the answer becomes something else than a longer one. */
function watchAnswer(): void {
  const watched = { last: '', rewritten: 0 };
  Object.assign(window, { watched });
  new MutationObserver(() => {
    const [answer] = [
      ...document.querySelectorAll('[data-testid="live-answer"], [data-testid="answer-text"]'),
    ].slice(-1);
    const text = answer?.textContent.trim() ?? '';
    if (!text.startsWith(watched.last)) watched.rewritten++;
    watched.last = text;
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
}

function rewritten(): number {
  return (window as unknown as { watched: { rewritten: number } }).watched.rewritten;
}
