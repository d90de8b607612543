import { ScriptedServer } from '../../test-helpers/scripted-server.ts';
import { WireClient } from '../../test-helpers/wire-client.ts';
import { advanceClock } from '../../test-helpers/server-process.ts';
import { Stand } from '../../test-helpers/stand.ts';
import { KeyFile } from '../wire/support/key-file.ts';
import { expect, test } from './support/fixtures.ts';
import { recordTexts } from './support/record.ts';
import { expectStatus } from './support/status.ts';

// Codes that a real server sends only in trouble: the scripted one says them over a real socket.
const RECONNECTS = [
  { code: 1001, reason: 'going away', says: 'Connection lost.' },
  { code: 1011, reason: 'Internal server error', says: 'Connection lost.' },
  { code: 1013, reason: 'over capacity', says: 'Connection lost.' },
  { code: 3999, reason: 'nobody knows this one', says: 'Connection lost.' },
  { code: 0, reason: 'a close frame without a code (1005)', says: 'Connection lost.' },
] as const;

for (const { code, reason, says } of RECONNECTS)
  test(`WEB-11 ${code || 1005}: the page says what happened, tries again by itself, and is back`, async ({
    newDevice,
    stand,
  }) => {
    await using scripted = await ScriptedServer.start(stand.server.url);
    const { client, at } = await newDevice({ url: scripted.url });
    await client.signIn();
    // Nobody is let in for a while, so that the state can be looked at.
    const open = Promise.withResolvers<void>();
    scripted.script = async (peer) => {
      const hello = await peer.greet();
      await open.promise;
      peer.admit(hello);
    };
    if (code === 0) scripted.peer.socket.close();
    else scripted.peer.close(code, reason);
    await expectStatus(at, { line: 'Reconnecting', error: says });
    await expect(at('composer')).toBeEnabled();
    open.resolve();
    await client.untilState('connected');
    await expectStatus(at, { line: 'Connected' });
  });

const GIVES_UP = [
  {
    code: 4002,
    error: { error_type: 'invalid_format', code: 400, message: 'Invalid message format', retryable: false },
    says: 'This page and the server do not understand each other.',
  },
  {
    code: 4003,
    error: { error_type: 'protocol_violation', code: 409, message: 'A second connect', retryable: false },
    says: 'This page and the server are out of step.',
  },
  {
    code: 4003,
    error: { error_type: 'unsupported_version', code: 426, message: 'Supported: 2', retryable: false },
    says: 'This page is too old for the server.',
  },
] as const;

for (const { code, error, says } of GIVES_UP)
  test(`WEB-11 ${code} ${error.error_type}: the page says so, does not hammer the server, and offers to reload`, async ({
    newDevice,
    stand,
  }) => {
    await using scripted = await ScriptedServer.start(stand.server.url);
    const { client, at } = await newDevice({ url: scripted.url });
    await client.signIn();
    const before = scripted.peers.length;
    scripted.peer.refuse(code, error);
    await expectStatus(at, { line: 'Disconnected', error: says });
    await at('error-message').locator('..').getByRole('button', { name: 'Details' }).click();
    await expect(at('error-details')).toContainText(error.error_type);
    await expect(at('reconnect-info')).toHaveCount(0);
    expect(scripted.peers).toHaveLength(before);
    await at('status-action').click();
    await client.untilState('connected');
  });

test('WEB-11 1000: the server says goodbye, and the page stays until the person connects', async ({
  newDevice,
  stand,
}) => {
  await using scripted = await ScriptedServer.start(stand.server.url);
  const { client, at } = await newDevice({ url: scripted.url });
  await client.signIn();
  scripted.peer.close(1000, 'bye');
  await expect(at('status-sentence')).toHaveText('You are disconnected.');
  await expectStatus(at, { line: 'Disconnected' });
  await at('status-action').click();
  await client.untilState('connected');
});

test('WEB-11 1000 erased: another device erased the thread', async ({ newDevice, stand, apiKey }) => {
  const [one, two] = [await newDevice(), await newDevice()];
  await one.client.signIn(apiKey);
  await one.client.ask('soon gone');
  await two.client.signIn(apiKey);
  const { session_id } = await one.client.held();
  const erased = await fetch(`${stand.server.url}/api/chat/threads/${session_id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${apiKey}` },
  });
  expect(erased.ok).toBe(true);
  await expect(one.at('status-sentence')).toHaveText('This thread was erased.');
  await expectStatus(one.at, { line: 'Disconnected' });
  await one.at('status-action').click();
  await one.client.untilState('connected');
  expect((await one.client.held()).messages).toEqual([]);
});

test('WEB-10 1006: a line that is cut is told, counted down, and taken up', async ({
  device: { client, at },
  stand,
  apiKey,
}) => {
  await client.signIn(apiKey);
  stand.offline();
  await expectStatus(at, { line: 'Reconnecting', error: 'Connection lost.' });
  await expect(at('reconnect-info')).toHaveText(/Trying again/);
  stand.heal();
  await client.wake();
  await client.untilState('connected');
  await expectStatus(at, { line: 'Connected' });
  await expect(at('seam')).toHaveCount(1);
});

test('WEB-2 4000: a bad key at sign-in is asked for anew', async ({ device: { client, at } }) => {
  await client.open();
  await at('api-key').fill('wrong');
  await at('sign-in').click();
  await expect(at('error-message')).toHaveText('Invalid API key.');
  await expectStatus(at, { line: 'Disconnected', error: 'Invalid API key.' });
});

test.describe('with few messages allowed', () => {
  test.use({ env: { MESSAGE_RATE_PER_S: '1', MESSAGE_BURST: '4', AGENT: 'none' } });
  test('WEB-10 4001: too many messages are told, and sent after the pause that the server asked for', async ({
    device: { client, page },
    stand,
    apiKey,
  }) => {
    await client.signIn(apiKey);
    const lines = await recordTexts(page, 'connection-status');
    const errors = await recordTexts(page, 'error-message');
    const waits = await recordTexts(page, 'reconnect-info');
    // Written without a line, so that all of it is sent at once.
    stand.offline();
    await client.untilLost();
    const texts = Array.from({ length: 8 }, (_, i) => `quick ${i + 1}`);
    for (const text of texts) await client.say(text);
    stand.heal();
    await client.wake();
    const { messages } = await client.untilIdle();
    expect(messages.map(({ text }) => text)).toEqual(texts);
    // Told while it lasted, which is a second at most.
    expect(await lines()).toContain('Reconnecting');
    expect(await errors()).toContain('Too much at once.');
    expect(await waits()).toContainEqual(expect.stringMatching(/^The server lets us back in \d+ s\.$/));
    await client.expectSameAsServer(stand.server.url, apiKey);
  });
});

test.describe('with small frames', () => {
  test.use({ env: { MAX_FRAME_BYTES: '20000' } });
  test('WEB-11 1009: a message that the server cannot take is told', async ({ device: { client, at } }) => {
    await client.signIn();
    await client.say('x'.repeat(30_000));
    await client.untilState('failed');
    await expectStatus(at, { line: 'Disconnected', error: 'That is over a limit of the server.' });
  });
});

test.describe('a server of its own', () => {
  test.use({ env: {} });

  test('WEB-11 1012: a server that is stopped says when to come back, and the page does', async ({
    device: { client, at },
    stand,
  }) => {
    await client.signIn();
    await client.ask('before the restart');
    expect(await stand.server.stop()).toBe(0);
    await expect(at('connection-status')).toHaveText('Reconnecting');
    await expect(at('auth-status')).toHaveText('Not Authenticated');
    await stand.restart();
    await client.wake();
    await client.untilState('connected');
    expect(await client.ask('after it')).toBe('Message 2: "after it"');
    await client.expectSameAsServer(stand.server.url);
  });

  test('WEB-64 a killed server: the page waits for it, and nothing is lost', async ({
    device: { client, at },
    stand,
  }) => {
    await client.signIn();
    await client.ask('before the kill');
    await stand.kill();
    await expectStatus(at, { line: 'Reconnecting', error: 'Connection lost.' });
    await client.say('written meanwhile');
    await expect(at('delivery').last()).toHaveText('Waits for the line');
    await stand.restart();
    await client.wake();
    await client.untilAnswered();
    await expectStatus(at, { line: 'Connected' });
    await client.expectSameAsServer(stand.server.url);
  });
});

test.describe('with one connection allowed', () => {
  test.use({ env: { MAX_CONNECTIONS: '1' } });
  test('WEB-10 HTTP 503 instead of a socket: the page waits its turn', async ({
    device: { client, at },
    stand,
    apiKey,
  }) => {
    const taken = await WireClient.connect(stand.server.url, { api_key: apiKey });
    await client.open();
    await at('api-key').fill(apiKey);
    await at('sign-in').click();
    await expect(at('error-message')).toHaveText('The server is out of reach.');
    await taken.close();
    await client.wake();
    await client.untilState('connected');
  });
});

test('WEB-3 4000: a revoked key ends the conversation where it stands, and another of the same person takes it up', async ({
  device: { client, at },
  stand,
  apiKey,
  spareKey,
  revoke,
}) => {
  await client.signIn(apiKey);
  await client.ask('before');
  await revoke(apiKey);
  await expect(at('key-card')).toBeVisible();
  await expectStatus(at, { line: 'Disconnected', error: 'Invalid API key.' });
  await expect(at('error-details')).toContainText('invalid_key');
  await expect(at('message-text')).toHaveText('before');
  await client.say('written meanwhile');

  await at('api-key').fill(spareKey);
  await at('sign-in').click();
  await client.untilAnswered();
  await expectStatus(at, { line: 'Connected' });
  await client.expectSameAsServer(stand.server.url, spareKey);
  expect((await client.held()).messages.map(({ text }) => text)).toContain('Message 2: "written meanwhile"');
});

test('WEB-3 4000: a key that expires is told as that', async ({ newDevice }) => {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  await using file = await KeyFile.create([
    { key: 'short-lived', subject: 'ada', permissions: ['chat'], expires_at: expiresAt },
    { key: 'long-lived', subject: 'ada', permissions: ['chat'] },
  ]);
  await using stand = await Stand.open({ env: { API_KEYS_FILE: file.path } });
  const { client, at } = await newDevice({ url: stand.url });
  await client.signIn('short-lived');
  await client.ask('while it holds');
  await advanceClock(stand.server.url, 3_700_000);
  await expect(at('key-card')).toBeVisible();
  await expectStatus(at, { line: 'Disconnected', error: 'Token expired.' });
  await at('api-key').fill('long-lived');
  await at('sign-in').click();
  await client.untilState('connected');
  await expect(at('message-text').first()).toHaveText('while it holds');
});
