import { type HoldfastError, StorageError } from './errors.ts';
import type { KeyValueStorage } from './ports.ts';

/** Forgets everything with the page. The default. */
export function memoryStorage(): KeyValueStorage {
  const values = new Map<string, string>();
  return {
    get: (key) => values.get(key),
    set: (key, value) => void values.set(key, value),
    remove: (key) => void values.delete(key),
  };
}

/** What `localStorage` and `sessionStorage` are. */
export interface WebStorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * `sessionStorage`: a reload of this tab goes on where it was. `localStorage`: so does the next visit; then no two tabs may
 * share a `clientId`.
 */
export function webStorage(storage: WebStorageLike): KeyValueStorage {
  return {
    get: (key) => storage.getItem(key) ?? undefined,
    set: (key, value) => storage.setItem(key, value),
    remove: (key) => storage.removeItem(key),
  };
}

/** JSON documents in a storage that may fail: a failure is reported once, and the SDK goes on without. */
export class Documents {
  readonly #storage: KeyValueStorage;
  readonly #prefix: string;
  readonly #onError: (error: HoldfastError) => void;
  #failed = false;

  constructor(storage: KeyValueStorage, prefix: string, onError: (error: HoldfastError) => void) {
    this.#storage = storage;
    this.#prefix = prefix;
    this.#onError = onError;
  }

  /** `undefined`: not there, not readable, or not JSON. */
  read(name: string): unknown {
    return this.#guard(() => {
      const text = this.#storage.get(this.#prefix + name);
      return text === undefined ? undefined : JSON.parse(text);
    });
  }

  /** `undefined` removes it. */
  write(name: string, value: unknown): void {
    this.#guard(() => {
      if (value === undefined) this.#storage.remove(this.#prefix + name);
      else this.#storage.set(this.#prefix + name, JSON.stringify(value));
      this.#failed = false;
    });
  }

  #guard<T>(fn: () => T): T | undefined {
    try {
      return fn();
    } catch (cause) {
      if (!this.#failed) this.#onError(new StorageError('The storage failed', { cause }));
      this.#failed = true;
      return undefined;
    }
  }
}
