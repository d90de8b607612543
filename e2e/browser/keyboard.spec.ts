import type { Page } from '@playwright/test';
import { expect, test } from './support/fixtures.ts';

test('WEB-60 from sign-in to an approved plan without a mouse', async ({
  device: { client, at, page },
  apiKey,
}) => {
  await client.open();
  await tabTo(page, 'api-key');
  await page.keyboard.type(apiKey);
  await page.keyboard.press('Enter');
  await client.untilState('connected');
  await expect(at('composer')).toBeFocused();
  await page.keyboard.type('line one');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('line two');
  await page.keyboard.press('Enter');
  await client.untilAnswered();
  await expect(at('message-text')).toHaveText('line one\nline two');
  await expect(at('composer')).toBeFocused();

  await page.keyboard.type('plan a voyage');
  await page.keyboard.press('Enter');
  await expect(at('approve')).toBeVisible();
  await tabTo(page, 'approve', { back: true });
  await expect.poll(() => unseenFocus(page)).toBeNull();
  await page.keyboard.press('Enter');
  const { messages } = await client.untilAnswered();
  expect(messages.at(-1)?.text).toContain('Published "On a voyage"');
});

test('WEB-63 Escape stops the answer in hand, but not when it closes something', async ({
  device: { client, at, page },
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.say('count to 300');
  await client.untilWriting(10);
  await page.keyboard.press('Control+k');
  await expect(at('thread-finder')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(at('thread-finder')).toHaveCount(0);
  expect((await client.held()).run).not.toBeNull();
  await at('composer').focus();
  await page.keyboard.press('Escape');
  await client.until(({ run }) => run === null, 'the end of the run');
  await expect(at('run-outcome')).toHaveAttribute('data-outcome', 'canceled');
});

test('WEB-91 Ctrl+K finds a thread by arrows and Enter, and gives the focus back on Escape', async ({
  device: { client, at, page },
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask('alpha');
  const { session_id } = await client.held();
  await at('new-thread').click();
  await client.until((held) => held.session_id !== null && held.session_id !== session_id, 'a new thread');
  await client.ask('beta');
  await expect(at('thread-item')).toHaveCount(2);
  await at('composer').focus();
  await page.keyboard.press('Control+k');
  await expect(at('finder-field')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(at('composer')).toBeFocused();
  await page.keyboard.press('Control+k');
  await expect(at('finder-field')).toBeFocused();
  await expect(at('finder-item')).toHaveCount(2);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await client.until(
    (held) => held.session_id === session_id && held.state === 'connected',
    'the other thread',
  );
});

test('every stop of the Tab key is visible, and none is a trap', async ({
  device: { client, page },
  apiKey,
}) => {
  await client.signIn(apiKey);
  await client.ask('remember colour is blue');
  const stops: string[] = [];
  // Once around, also through the browser's own.
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(
      () => document.activeElement?.getAttribute('data-testid') ?? document.activeElement?.textContent ?? '',
    );
    if (stop === stops[0] && stops.length > 3) break;
    stops.push(stop);
    await expect.poll(() => unseenFocus(page)).toBeNull();
  }
  for (const testId of ['composer', 'new-thread', 'find-thread', 'sign-out', 'toggle-context', 'thread-item'])
    expect(stops).toContain(testId);
});

test('WEB-14 arrivals and the state of the line are announced, politely and once', async ({
  device: { client, at },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  await expect(at('announcer')).toHaveAttribute('aria-live', 'polite');
  await client.ask('hello');
  await expect(at('announcer')).toHaveText('Answer: Message 1: "hello"');
  stand.offline();
  await expect(at('announcer')).toHaveText('Connection lost. Nothing is lost.');
  stand.heal();
  await client.wake();
  await expect(at('announcer')).toHaveText('Everything said is stored.');
});

/** Presses Tab until an element has the focus. */
async function tabTo(page: Page, testId: string, { back = false } = {}): Promise<void> {
  for (let i = 0; i < 40; i++) {
    const at = await page.evaluate(() => document.activeElement?.getAttribute('data-testid'));
    if (at === testId) return;
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
  }
  throw new Error(`the Tab key does not come to ${testId}`);
}

/** What has the focus shows it: by an outline, or by what is around it. Answers what does not. */
function unseenFocus(page: Page): Promise<string | null> {
  return page.evaluate(() => {
    const shows = (node: Element | null) => {
      if (node === null) return false;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(node);
      return (outlineStyle !== 'none' && Number.parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
    };
    const { activeElement } = document;
    // Between the last stop and the first: the browser's own.
    const outside = activeElement === document.body || activeElement === document.documentElement;
    if (
      outside ||
      !document.hasFocus() ||
      shows(activeElement) ||
      shows(activeElement?.parentElement ?? null)
    )
      return null;
    return activeElement?.outerHTML.slice(0, 200) ?? '';
  });
}
