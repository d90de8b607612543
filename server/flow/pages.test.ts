import { expect, test } from 'vitest';
import { Pages } from './pages.ts';
import { UnsentBudget } from './unsent-budget.ts';

const KIB = 1024;
const make = (subjectBytes = Infinity) => {
  const budget = new UnsentBudget({ totalBytes: Infinity, subjectBytes });
  return { budget, pages: new Pages(100 * KIB) };
};
/** What the promise came to, if it came to anything yet. */
async function soon<T>(promise: Promise<T>): Promise<'waits' | T> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
  return Promise.race([promise, Promise.resolve('waits' as const)]);
}

test('FLO-15 one page of a subject is read at a time, in order, and those of others meanwhile', async () => {
  const { budget, pages } = make();
  const first = await pages.begin('ada', budget.share('ada'));
  const second = pages.begin('ada', budget.share('ada'));
  const third = pages.begin('ada', budget.share('ada'));
  expect(await soon(second)).toBe('waits');
  expect(await soon(pages.begin('grace', budget.share('grace')))).toMatchObject({ maxBytes: 100 * KIB });
  first?.read();
  expect(await soon(second)).toMatchObject({ maxBytes: 100 * KIB });
  expect(await soon(third)).toBe('waits');
  (await second)?.close();
  expect(await soon(third)).toMatchObject({ maxBytes: 100 * KIB });
});

test('FLO-15 a page begins only when there is room for it', async () => {
  const { budget, pages } = make(250 * KIB);
  const one = await pages.begin('ada', budget.share('ada'));
  one?.read();
  const two = await pages.begin('ada', budget.share('ada'));
  two?.read();
  const three = pages.begin('ada', budget.share('ada'));
  expect(await soon(three)).toBe('waits');
  one?.close();
  expect(await soon(three)).toMatchObject({ maxBytes: 100 * KIB });
});

test('FLO-15 one whose peer leaves while it waits gives its turn to the next', async () => {
  const { budget, pages } = make(100 * KIB);
  const one = await pages.begin('ada', budget.share('ada'));
  const leaving = budget.share('ada');
  const two = pages.begin('ada', leaving);
  const three = pages.begin('ada', budget.share('ada'));
  leaving.close();
  one?.close();
  expect(await soon(two)).toBeUndefined();
  expect(await soon(three)).toMatchObject({ maxBytes: 100 * KIB });
});
