import type { Clock } from '../../clock.ts';
import type { Random } from '../../random.ts';
import { type Store, StoreUnavailable } from '../store.ts';
import { Alarms } from './alarms.ts';
import { Calls } from './calls.ts';
import { checkServer, connect, connectSubscriber, type RedisLocation } from './connect.ts';
import { Keys } from './keys.ts';
import { loadLibrary } from './library.ts';
import { RedisStore } from './redis-store.ts';
import { StoreIdentity } from './store-identity.ts';
import { Subjects } from './subjects.ts';

const DEFAULT_TIMEOUT_MS = 5000;

export interface RedisStoreOptions extends RedisLocation {
  /** Begins every key and channel; `hf:` when left out. It must not hold a brace. */
  readonly keyPrefix?: undefined | string;
}

export interface RedisStoreDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: undefined | { warn(fields: object, message: string): void };
}

/**
 * Connects, loads the function library on every master, and reads the store's id.
 * @throws UnsuitableRedis when Redis is too old, of another mode than `mode`, or the address makes no sense
 * @throws StoreUnavailable when it does not answer within `commandTimeoutMs`
 */
export async function openRedisStore(options: RedisStoreOptions, deps: RedisStoreDeps): Promise<Store> {
  const timeoutMs = options.commandTimeoutMs ?? DEFAULT_TIMEOUT_MS;
  const client = connect(options);
  const keys = new Keys(options.keyPrefix);
  const warn = (error: unknown, message: string) =>
    deps.log?.warn(error instanceof Error ? { reason: error.message } : {}, message);
  let away: undefined | Error;
  const onError = (error: Error & { lastNodeError?: undefined | Error }) => {
    if (away === undefined) warn(error, 'Redis is away');
    away = error.lastNodeError ?? error;
  };
  client.on('error', onError);
  client.on('node error', onError);
  client.on('ready', () => {
    away = undefined;
  });

  const calls = new Calls(client, timeoutMs, deps, {
    prepare: async () => {
      await loadLibrary(client);
      // Without the library the data may be gone as well, and the store then is another one.
      await identity.refresh();
    },
    away: () => away,
  });
  const identity = new StoreIdentity(calls, keys, deps.random);
  const disconnect = () => {
    calls.close();
    client.disconnect();
  };
  try {
    if (client.status === 'wait') client.connect().catch(() => {}); // the first command says why not
    await calls.run(() => client.ping());
    const warning = await calls.run(() => checkServer(client, options.mode));
    if (warning !== undefined) warn(undefined, warning);
    await calls.run(() => loadLibrary(client));
    await identity.refresh();
  } catch (error) {
    disconnect();
    if (!(error instanceof StoreUnavailable)) throw error;
    const { cause } = error;
    throw new StoreUnavailable(`cannot open the store on Redis: ${error.message}`, { cause });
  }
  return new RedisStore({
    calls,
    keys,
    identity,
    alarms: new Alarms(calls, keys, Math.max(10_000, 2 * timeoutMs)),
    subjects: new Subjects(calls, keys),
    clock: deps.clock,
    random: deps.random,
    connectSubscriber: (turn) => connectSubscriber(options, client, turn),
    disconnect,
    warn,
  });
}
