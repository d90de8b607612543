import { ScriptedServer } from '../../test-helpers/scripted-server.ts';
import { expect, test } from './support/fixtures.ts';
import { look } from './support/look.ts';
import { RICH_ANSWER } from './support/rich-answer.ts';

// Every state for which the page has a design: looked at by axe, and by people (`HOLDFAST_SHOTS`).
test.slow();

test('before anybody is in', async ({ device: { client, at, page }, stand, apiKey }) => {
  await client.open();
  await look(page, '01-sign-in');
  await at('api-key').fill('wrong');
  await at('sign-in').click();
  await expect(at('error-message')).toBeVisible();
  await look(page, '02-sign-in-refused');
  stand.offline();
  await at('api-key').fill(apiKey);
  await at('sign-in').click();
  await expect(at('reconnect-info')).toBeVisible();
  await look(page, '03-sign-in-out-of-reach');
});

test('nothing said, something said', async ({ device: { client, at, page }, apiKey }) => {
  await client.signIn(apiKey);
  await look(page, '10-empty');
  await client.ask('hello there');
  await client.ask('remember colour is blue');
  await look(page, '11-talk');
  await client.ask('calc (17 + 4) * 2');
  await client.ask('calc 1 / 0');
  await at('tool-call').first().locator('summary').click();
  await at('tool-call').last().locator('summary').click();
  await look(page, '12-tools');
  await client.say('count to 500');
  await client.untilWriting(60);
  await look(page, '13-writing');
  await at('cancel').click();
  await client.untilAnswered();
  await look(page, '14-stopped');
  await at('composer').fill(`${'A long message, to be cut. '.repeat(30)}${'x'.repeat(100_000)}`);
  await look(page, '17-too-long');
  await at('composer').fill('First line\nsecond line\nthird line');
  await look(page, '18-several-lines');
});

test('an answer with everything in it', async ({ newDevice, stand }) => {
  await using scripted = await ScriptedServer.start(stand.server.url);
  const { client, at, page } = await newDevice({ url: scripted.url });
  await client.signIn();
  const { peer } = scripted;
  const asked = { id: 'q-0000001', role: 'user', status: 'completed' } as const;
  const ts = new Date().toISOString();
  const said = (id: string, text: string) =>
    peer.event('message_created', { message: { ...asked, id, seq: 1, ts, parts: [{ type: 'text', text }] } });
  said('q-0000001', 'Show me what you can write.');
  peer.event('run_queued', { run_id: 'run-1', message_id: 'q-0000001' });
  peer.event('run_started', { run_id: 'run-1', message_id: 'q-0000001', attempt: 1 });
  await expect(at('run-state')).toBeVisible();
  await look(page, '20-at-work');
  peer.event('message_completed', {
    message: {
      id: 'a-0000001',
      seq: 1,
      ts,
      role: 'assistant',
      status: 'completed',
      run_id: 'run-1',
      parts: [
        { type: 'reasoning', text: 'They want to see everything: headings, lists, code, a table, links.' },
        { type: 'text', text: RICH_ANSWER },
        { type: 'data', name: 'measurements', data: { unit: 'mm', values: [1, 2, 3] } },
      ],
    },
  });
  peer.event('run_finished', { run_id: 'run-1', message_id: 'q-0000001', attempt: 1, outcome: 'completed' });
  await expect(at('answer-text')).toBeVisible();
  await at('reasoning').locator('summary').click();
  await at('data-part').locator('summary').click();
  await look(page, '21-rich-answer');
  await page.getByRole('log').press('End');

  said('q-0000002', 'And now something that fails.');
  peer.event('run_queued', { run_id: 'run-2', message_id: 'q-0000002' });
  peer.event('run_started', { run_id: 'run-2', message_id: 'q-0000002', attempt: 1 });
  peer.event('run_finished', {
    run_id: 'run-2',
    message_id: 'q-0000002',
    attempt: 1,
    outcome: 'failed',
    error: { code: 'model_away', message: 'the model did not answer' },
  });
  await expect(at('run-outcome')).toBeVisible();
  await look(page, '22-failed');

  said('q-0000003', 'Ask me something.');
  peer.event('run_queued', { run_id: 'run-3', message_id: 'q-0000003' });
  peer.event('run_started', { run_id: 'run-3', message_id: 'q-0000003', attempt: 1 });
  peer.event('input_requested', {
    run_id: 'run-3',
    request_id: 'in-1',
    kind: 'question',
    prompt: 'For how many people shall I cook?',
    expires_at: new Date(Date.now() + 600_000).toISOString(),
  });
  await expect(at('input-card')).toBeVisible();
  await look(page, '23-question');
  peer.event('run_recovering', {
    run_id: 'run-3',
    message_id: 'q-0000003',
    attempt: 1,
    reason: 'executor_lost',
  });
  await expect(at('agent-status')).toHaveText('Recovering');
  await look(page, '24-recovering');
  peer.event('input_resolved', { run_id: 'run-3', request_id: 'in-1', resolution: 'expired' });
  peer.event('run_finished', { run_id: 'run-3', message_id: 'q-0000003', attempt: 1, outcome: 'lost' });
  peer.send('agent_status', { agent_id: 'agent-1', status: 'offline' });
  await expect(at('agent-status')).toHaveText('Away');
  await look(page, '25-agent-away');
  peer.send('notice', {
    level: 'warning',
    code: 'maintenance',
    message: 'The server will be restarted at noon.',
  });
  await expect(at('notice')).toBeVisible();
  await look(page, '26-notice');
});

test('a plan', async ({ device: { client, at, page }, stand, apiKey }) => {
  await client.signIn(apiKey);
  await client.say('plan a kitchen garden');
  await expect(at('step').nth(1)).not.toHaveAttribute('data-state', 'coming');
  await look(page, '30-plan', 'desktop');
  await expect(at('input-card')).toBeVisible();
  await look(page, '31-approval');
  await client.say('and this after it');
  await expect(page.getByText('Next in line')).toBeVisible();
  await at('busy-reject').check();
  await client.write('only if free');
  await expect(at('discard')).toBeVisible();
  await look(page, '15-queued-and-not-sent');
  await at('discard').click();
  await page.getByRole('button', { name: 'Call off' }).click();
  await client.until((held) => held.queued_runs === 0, 'an empty queue');
  stand.offline();
  await client.untilState('waiting');
  await look(page, '32-approval-without-a-line');
  stand.heal();
  await client.wake();
  await client.untilState('connected');
  await at('approve').click();
  await client.untilAnswered();
  await look(page, '33-plan-done');
  await client.say('plan a second one');
  await at('decline').click();
  await client.untilIdle();
  await look(page, '34-plan-declined');
});

test.describe('where clients are told to come back late', () => {
  test.use({ env: { RECONNECT_MIN_MS: '25000', RECONNECT_MAX_MS: '30000' } });
  test('a line that comes and goes', async ({ device: { client, at, page }, stand }) => {
    await client.signIn();
    await client.ask('hello there');
    stand.cut();
    await client.untilLost();
    await client.wake();
    await client.untilState('connected');
    await look(page, '40-seam');
    await at('seam').getByRole('button').click();
    await look(page, '41-seam-open');
    await at('seam').getByRole('button').click();
    await client.say('count to 200');
    await client.untilWriting(150);
    stand.offline();
    await client.untilState('waiting');
    await look(page, '42-cut-in-an-answer');
    await client.say('written without a line');
    await client.say('and one more');
    await look(page, '43-waiting-to-be-sent');
    await page.getByRole('button', { name: 'Details' }).click();
    await look(page, '44-details');
  });
});

test('what the server says', async ({ newDevice, stand }) => {
  await using scripted = await ScriptedServer.start(stand.server.url);
  const { client, at, page } = await newDevice({ url: scripted.url });
  await client.signIn();
  scripted.peer.send('server_closing', { reconnect_in_ms: 60_000 });
  await expect(at('status-sentence')).toHaveText('The server restarts in a moment.');
  await look(page, '50-restart-announced');
  scripted.peer.close(1012, 'The server is restarting');
  await client.untilState('waiting');
  await look(page, '51-restarting');
  await page.reload();
  await client.untilState('connected');
  scripted.peer.refuse(4001, {
    error_type: 'rate_limited',
    code: 429,
    message: 'Rate limit exceeded',
    retryable: true,
    retry_after_ms: 120_000,
  });
  await client.untilState('waiting');
  await look(page, '52-rate-limited');
  await page.reload();
  await client.untilState('connected');
  scripted.peer.refuse(4002, {
    error_type: 'invalid_format',
    code: 400,
    message: 'Invalid message format',
    retryable: false,
  });
  await client.untilState('failed');
  await look(page, '53-given-up');
  await page.reload();
  await client.untilState('connected');
  scripted.peer.close(1000, 'bye');
  await client.untilState('closed');
  await look(page, '54-disconnected');
  // Nobody answers: the thread is being opened.
  scripted.script = () => {};
  await page.reload();
  await client.untilState('authenticating');
  await look(page, '55-opening');
});

test('keys and threads that are no more', async ({ device: { client, at, page }, stand, apiKey, revoke }) => {
  await client.signIn(apiKey);
  await client.ask('hello there');
  await page.evaluate(() => {
    location.hash = '#/t/no-such-thread';
  });
  await client.untilState('refused');
  await look(page, '60-no-such-thread');
  await page.goBack();
  await client.untilState('connected');
  const { session_id } = await client.held();
  await revoke(apiKey);
  await expect(at('key-card')).toBeVisible();
  await look(page, '61-key-revoked');
  expect(session_id).not.toBeNull();
  expect(stand.server.errors).toEqual([]);
});

test('memory, threads, questions to the person', async ({ device: { client, at, page }, apiKey }) => {
  await client.signIn(apiKey);
  await client.ask('remember colour is blue');
  await client.ask('prefer theme dark');
  await at('new-thread').click();
  await client.until(({ messages, state }) => messages.length === 0 && state === 'connected', 'a new thread');
  await client.ask('remember place of birth is Ghent');
  await at('toggle-context').click();
  await look(page, '70-memory');
  await at('context-entry').getByRole('button').first().click();
  await look(page, '71-memory-edited');
  await at('erase-thread').click();
  await expect(at('confirm')).toBeVisible();
  await look(page, '72-confirm');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  if (await at('context-panel').isVisible())
    await at('context-panel').getByRole('button', { name: 'Close' }).click();
  await page.keyboard.press('Control+k');
  await look(page, '73-finder');
  await at('finder-field').fill('nothing like that');
  await look(page, '74-finder-finds-nothing');
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 390, height: 844 });
  await at('open-threads').click();
  await look(page, '75-threads-on-a-phone', 'phone');
});

test.describe('time', () => {
  test.use({ env: {} });
  test('a session that outlived an absence, and one that did not', async ({
    device: { client, at, page },
    stand,
  }) => {
    await client.signIn();
    await client.ask('remember colour is blue');
    await stand.away(134_000);
    await client.untilLost();
    stand.heal();
    await client.wake();
    await client.untilState('connected');
    await at('seam').getByRole('button').click();
    await look(page, '80-away-for-minutes');
    stand.stall();
    await client.say('was it stored');
    await client.until(({ outbox }) => outbox[0]?.state === 'sending', 'the sending');
    await stand.away(400_000);
    await client.untilLost();
    stand.heal();
    await client.wake();
    await client.until(
      ({ outcome, state }) => outcome === 'expired' && state === 'connected',
      'the clean session',
    );
    await look(page, '81-expired-and-unsure');
    await at('resend').click();
    await client.untilAnswered();
    await look(page, '82-expired-and-gone-on');
    await at('session-ended').getByRole('button').click();
    await expect(at('archived')).toBeVisible();
    await look(page, '83-archive');
  });
});
