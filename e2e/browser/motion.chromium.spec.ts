import { expect, test } from './support/fixtures.ts';

test.use({ contextOptions: { reducedMotion: 'reduce' } });

test('WEB-14 nothing moves by itself for those who asked for that', async ({
  device: { client, page },
  stand,
  apiKey,
}) => {
  const moving = () =>
    page.evaluate(() => document.getAnimations().filter((a) => a.playState === 'running').length);
  await client.signIn(apiKey);
  await client.say('plan a nap');
  await client.until(({ run }) => run !== null, 'a run');
  expect(await moving()).toBe(0);
  stand.offline();
  await client.untilState('waiting');
  expect(await moving()).toBe(0);
});
