import { expect, type Page } from '@playwright/test';

/** How the newest answer looked over time: each of these numbers is 0 as long as it kept its place. */
export interface AnswerRecord {
  /** Times that its text became something else than a longer one. */
  readonly rewritten: number;
  /** Times that it was taken away and put back. */
  readonly replaced: number;
  /** Times that it moved down again: text above it came and went. */
  readonly jumped: number;
  /** Different texts that were seen. */
  readonly texts: number;
  readonly text: string;
}

/** Begins to watch the answer that is being written, at every change of the page. */
export async function recordAnswer(page: Page): Promise<() => Promise<AnswerRecord>> {
  await page.evaluate(() => {
    const seen = { rewritten: 0, replaced: 0, jumped: 0, texts: 0, text: '' };
    let article: Element | undefined;
    let top = Number.POSITIVE_INFINITY;
    const look = () => {
      const last = [...document.querySelectorAll('[data-testid="message"][data-role="assistant"]')].at(-1);
      const body = last?.querySelector('[data-testid="live-answer"], [data-testid="answer-text"]');
      const text = body?.textContent.trim() ?? '';
      if (article !== undefined && last !== article) seen.replaced++;
      if (last !== undefined) article = last;
      if (!text.startsWith(seen.text)) seen.rewritten++;
      else if (text !== seen.text) seen.texts++;
      seen.text = text;
    };
    // What a person sees is what is there when a picture is drawn.
    const frame = () => {
      const now = article?.getBoundingClientRect().top ?? top;
      if (now > top + 1) seen.jumped++;
      top = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new MutationObserver(look).observe(document.body, {
      childList: true,
      characterData: true,
      subtree: true,
    });
    Object.assign(window, { answerRecord: seen });
  });
  return () => page.evaluate(() => (window as unknown as { answerRecord: AnswerRecord }).answerRecord);
}

/** Begins to write down every text that an element shows. */
export async function recordTexts(page: Page, testId: string): Promise<() => Promise<string[]>> {
  await page.evaluate((id) => {
    const texts: string[] = [];
    const look = () => {
      const text = document.querySelector(`[data-testid="${id}"]`)?.textContent?.trim() ?? '';
      if (texts.at(-1) !== text) texts.push(text);
    };
    look();
    new MutationObserver(look).observe(document.body, {
      childList: true,
      characterData: true,
      subtree: true,
    });
    Object.assign(window, { [`texts-${id}`]: texts });
  }, testId);
  return () =>
    page.evaluate((id) => (window as unknown as Record<string, string[]>)[`texts-${id}`] ?? [], testId);
}

/** Where a message stands, once nothing scrolls any more: for telling whether anything moved since. */
export function placeOf(page: Page, text: string): Promise<number> {
  return page.evaluate(async (wanted) => {
    const top = () => {
      const all = [...document.querySelectorAll('[data-testid="message-text"]')];
      return all.find((node) => node.textContent === wanted)?.getBoundingClientRect().top;
    };
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    for (let last = top(), same = 0; ; last = top()) {
      await frame();
      same = last !== undefined && top() === last ? same + 1 : 0;
      if (same === 6 && last !== undefined) return last;
    }
  }, text);
}

/** Turns the wheel over the transcript until a message is in sight. */
export async function scrollUpTo(page: Page, text: string): Promise<void> {
  await page.getByRole('log').hover();
  await expect(async () => {
    await page.mouse.wheel(0, -1000);
    await expect(page.getByTestId('message-text').getByText(text, { exact: true })).toBeInViewport({
      timeout: 300,
    });
  }).toPass();
}
