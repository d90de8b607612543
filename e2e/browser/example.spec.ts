// The example of the README, word for word.
import { test } from '@playwright/test';
import { Stand } from '../../test-helpers/stand.ts';
import { ClientPage, hands } from '../../test-helpers/websocket.ts';

test('an answer survives a cut', async ({ page }) => {
  await using stand = await Stand.open(); // a server of its own, and the line in front of it
  const client = new ClientPage(hands(page), () => stand.url);
  await client.signIn('development');
  await client.say('count to 60');
  await client.untilWriting(30); // 30 characters of the answer are there
  stand.cut();
  await client.untilAnswered();
  await client.expectSameAsServer(stand.server.url); // nothing missing, nothing twice, in order
});
