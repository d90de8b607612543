import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { ScriptedServer } from '../../test-helpers/scripted-server.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { expect, test } from './support/fixtures.ts';

test('the first page loads less than 150 KB of script, gzipped', async ({
  device: { client, page },
  stand,
}) => {
  const scripts: string[] = [];
  page.on('request', (request) => {
    if (request.resourceType() === 'script') scripts.push(request.url());
  });
  await client.open();
  await expect(page.getByTestId('sign-in-form')).toBeVisible();
  expect(scripts.length).toBeGreaterThan(0);
  let bytes = 0;
  for (const url of scripts) bytes += gzipSync(Buffer.from(await (await fetch(url)).arrayBuffer())).length;
  expect(bytes).toBeLessThan(150 * 1024);
  expect(stand.line.connections).toBeGreaterThan(0);
});

const MESSAGES = 10_000;
const FEW = 5;

test.describe('a long conversation', () => {
  test.use({ env: { AGENT: 'none', HISTORY_PAGE: '500', MAX_SESSION_BYTES: '0' } });

  test('WEB-30 10 000 messages: however far one scrolls, the page holds a few rows', async ({
    device,
    stand,
    apiKey,
  }) => {
    test.slow();
    const { client, at, page } = device;
    const { session_id } = await client.signIn(apiKey);
    await fill(stand.server.url, apiKey, session_id ?? '');
    // Comes in anew: a snapshot, and everything older by scrolling.
    await page.reload();
    await client.until(
      (held) => held.state === 'connected' && held.messages.length >= 500,
      'the newest page',
    );

    const drawn = await scrollToStart(page, MESSAGES);
    await expect(at('message-text').first()).toHaveText('message 1');
    drawn.push(...(await scrollDown(page)));
    await at('to-end').click();
    await expect(at('message-text').last()).toHaveText(`message ${MESSAGES}`);
    await expect(at('message-text').last()).toBeInViewport();
    expect(Math.max(...drawn)).toBeLessThan(80);
    await expect.poll(() => page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(2500);
    await client.expectSameAsServer(stand.server.url, apiKey);
  });
});

test('WEB-25 an answer of 2 000 chunks: the last ones cost the page no more than the first', async ({
  newDevice,
  stand,
}) => {
  test.slow();
  await using scripted = await ScriptedServer.start(stand.server.url);
  const { client, at, page } = await newDevice({ url: scripted.url });
  await client.signIn();
  const { peer } = scripted;
  peer.event('run_queued', { run_id: 'run-1', message_id: 'm-0' });
  peer.event('run_started', { run_id: 'run-1', message_id: 'm-0', attempt: 1 });
  peer.send('message_started', { message_id: 'm-1', run_id: 'run-1' });
  const chunk = (index: number) =>
    peer.send('message_delta', {
      message_id: 'm-1',
      attempt: 1,
      index,
      part: 0,
      kind: 'text',
      delta: textOfChunk(index),
    });

  /** Sends a hundred chunks, a few at a time, as soon as those before are on the page; answers what each few changed. */
  const hundred = async (from: number): Promise<number[]> => {
    const costs: number[] = [];
    for (let index = from; index < from + 100; index += FEW) {
      const cost = await countChanges(page, `c${index + FEW - 1}.`);
      for (let few = 0; few < FEW; few++) chunk(index + few);
      costs.push(await cost());
    }
    return costs;
  };
  const first = await hundred(0);
  const shown = await countChanges(page, 'c1899.');
  for (let index = 100; index < 1900; index++) chunk(index);
  await shown();
  const last = await hundred(1900);

  const worst = (costs: number[]) => Math.max(...costs);
  const sum = (costs: number[]) => costs.reduce((a, b) => a + b, 0);
  expect(worst(last)).toBeLessThanOrEqual(worst(first) * 2);
  expect(sum(last)).toBeLessThanOrEqual(sum(first) * 2);
  // What is finished is never touched again.
  expect(await at('live-answer').locator('h2').count()).toBe(100);
});

/** A heading, then paragraphs, a list, and code, so that the answer is made of many blocks. */
function textOfChunk(index: number): string {
  const place = index % 20;
  const word = `some words and c${index}. `;
  if (place === 0) return `\n\n## Part c${index}.\n\n`;
  if (place === 8) return `\n\n- ${word}\n`;
  if (place > 8 && place < 12) return `- ${word}\n`;
  if (place === 12) return `\n\`\`\`\n${word}\n`;
  if (place === 14) return `${word}\n\`\`\`\n\n`;
  return word;
}

/** Counts nodes added, removed and rewritten in the transcript until `text` is there. */
async function countChanges(page: Page, text: string): Promise<() => Promise<number>> {
  await page.evaluate((wanted) => {
    const counted = new Promise<number>((resolve) => {
      let count = 0;
      const observer = new MutationObserver((records) => {
        for (const { addedNodes, removedNodes, type } of records)
          count += type === 'characterData' ? 1 : addedNodes.length + removedNodes.length;
        const live = document.querySelector('[data-testid="live-answer"]');
        if (!live?.lastElementChild?.textContent.includes(wanted)) return;
        observer.disconnect();
        resolve(count);
      });
      const log = document.querySelector('main');
      if (log !== null) observer.observe(log, { childList: true, characterData: true, subtree: true });
    });
    Object.assign(window, { counted });
  }, text);
  return () => page.evaluate(() => (window as unknown as { counted: Promise<number> }).counted);
}

/** Scrolls up, an older page after the other, until all is there. Answers how many rows there were each time. */
function scrollToStart(page: Page, messages: number): Promise<number[]> {
  return page.evaluate(async (wanted) => {
    const log = document.querySelector('[role="log"]');
    if (log === null) throw new Error('there is no transcript');
    const held = () => window.holdfast?.snapshot().messages.length ?? 0;
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const drawn: number[] = [];
    while (held() < wanted) {
      const before = held();
      for (let n = 0; held() === before; n++) {
        if (n > 1000)
          throw new Error(
            `no older messages after ${before}: ${log.scrollTop} ${log.textContent.slice(0, 80)}`,
          );
        log.scrollTop = 0;
        await frame();
      }
      drawn.push(log.querySelectorAll('[data-key]').length);
    }
    log.scrollTop = 0;
    await frame();
    return drawn;
  }, messages);
}

/** Scrolls down, a window at a time for a while, then in strides; there is always something to read. */
function scrollDown(page: Page): Promise<number[]> {
  return page.evaluate(async () => {
    const log = document.querySelector('[role="log"]');
    if (log === null) throw new Error('there is no transcript');
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const drawn: number[] = [];
    for (let step = 0; step < 100; step++) {
      log.scrollTop += step < 50 ? 600 : 10_000;
      await frame();
      await frame();
      const { top, height } = log.getBoundingClientRect();
      const middle = document.elementFromPoint(innerWidth / 2, top + height / 2);
      if (middle?.closest('[data-key]') === null) throw new Error(`nothing to see after step ${step}`);
      drawn.push(log.querySelectorAll('[data-key]').length);
    }
    return drawn;
  });
}

/** Has the session filled by another device, many messages at a time. */
async function fill(url: string, apiKey: string, sessionId: string): Promise<void> {
  await using other = await WireClient.connect(url, { api_key: apiKey, session_id: sessionId });
  for (let sent = 0; sent < MESSAGES; ) {
    for (let i = 0; i < 500; i++) other.send('chat_message', { content: `message ${++sent}` });
    const last = `message ${sent}`;
    await other.next('message_created', ({ message }) =>
      message.parts.some((part) => part.type === 'text' && part.text === last),
    );
  }
}
