import { fireEvent, render, screen, within } from '@testing-library/svelte';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { LineLostError, RefusedError } from '../sdk/index.ts';
import AppView from './App.svelte';
import { NO_LINE } from './state/no-line.ts';
import { exposeState } from './state/page-hook.ts';
import { fakeApp } from './testing/fake-app.ts';
import { type FakeClient, STATES } from './testing/fake-client.ts';
import * as f from './testing/fixtures.ts';

// jsdom knows no modal dialogs.
beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function () {
    this.open = false;
    this.dispatchEvent(new Event('close'));
  };
});

beforeEach(() => {
  // Wide enough for the list of threads beside the talk.
  window.matchMedia = ((query: string) => ({
    matches: query.includes('60rem'),
    addEventListener: () => {},
    removeEventListener: () => {},
  })) as unknown as typeof window.matchMedia;
});

const lost = {
  name: 'waiting',
  line: { ...NO_LINE, attempt: 1 },
  retryAt: Date.now() + 5_000,
  why: 'backoff',
  error: new LineLostError(1006, ''),
} as const;

function open(
  more: Parameters<FakeClient['show']>[0] = {},
  threads = [f.thread('s-1'), f.thread('s-2', { title: 'The other one' })],
) {
  const made: ReturnType<typeof fakeApp> = fakeApp({
    threads,
    onConnect(client) {
      const { route } = made.app;
      const sessionId = route.name === 'thread' ? route.id : 's-1';
      client.show({ session: f.session({ sessionId }), ...more });
      client.become(STATES.connected);
    },
  });
  render(AppView, { app: made.app });
  made.app.signIn('my-key');
  return { ...made, client: () => made.clients.at(-1) as FakeClient };
}

const text = (id: string) => screen.getByTestId(id).textContent?.trim();

describe('WEB-10 the test ids that others rely on', () => {
  test('WEB-10 before signing in', () => {
    render(AppView, { app: fakeApp().app });
    expect(text('connection-status')).toBe('Disconnected');
    expect(text('auth-status')).toBe('Not Authenticated');
  });

  test('WEB-10 signing in with the form', async () => {
    const { app, clients } = fakeApp();
    render(AppView, { app });
    await fireEvent.input(screen.getByTestId('api-key'), { target: { value: 'my-key' } });
    await fireEvent.click(screen.getByTestId('sign-in'));
    const client = clients[0] as FakeClient;
    client.become(STATES.connecting);
    await vi.waitFor(() => expect(text('connection-status')).toBe('Connecting'));
    client.show({ session: f.session() });
    client.become(STATES.connected);
    await vi.waitFor(() => expect(text('connection-status')).toBe('Connected'));
    expect(text('auth-status')).toBe('Authenticated');
    expect(screen.queryByTestId('sign-in-form')).toBeNull();
  });

  test('WEB-2 a refused key: the reason, the details, and the form again', async () => {
    const { app } = fakeApp({
      onConnect: (client) =>
        client.become({
          name: 'refused',
          line: NO_LINE,
          error: new RefusedError('Invalid API key', 'invalid_key'),
        }),
    });
    render(AppView, { app });
    app.signIn('wrong');
    await vi.waitFor(() => expect(text('error-message')).toBe('Invalid API key.'));
    expect(text('error-details')).toContain('invalid_key');
    expect(text('connection-status')).toBe('Disconnected');
    expect(text('auth-status')).toBe('Not Authenticated');
  });

  test('WEB-10 a lost line says so, when it is tried again, and on demand why', async () => {
    const { client } = open();
    client().become(lost, Date.now());
    await vi.waitFor(() => expect(text('connection-status')).toBe('Reconnecting'));
    expect(text('auth-status')).toBe('Not Authenticated');
    expect(text('error-message')).toBe('Connection lost.');
    expect(text('reconnect-info')).toMatch(/^Trying again in \d s\.$/);
    await fireEvent.click(screen.getByText('Details'));
    expect(text('error-details')).toBe('LineLostError: The line was lost (1006)');
    await fireEvent.click(screen.getByTestId('status-action'));
    expect(client().calls).toContainEqual(['retryNow']);
  });
});

describe('WEB-42 messages', () => {
  test('WEB-42 each says whose it is, how it stands and how it was delivered', async () => {
    open({
      messages: [f.person(1, 'hello'), f.answer(3, 'hi **there**')],
      outgoing: [f.outgoing('o-1', 'and now', { delivery: 'sending' })],
    });
    const messages = await screen.findAllByTestId('message');
    expect(messages.map(({ dataset: { role, status, delivery } }) => [role, status, delivery])).toEqual([
      ['user', 'completed', 'sent'],
      ['assistant', 'completed', undefined],
      ['user', 'unconfirmed', 'sending'],
    ]);
    expect(within(messages[1] as HTMLElement).getByText('there').tagName).toBe('STRONG');
    expect(
      within(messages[2] as HTMLElement)
        .getByTestId('delivery')
        .textContent?.trim(),
    ).toBe('Sending');
  });

  test('WEB-42 what a person wrote is shown as it was written', async () => {
    open({ messages: [f.person(1, '<b>**x**</b>\n# y')] });
    expect((await screen.findByTestId('message-text')).textContent).toBe('<b>**x**</b>\n# y');
  });

  test('WEB-43 a message that may not have arrived leaves the decision to the person', async () => {
    const { client } = open({ outgoing: [f.outgoing('o-1', 'did it?', { delivery: 'unconfirmed' })] });
    await fireEvent.click(await screen.findByTestId('resend'));
    await fireEvent.click(screen.getByTestId('discard'));
    expect(client().calls).toContainEqual(['resend', 'o-1']);
    expect(client().calls).toContainEqual(['discard', 'o-1']);
  });

  test('WEB-44 a run that ended badly says so, and the last one can be tried again', async () => {
    const failed = f.run('r-3', {
      messageId: 'm-1',
      state: 'finished',
      outcome: 'failed',
      error: { code: 'x', message: 'no model' },
    });
    const { client } = open({
      messages: [f.person(1, 'hello'), f.answer(3, 'h', { status: 'partial', runOutcome: 'failed' })],
      runs: { 'r-3': failed },
      lastRun: failed,
    });
    expect((await screen.findByTestId('run-outcome')).textContent).toBe('The agent failed: no model');
    await fireEvent.click(screen.getByTestId('retry'));
    expect(client().calls).toContainEqual(['retryRun', 'r-3']);
  });

  test('WEB-30 of ten thousand messages only those in sight are in the page', async () => {
    open({ messages: Array.from({ length: 10_000 }, (_, i) => f.person(i + 1, `message ${i + 1}`)) });
    const shown = await screen.findAllByTestId('message');
    expect(shown.length).toBeLessThan(120);
    expect(shown.at(-1)?.textContent).toContain('message 10000');
  });
});

describe('WEB-63 the keyboard', () => {
  test('WEB-63 Escape ends the run in hand, and nothing else', async () => {
    const { client } = open({ messages: [f.person(1, 'count')], run: f.run('r-1', { messageId: 'm-1' }) });
    await screen.findByTestId('cancel');
    await fireEvent.keyDown(window, { key: 'Escape' });
    expect(client().calls).toContainEqual(['cancelRun', 'r-1']);
  });

  test('WEB-91 Ctrl+K finds a thread; Escape there ends no run', async () => {
    const { app, client } = open({ run: f.run('r-1') });
    await fireEvent.keyDown(window, { key: 'k', ctrlKey: true });
    await fireEvent.keyDown(await screen.findByTestId('finder-field'), { key: 'Escape' });
    expect(client().calls.some(([name]) => name === 'cancelRun')).toBe(false);
    expect(screen.queryByTestId('finder-field')).toBeNull();
    await fireEvent.keyDown(window, { key: 'k', ctrlKey: true });
    const field = await screen.findByTestId('finder-field');
    await fireEvent.input(field, { target: { value: 'other' } });
    await fireEvent.keyDown(field, { key: 'Enter' });
    await vi.waitFor(() => expect(app.route).toEqual({ name: 'thread', id: 's-2' }));
  });
});

describe('WEB-90 threads', () => {
  test('WEB-90 those in which nothing was said are left out', async () => {
    open({}, [
      f.thread('s-1', { title: 'Mine' }),
      f.thread('s-2', { message_count: 0 }),
      f.thread('s-3', { archived: true }),
    ]);
    const items = await screen.findAllByTestId('thread-item');
    expect(items.map((item) => item.dataset.sessionId)).toEqual(['s-1', 's-3']);
    expect(items[0]?.getAttribute('aria-current')).toBe('page');
  });

  test('WEB-4 signing out with unsent messages asks first', async () => {
    const { app, client } = open();
    client().entries = [
      { id: 'o', content: 'x', onBusy: 'enqueue', metadata: undefined, createdAt: 0, state: 'queued' },
    ];
    await fireEvent.click(await screen.findByTestId('sign-out'));
    expect(app.apiKey).toBe('my-key');
    await fireEvent.click(await screen.findByTestId('confirm'));
    await vi.waitFor(() => expect(screen.queryByTestId('sign-in-form')).not.toBeNull());
  });
});

describe('WEB-14 what is said aloud', () => {
  test('WEB-14 states, answers and questions are announced; the counting is not', async () => {
    const { client } = open({ messages: [f.person(1, 'hello')] });
    await screen.findByTestId('composer');
    client().become(lost, Date.now());
    await vi.waitFor(() => expect(text('announcer')).toBe('Connection lost. Nothing is lost.'));
    client().become(STATES.connected);
    client().show({ messages: [f.person(1, 'hello'), f.answer(4, 'an answer')] });
    await vi.waitFor(() => expect(text('announcer')).toBe('Answer: an answer'));
    // Neither is that all is well again, which would speak over the answer.
    client().show({ run: f.run('r-live') });
    await vi.waitFor(() => expect(text('announcer')).not.toBe('Answer: an answer'));
    client().show({ run: null, messages: [f.person(1, 'hello'), f.answer(7, 'another')] });
    await vi.waitFor(() => expect(text('announcer')).toBe('Answer: another'));
    client().show({ queuedRuns: [] });
    client().become(lost, Date.now());
    await vi.waitFor(() => expect(text('announcer')).toBe('Connection lost. Nothing is lost.'));
    client().become(STATES.connected);
    await vi.waitFor(() => expect(text('announcer')).toBe('Everything said is stored.'));
    client().show({ run: f.run('r-live'), inputs: [f.input()] });
    await vi.waitFor(() => expect(text('announcer')).toMatch(/^The agent (asks|waits)/));
  });
});

describe('WEB-15 for tests that drive the page', () => {
  test('WEB-15 the page says what it holds, without the key', async () => {
    const { app, client } = open({ messages: [f.person(1, 'hello'), f.answer(4, 'an answer')] });
    exposeState(app);
    const told = new Promise((resolve) => window.addEventListener('holdfast:state', resolve, { once: true }));
    client().show({ context: { memory: { colour: 'blue' }, preferences: {} } });
    expect(((await told) as CustomEvent).detail).toEqual({ cause: 'conversation' });
    const held = window.holdfast?.snapshot();
    expect(held).toMatchObject({
      screen: 'talk',
      state: 'connected',
      line: 'Connected',
      session_id: 's-1',
      messages: [{ text: 'hello' }, { text: 'an answer', role: 'assistant', status: 'completed' }],
      memory: { colour: 'blue' },
    });
    expect(JSON.stringify(held)).not.toContain('my-key');
  });
});
