import { ScriptedServer } from '../../test-helpers/scripted-server.ts';
import { expect, test } from './support/fixtures.ts';
import { sendRaw, watchSockets } from './support/page-socket.ts';
import { recordTexts } from './support/record.ts';

test('WEB-10 not authenticated at first, authenticated after success, not after an error, again only by authenticating', async ({
  newDevice,
  stand,
}) => {
  await using scripted = await ScriptedServer.start(stand.server.url);
  const { client, at } = await newDevice({ url: scripted.url });
  await client.open();
  await expect(at('auth-status')).toHaveText('Not Authenticated');

  // The server has not said yes yet.
  scripted.script = async (peer) => void (await peer.greet());
  await at('api-key').fill('development');
  await at('sign-in').click();
  await client.untilState('authenticating');
  await expect(at('connection-status')).toHaveText('Connecting');
  await expect(at('auth-status')).toHaveText('Not Authenticated');
  scripted.peer.admit(await scripted.peer.greet());
  await client.untilState('connected');
  await expect(at('connection-status')).toHaveText('Connected');
  await expect(at('auth-status')).toHaveText('Authenticated');

  // The new socket has to authenticate again: until then it has not.
  scripted.peer.socket.terminate();
  await client.untilLost();
  await expect(at('auth-status')).toHaveText('Not Authenticated');
  await client.untilState('authenticating');
  await expect(at('connection-status')).toHaveText('Reconnecting');
  await expect(at('auth-status')).toHaveText('Not Authenticated');
  await expect(at('error-message')).toHaveText('Connection lost.');
  const hello = await scripted.peer.greet();
  expect(hello).toMatchObject({ api_key: 'development', session_token: 'scripted-token' });
  scripted.peer.admit(hello);
  await client.untilState('connected');
  await expect(at('auth-status')).toHaveText('Authenticated');

  await at('sign-out').click();
  await expect(at('connection-status')).toHaveText('Disconnected');
  await expect(at('auth-status')).toHaveText('Not Authenticated');
});

test('WEB-10 stays authenticated through channel operations, which are refused', async ({
  device,
  apiKey,
}) => {
  const { client, at, page } = device;
  await watchSockets(page);
  await client.signIn(apiKey);
  const texts = await recordTexts(page, 'auth-status');
  for (const [type, data] of [
    ['channel_join', { channel: 'lobby' }],
    ['channel_message', { channel: 'lobby', content: 'hello' }],
    ['channel_leave', { channel: 'lobby' }],
  ] as const) {
    const reply = await sendRaw(page, { type, data, id: `test-${type}` });
    expect(reply).toMatchObject({
      type: 'error',
      reply_to: `test-${type}`,
      data: { error_type: 'not_available', code: 501 },
    });
  }
  expect(await client.ask('still here')).toBe('Message 1: "still here"');
  expect(await texts()).toEqual(['Authenticated']);
  await expect(at('connection-status')).toHaveText('Connected');
  // The page says that it was not done, and goes on.
  await expect(at('notice').first()).toContainText('This server does not offer that.');
});

test('WEB-10 stays authenticated while agents come and go', async ({ newDevice, stand }) => {
  await using scripted = await ScriptedServer.start(stand.server.url);
  const { client, at, page } = await newDevice({ url: scripted.url });
  await client.signIn();
  const texts = await recordTexts(page, 'auth-status');
  for (const [status, word] of [
    ['offline', 'Away'],
    ['online', 'Ready'],
    ['lost', 'Away'],
    ['draining', 'Ready'],
  ] as const) {
    scripted.peer.send('agent_status', { agent_id: 'agent-1', status });
    await expect(at('agent-status')).toHaveText(word);
  }
  expect(await texts()).toEqual(['Authenticated']);
});

test('WEB-10 stays authenticated while messages go and answers come', async ({ device, apiKey }) => {
  const { client, at, page } = device;
  await client.signIn(apiKey);
  const texts = await recordTexts(page, 'auth-status');
  const agent = await recordTexts(page, 'agent-status');
  await client.ask('hello');
  await client.say('count to 20');
  await client.say('and this after it');
  await client.until((held) => held.run === null && held.messages.length === 6, 'all answers');
  await expect(at('agent-status')).toHaveText('Ready');
  expect(await texts()).toEqual(['Authenticated']);
  expect(await agent()).toContain('Writing');
});
