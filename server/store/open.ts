import type { Clock } from '../clock.ts';
import type { Random } from '../random.ts';
import type { Synchronous } from './sqlite/wal-sync.ts';
import type { Store } from './store.ts';

/** Which store, by settings. Without a Redis it is the embedded one. */
export type StoreOptions =
  | {
      readonly kind: 'sqlite';
      /** The folder of the embedded store; made if it is not there. */
      readonly dataDir: string;
      /** See `SqliteOptions`; `full` when not said. */
      readonly synchronous?: undefined | Synchronous;
      /** How much of the disk is kept for the time when it is full, in bytes; 0, as when left out: nothing. */
      readonly reserveBytes?: undefined | number;
    }
  | {
      readonly kind: 'redis';
      readonly url: string;
      readonly mode: 'single' | 'cluster' | 'sentinel';
      readonly sentinelName?: undefined | string;
      readonly commandTimeoutMs?: undefined | number;
    };

export interface StoreDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Takes what operators should know, such as a lost connection. */
  readonly log?: undefined | { warn(fields: object, message: string): void };
}

/**
 * Opens the store that the settings name. Drivers are loaded when they are asked for: the embedded store needs no Redis client.
 * Rejects with the driver's own error, whose message tells an operator what to do.
 */
export async function openStore(options: StoreOptions, deps: StoreDeps): Promise<Store> {
  switch (options.kind) {
    case 'sqlite': {
      const { openSqliteStore } = await import('./sqlite/open-sqlite-store.ts');
      const { reserveBytes: bytes = 0 } = options;
      const reserve = bytes > 0 ? { bytes, clock: deps.clock, log: deps.log } : undefined;
      return await openSqliteStore({ ...options, reserve }, deps);
    }
    case 'redis': {
      const { openRedisStore } = await import('./redis/open-redis-store.ts');
      return await openRedisStore(options, deps);
    }
  }
}
