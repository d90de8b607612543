import type { ThreadDetail } from '../../../protocol/http/threads.ts';
import type { ThreadsApi } from '../http/threads-api.ts';
import { App } from '../state/app.svelte.ts';
import { Keep, type PageStorage } from '../state/keep.ts';
import { FakeClient } from './fake-client.ts';
import type { thread } from './fixtures.ts';

/** `sessionStorage` that ends with the test. */
export function memoryPage(): PageStorage {
  const values = new Map<string, string>();
  return {
    get length() {
      return values.size;
    },
    key: (index) => [...values.keys()][index] ?? null,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

export interface FakeThreads {
  threads?: ReturnType<typeof thread>[];
  detail?: (id: string) => ThreadDetail | Promise<ThreadDetail>;
  fail?: Error;
}

function fakeThreadsApi(what: FakeThreads): ThreadsApi {
  const orFail = () => {
    if (what.fail !== undefined) throw what.fail;
  };
  return {
    async list() {
      orFail();
      return { threads: what.threads ?? [], next_cursor: null };
    },
    async detail(id) {
      orFail();
      if (what.detail === undefined) throw new Error(`no thread ${id} here`);
      return what.detail(id);
    },
    async rename() {
      orFail();
    },
    async erase() {
      orFail();
    },
  };
}

export interface FakeApp {
  readonly app: App;
  /** Every client that was made, newest last. */
  readonly clients: FakeClient[];
  readonly keep: Keep;
  readonly hashes: string[];
}

/** The whole page's state with nothing real around it. Frames are drawn at once. */
export function fakeApp(
  what: FakeThreads & { onConnect?: (client: FakeClient) => void; hash?: string; storage?: PageStorage } = {},
): FakeApp {
  const clients: FakeClient[] = [];
  const hashes: string[] = [what.hash ?? ''];
  let ids = 0;
  const keep = new Keep(what.storage ?? memoryPage(), () => `id${++ids}`);
  const app = new App({
    createClient() {
      const client = new FakeClient();
      client.onConnect = what.onConnect ?? (() => {});
      clients.push(client);
      return client;
    },
    threadsApi: () => fakeThreadsApi(what),
    keep,
    frames: {
      next(fn) {
        fn();
        return () => {};
      },
    },
    address: {
      hash: () => hashes.at(-1) ?? '',
      replace: (hash) => void hashes.splice(-1, 1, hash),
      push: (hash) => void hashes.push(hash),
    },
  });
  return { app, clients, keep, hashes };
}
