import { expect, test } from './support/fixtures.ts';

test('a person signs in, says something and is answered', async ({ device, stand, apiKey }) => {
  const { client, at } = device;
  await client.signIn(apiKey);
  expect(await client.ask('hello there')).toBe('Message 1: "hello there"');
  await expect(at('connection-status')).toHaveText('Connected');
  await client.expectSameAsServer(stand.server.url, apiKey);
});

test('an answer survives a cut', async ({ device, stand, apiKey }) => {
  const { client } = device;
  await client.signIn(apiKey);
  await client.say('count to 40');
  await client.until((held) => (held.streaming?.text.length ?? 0) > 20, 'an answer under way');
  stand.cut();
  const { messages, seams } = await client.untilIdle();
  expect(messages.at(-1)?.text).toBe(Array.from({ length: 40 }, (_, i) => i + 1).join(' '));
  expect(seams).toBe(1);
  await client.expectSameAsServer(stand.server.url, apiKey);
});
