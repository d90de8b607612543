import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from '@playwright/test';
import type { Held } from './held.ts';
import { differences, serverHolds } from './holdings.ts';

/** What is needed of a browser. `hands` makes one of a Playwright page; `browsers/webkit.ts` one of a WebDriver session. */
export interface Hands {
  goto(url: string): Promise<void>;
  reload(): Promise<void>;
  /** Runs a function in the page; it may answer a promise, and sees nothing but its argument. */
  evaluate<A, R>(fn: (arg: A) => R | Promise<R>, arg: A): Promise<R>;
  fill(testId: string, text: string): Promise<void>;
  click(testId: string): Promise<void>;
  press(testId: string, key: 'Enter' | 'Escape'): Promise<void>;
  /** The text on the page, `null` where there is no such element. */
  textOf(testId: string): Promise<string | null>;
}

/** The hands of a Playwright page. */
export function hands(page: Page): Hands {
  const one = (testId: string) => page.getByTestId(testId).first();
  return {
    goto: async (url) => void (await page.goto(url)),
    reload: async () => void (await page.reload()),
    evaluate: <A, R>(fn: (arg: A) => R | Promise<R>, arg: A) =>
      page.evaluate(fn as (arg: unknown) => R | Promise<R>, arg as unknown),
    fill: (testId, text) => one(testId).fill(text),
    click: (testId) => one(testId).click(),
    press: (testId, key) => one(testId).press(key),
    textOf: async (testId) => ((await one(testId).count()) === 0 ? null : await one(testId).innerText()),
  };
}

/** How long anything waited for may take. Nothing here waits this long unless something is wrong. */
const PATIENCE_MS = 20_000;
/** How long one look waits for news: a page that is replaced meanwhile (a reload) is then looked at anew. */
const LOOK_MS = 2_000;

/** A page with a Holdfast client in it, followed by the client's own events: no wait here is for time. */
export class ClientPage {
  readonly hands: Hands;
  readonly #url: () => string;

  /** @param url where the page is served: that of the line, if the line is to be cut */
  constructor(where: Hands, url: () => string) {
    this.hands = where;
    this.#url = url;
  }

  /** Opens the page. */
  async open(path = '/'): Promise<void> {
    await this.hands.goto(`${this.#url()}${path}`);
  }

  /** Opens the page, types the key and waits until the client is connected. */
  async signIn(key = 'development'): Promise<Held> {
    await this.open();
    await this.hands.fill('api-key', key);
    await this.hands.click('sign-in');
    return this.untilState('connected');
  }

  /** Writes a message and presses Enter. What becomes of it is the test's matter. */
  async write(text: string): Promise<void> {
    await this.hands.fill('composer', text);
    await this.hands.press('composer', 'Enter');
  }

  /** Writes a message and sends it with Enter; answers once the client has taken it: sent, or waiting for the line. */
  async say(text: string): Promise<void> {
    await this.write(text);
    await this.until((held) => knows(held, text), `the message ${JSON.stringify(text.slice(0, 60))}`);
  }

  /** Says something and waits until it was answered. Answers the text of the answer. */
  async ask(text: string): Promise<string> {
    const before = (await this.held()).messages.filter((message) => message.role === 'assistant').length;
    await this.say(text);
    const { messages } = await this.until(
      (held) => isIdle(held) && answers(held).length > before,
      `an answer to ${JSON.stringify(text.slice(0, 60))}`,
    );
    return messages.findLast((message) => message.role === 'assistant')?.text ?? '';
  }

  /** Tells the page that the network is back, as a browser does: a client that waits out a backoff tries at once. */
  async wake(): Promise<void> {
    await this.hands.evaluate(
      () => (globalThis as unknown as EventTarget).dispatchEvent(new Event('online')),
      null,
    );
  }

  async held(): Promise<Held> {
    return (await this.#look(null)).held;
  }

  untilState(state: string): Promise<Held> {
    return this.until((held) => held.state === state, `the state ${state}`);
  }

  /** The page has noticed that its line is gone. */
  untilLost(): Promise<Held> {
    return this.until(({ state }) => state !== 'connected', 'the loss of the line');
  }

  /** An answer is being written, and this page has so many characters of it, or more. */
  untilWriting(characters: number): Promise<Held> {
    return this.until(
      ({ streaming }) => streaming !== null && streaming.text.length >= characters,
      `an answer of ${characters} characters`,
    );
  }

  /** Connected, everything written is stored, and the last word is the agent's. */
  untilAnswered(): Promise<Held> {
    return this.until((held) => isIdle(held) && held.messages.at(-1)?.role === 'assistant', 'an answer');
  }

  /** Connected, everything written is stored, and nothing is being answered. */
  untilIdle(): Promise<Held> {
    return this.until(isIdle, 'a quiet moment');
  }

  /** Resolves as soon as what the page holds is so, now or after one of the client's events. */
  async until(isSo: (held: Held) => boolean, what = 'something'): Promise<Held> {
    const deadline = performance.now() + PATIENCE_MS;
    let seen: null | number = null;
    let last: unknown = 'nothing yet';
    while (performance.now() < deadline) {
      try {
        const look = await this.#look(seen);
        if (isSo(look.held)) return look.held;
        last = look.held;
        seen = look.changes;
      } catch (error) {
        // The page is being replaced; the next one has its own count.
        if (!isReplaced(error)) throw error;
        last = error;
        seen = null;
        await sleep(20);
      }
    }
    throw new Error(
      `no ${what} within ${PATIENCE_MS} ms; the page holds ${JSON.stringify(last)?.slice(0, 2000)}`,
    );
  }

  /**
   * Waits until the page holds exactly what the server holds: place in the log, messages with ids and order, context.
   * Fails with the differences. Ask for it when nothing is under way.
   */
  async expectSameAsServer(url: string, apiKey = 'development'): Promise<void> {
    const { session_id } = await this.until((held) => held.session_id !== null, 'a session');
    let found: readonly string[] = [];
    const same = async () => {
      found = differences(await this.held(), await serverHolds(url, apiKey, session_id ?? ''));
      return found.length === 0;
    };
    const deadline = performance.now() + PATIENCE_MS / 2;
    while (!(await same())) {
      if (performance.now() > deadline) throw new Error(`page and server differ:\n${found.join('\n')}`);
      await sleep(20);
    }
  }

  /** Waits for a change after the `seen`th; `null`: answers at once. */
  #look(seen: null | number): Promise<{ held: Held; changes: number }> {
    return this.hands.evaluate(look, { seen, ms: LOOK_MS });
  }
}

const isIdle = (held: Held) =>
  held.state === 'connected' &&
  held.outbox.length === 0 &&
  held.run === null &&
  held.queued_runs === 0 &&
  held.streaming === null;

const answers = (held: Held) => held.messages.filter((message) => message.role === 'assistant');

const knows = (held: Held, text: string) =>
  held.messages.some((message) => message.role === 'user' && message.text === text.trim()) ||
  held.outbox.some((message) => message.content === text.trim());

const isReplaced = (error: unknown) =>
  /context was destroyed|navigat|no longer available|not ready|detached|discarded|stale|script timeout/i.test(
    String(error),
  );

interface Followed {
  holdfast?: { snapshot(): Held };
  holdfastChanges?: { count: number };
  addEventListener(type: string, listener: () => void, options?: { once?: boolean }): void;
}

/** In the page: what it holds, at once or after its next change. */
function look({ seen, ms }: { seen: null | number; ms: number }): Promise<{ held: Held; changes: number }> {
  const page = globalThis as unknown as Followed;
  if (page.holdfast === undefined) throw new Error('the page is not ready');
  if (page.holdfastChanges === undefined) {
    const changes = { count: 0 };
    page.holdfastChanges = changes;
    page.addEventListener('holdfast:state', () => {
      changes.count++;
    });
  }
  const { holdfast, holdfastChanges } = page;
  const now = () => ({ held: holdfast.snapshot(), changes: holdfastChanges.count });
  if (seen === null || holdfastChanges.count !== seen) return Promise.resolve(now());
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve(now());
    };
    const timer = setTimeout(done, ms);
    page.addEventListener('holdfast:state', done, { once: true });
  });
}
