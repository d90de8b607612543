import { afterAll, beforeAll } from 'vitest';
import type { Store } from '../../server/store/store.ts';

/** What a driver's own test file gives the suite: ways to open it over one set of data. */
interface Harness {
  /**
   * Opens a store over the harness's data, as one server process would. With `nodes: 2` it is called twice without a close
   * between, and the two see the same sessions.
   */
  open(nodeId?: string): Promise<Store>;
  /** Closes this store and opens another over the same data. Where it can, it ends and restarts the database too. */
  reopen(store: Store): Promise<Store>;
  /** Everything raw in which the session's id still occurs (keys, rows, values), by scanning the database beside the store. */
  rawKeys(sessionId: string): Promise<string[]>;
  /** Breaks the session's log beside the store: takes an event out of it, or moves the head's record to another tag. */
  damage(sessionId: string, how: 'hole' | 'head'): Promise<void>;
  /** Ends everything that the harness started; every store is closed by then. */
  cleanup(): Promise<void>;
}

/** `nodes`: how many stores may be open over the data at a time. With one, the rules of two nodes do not apply. */
export type StoreHarness = Harness &
  ({ readonly nodes: 2 } | { readonly nodes: 1; readonly whyOneNode: string });

/** One registration of the suite: the harness and the store that its tests share. */
export interface Suite {
  readonly harness: StoreHarness;
  /** The store under test. Tests keep apart by session ids and subjects of their own. */
  store(): Store;
  /** Closes the shared store and opens it again over the same data. */
  reopen(): Promise<Store>;
}

/** The node that the shared store stands for. */
export const NODE = 'node-a';

/** Opens the shared store before the tests around the call, and closes it after them. */
export function openSuite(harness: StoreHarness): Suite {
  let store: undefined | Store;
  beforeAll(async () => {
    store = await harness.open(NODE);
  });
  afterAll(async () => {
    await store?.close();
    await harness.cleanup();
  });
  const opened = (): Store => {
    if (store === undefined) throw new Error('the store is open only while the tests run');
    return store;
  };
  return {
    harness,
    store: opened,
    reopen: async () => {
      store = await harness.reopen(opened());
      return store;
    },
  };
}
