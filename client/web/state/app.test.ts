import { describe, expect, test, vi } from 'vitest';
import { RefusedError } from '../../sdk/index.ts';
import { fakeApp, memoryPage } from '../testing/fake-app.ts';
import { type FakeClient, STATES } from '../testing/fake-client.ts';
import * as f from '../testing/fixtures.ts';
import { Keep } from './keep.ts';
import { NO_LINE } from './no-line.ts';
import { claimTab } from './own-tab.ts';
import { parseRoute } from './route.ts';

const letIn =
  (sessionId = 's-1') =>
  (client: FakeClient) => {
    client.show({ session: f.session({ sessionId }) });
    client.become(STATES.connected);
  };
const refuse = (type: 'invalid_key' | 'token_expired' | 'not_found') => (client: FakeClient) =>
  client.become({ name: 'refused', line: NO_LINE, error: new RefusedError('no', type) });

const entry = {
  id: 'o-1',
  content: 'x',
  onBusy: 'enqueue',
  metadata: undefined,
  createdAt: 0,
  state: 'queued',
} as const;

describe('WEB-1 signing in', () => {
  test('WEB-1 a key is kept once the server has taken it, and only then', () => {
    const { app, keep, clients } = fakeApp();
    app.signIn('my-key');
    expect(app.entered).toBe(false);
    expect(keep.apiKey).toBeNull();
    letIn()(clients[0] as FakeClient);
    expect(app.entered).toBe(true);
    expect(keep.apiKey).toBe('my-key');
  });

  test('WEB-2 a refused key is forgotten, and it is said why', () => {
    const { app, keep } = fakeApp({ onConnect: refuse('invalid_key') });
    app.signIn('wrong');
    expect(app.apiKey).toBeNull();
    expect(keep.apiKey).toBeNull();
    expect(app.refused).toMatchObject({ errorType: 'invalid_key' });
    expect(app.talk).toBeNull();
  });

  test('WEB-2 a kept key that is good no more leads back to the sign-in', () => {
    const storage = memoryPage();
    storage.setItem('holdfast.key', 'old');
    const { app } = fakeApp({ storage, onConnect: refuse('token_expired') });
    app.start();
    expect(app.apiKey).toBeNull();
    expect(storage.getItem('holdfast.key')).toBeNull();
  });

  test('WEB-3 a key that runs out in the middle takes nothing away', () => {
    const { app, clients } = fakeApp({ onConnect: letIn() });
    app.signIn('my-key');
    refuse('token_expired')(clients[0] as FakeClient);
    expect(app.apiKey).toBe('my-key');
    expect(app.talk?.sessionId).toBe('s-1');
    app.renew('new-key');
    expect(clients[0]?.calls).toContainEqual(['authenticate', 'new-key']);
  });

  test('WEB-3 a thread that is gone is no reason to sign in again', () => {
    const { app } = fakeApp({ onConnect: refuse('not_found') });
    app.signIn('my-key');
    expect(app.apiKey).toBe('my-key');
    expect(app.talk?.state.name).toBe('refused');
  });

  test('WEB-4 signing out forgets everything that the page kept', async () => {
    const storage = memoryPage();
    storage.setItem('unrelated', 'stays');
    const { app, clients } = fakeApp({ storage, onConnect: letIn() });
    app.signIn('my-key');
    storage.setItem('holdfast.some-client.outbox', '[]');
    await app.signOut();
    expect(clients[0]?.calls.at(-1)).toEqual(['close']);
    expect(Array.from({ length: storage.length }, (_, i) => storage.key(i))).toEqual(['unrelated']);
  });
});

describe('WEB-5 which thread', () => {
  test('WEB-5 a new thread gets its address once it has an id, and a reload comes back to it', () => {
    const storage = memoryPage();
    const first = fakeApp({ storage, onConnect: letIn('s-7') });
    first.app.signIn('my-key');
    expect(first.hashes).toEqual(['#/t/s-7']);
    const clientId = first.app.talk?.clientId;
    const again = fakeApp({ storage, hash: '#/t/s-7', onConnect: letIn('s-7') });
    again.app.start();
    return vi.waitFor(() => expect(again.app.talk?.clientId).toBe(clientId));
  });

  test('WEB-5 an expired session leads to its successor', () => {
    const { app, clients, hashes } = fakeApp({ onConnect: letIn('s-1') });
    app.signIn('my-key');
    letIn('s-2')(clients[0] as FakeClient);
    expect(hashes).toEqual(['#/t/s-2']);
  });

  test('WEB-5 an archived thread is read, not connected to', async () => {
    const detail = () => ({
      ...f.thread('s-9', { archived: true }),
      history: { messages: [], total: 0, has_more: false },
    });
    const { app, clients } = fakeApp({ hash: '#/t/s-9', detail });
    app.start();
    app.route = parseRoute('#/t/s-9');
    app.signIn('my-key');
    await vi.waitFor(() => expect(app.archive?.phase).toBe('ready'));
    expect(clients).toHaveLength(0);
    expect(app.entered).toBe(true);
  });

  test('WEB-5 WEB-52 a thread that has expired here is read, whatever an older list says', async () => {
    const detail = () => ({
      ...f.thread('s-1', { archived: true }),
      history: { messages: [], total: 0, has_more: false },
    });
    // Neither the list that is there nor one that was on its way knows of the end.
    const { app, clients } = fakeApp({ threads: [f.thread('s-1')], detail, onConnect: letIn('s-1') });
    app.signIn('my-key');
    await vi.waitFor(() => expect(app.threads?.find('s-1')?.archived).toBe(false));
    const client = clients[0] as FakeClient;
    client.show({ session: f.session({ sessionId: 's-2', outcome: 'expired', previousSessionId: 's-1' }) });
    client.become(STATES.connected);
    await app.threads?.refresh();
    app.openThread('s-1');
    await vi.waitFor(() => expect(app.archive?.phase).toBe('ready'));
    expect(clients).toHaveLength(1);
  });

  test('WEB-5 addresses that name nothing begin a new thread', () => {
    expect(parseRoute('#/t/s%2F1')).toEqual({ name: 'thread', id: 's/1' });
    for (const hash of ['', '#/', '#/t/', '#/x/y', '#/t/a/b', '#/t/%E0%A4%A'])
      expect(parseRoute(hash)).toEqual({ name: 'new' });
  });
});

describe('WEB-6 leaving a thread', () => {
  test('WEB-6 what is unsent goes out all the same: the thread lives on until it is stored', () => {
    const { app, clients } = fakeApp({ onConnect: letIn() });
    app.signIn('my-key');
    const left = clients[0] as FakeClient;
    left.entries = [entry];
    app.newThread();
    expect(left.calls).not.toContainEqual(['close']);
    expect(app.unsent).toBe(1);
    left.entries = [];
    left.tell({ type: 'outbox', change: 'sent', entry, seq: 3, error: null });
    expect(left.calls).toContainEqual(['close']);
  });

  test('WEB-6 coming back finds the same client', async () => {
    let sessions = 0;
    const { app, clients } = fakeApp({ onConnect: (client) => letIn(`s-${++sessions}`)(client) });
    app.signIn('my-key');
    (clients[0] as FakeClient).entries = [entry];
    app.newThread();
    app.openThread('s-1');
    await vi.waitFor(() => expect(app.talk?.client).toBe(clients[0]));
  });
});

describe('WEB-7 tabs', () => {
  test('WEB-7 a duplicate of a tab becomes a tab of its own, still signed in', async () => {
    const held = new Set<string>();
    const locks = {
      request: async (name: string, _: unknown, fn: () => Promise<void>) => {
        if (held.has(name)) throw new DOMException('in use', 'TimeoutError');
        held.add(name);
        await fn();
      },
    } as unknown as LockManager;
    const storage = memoryPage();
    let ids = 0;
    const tab = () => new Keep(storage, () => `id${++ids}`);
    const first = tab();
    first.apiKey = 'my-key';
    await claimTab(first, locks);
    const known = first.clientId('s-1');
    const duplicate = tab();
    await claimTab(duplicate, locks);
    expect(duplicate.apiKey).toBe('my-key');
    expect(duplicate.clientId('s-1')).not.toBe(known);
  });

  test('WEB-7 a broken storage only costs the reload', () => {
    const storage = {
      ...memoryPage(),
      length: 0,
      setItem: () => {
        throw new DOMException('full');
      },
    };
    const keep = new Keep(storage, () => 'id');
    expect(() => {
      keep.apiKey = 'k';
      keep.remember('s-1', 'c-1');
    }).not.toThrow();
  });
});
