import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { mastersOf, onMasters, type RedisClient } from './library.ts';
import { UnsuitableRedis } from './faults.ts';

/** Where Redis is and how long it may take. */
export interface RedisLocation {
  /** `redis://` or `rediss://`; with `cluster` and `sentinel` a list, separated by commas. Credentials are taken from the first. */
  readonly url: string;
  readonly mode: 'single' | 'cluster' | 'sentinel';
  /** The master's name with `sentinel`; `mymaster` when left out. */
  readonly sentinelName?: undefined | string;
  /** Within this an operation is answered or refused with `StoreUnavailable`; 5 000 when left out. */
  readonly commandTimeoutMs?: undefined | number;
}

type ConnectionOptions = Omit<RedisOptions, 'replyMapping'> & { replyMapping: 'legacy' };

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Makes the client for commands. It does not connect before the first one. */
export function connect(location: RedisLocation): RedisClient {
  const { addresses, options } = readLocation(location);
  if (location.mode === 'cluster')
    return new Cluster(addresses, {
      lazyConnect: true,
      enableOfflineQueue: false,
      // Certificates are checked against the name that was given, not against an address it resolves to.
      ...(options.tls && { dnsLookup: (name, done) => done(null, name) }),
      clusterRetryStrategy: backoff,
      redisOptions: options,
    });
  return new Redis({ ...options, ...target(location, addresses), enableOfflineQueue: false });
}

/**
 * Makes a connection for a subscription. It does not reconnect by itself: another node may be the better choice.
 * @param turn counts the attempts, so that in a cluster a node that is down is not tried for ever
 */
export function connectSubscriber(location: RedisLocation, client: RedisClient, turn: number): Redis {
  const { addresses, options } = readLocation(location);
  const fixed = { ...options, retryStrategy: null, enableOfflineQueue: true };
  if (!(client instanceof Cluster))
    return new Redis({ ...fixed, ...target(location, addresses), sentinelRetryStrategy: () => null });
  // What is published on one node of a cluster is heard on all.
  const nodes = mastersOf(client).map(({ options: { host, port } }) => ({ host, port }));
  const all = nodes.length > 0 ? nodes : addresses;
  return new Redis({ ...fixed, ...(all[turn % all.length] as Address) });
}

/**
 * Answers what an operator should be warned of, if anything.
 * @throws UnsuitableRedis when a store cannot be kept there
 */
export async function checkServer(
  client: RedisClient,
  mode: RedisLocation['mode'],
): Promise<undefined | string> {
  let warning: undefined | string;
  for (const text of await onMasters(client, (master) => master.info())) {
    const info = new Map(text.split('\r\n').map((line) => line.split(':', 2) as [string, string]));
    const version = info.get('redis_version') ?? '';
    if (!(Number.parseInt(version, 10) >= 7))
      throw new UnsuitableRedis(`Redis 7.0 or newer is needed, this is ${version || 'something else'}`);
    if (mode !== 'cluster' && info.get('redis_mode') === 'cluster')
      throw new UnsuitableRedis('this Redis is part of a cluster: REDIS_MODE=cluster is needed');
    const policy = info.get('maxmemory_policy');
    if (policy !== 'noeviction' && info.get('maxmemory') !== '0')
      warning = `Redis evicts keys when its memory is full (maxmemory-policy ${policy}), and with them sessions`;
  }
  return warning;
}

function target(
  location: RedisLocation,
  addresses: readonly Address[],
): Pick<
  RedisOptions,
  'host' | 'port' | 'sentinels' | 'name' | 'sentinelRetryStrategy' | 'sentinelCommandTimeout'
> {
  if (location.mode === 'sentinel')
    return {
      sentinels: addresses.map((address) => ({ ...address })),
      name: location.sentinelName ?? 'mymaster',
      sentinelRetryStrategy: backoff,
      sentinelCommandTimeout: timeoutOf(location),
    };
  return { ...addresses[0] };
}

function timeoutOf(location: RedisLocation): number {
  return location.commandTimeoutMs ?? 5000;
}

function backoff(times: number): number {
  return Math.min(500, 25 * 2 ** Math.min(times, 5));
}

function readLocation(location: RedisLocation): { addresses: Address[]; options: ConnectionOptions } {
  const urls = location.url.split(',').map((text) => {
    const url = URL.parse(text.trim());
    // The text is not repeated: it may hold a password.
    if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '')
      throw new UnsuitableRedis('a Redis address must begin with redis:// or rediss:// and name a host');
    return url;
  });
  const [first] = urls as [URL, ...URL[]];
  const timeoutMs = timeoutOf(location);
  const addresses = urls.map((url) => ({
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || (location.mode === 'sentinel' ? 26_379 : 6379)),
  }));
  const db = Number(first.pathname.slice(1));
  const options: ConnectionOptions = {
    lazyConnect: true,
    protocol: 3,
    replyMapping: 'legacy',
    connectTimeout: timeoutMs,
    // Of each attempt, with all redirections in a cluster; `Calls` bounds the attempts.
    commandTimeout: timeoutMs,
    // A connection that says nothing for this long while commands wait is dead, whatever TCP believes.
    socketTimeout: timeoutMs,
    // Commands on a lost connection are handed back at once: `Calls` sends them again, and knows for how long.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    retryStrategy: backoff,
    // After a failover this connection may be to what is a replica now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...(first.username && { username: decodeURIComponent(first.username) }),
    ...(first.password && { password: decodeURIComponent(first.password) }),
    ...(first.protocol === 'rediss:' && { tls: {} }),
    ...(location.mode !== 'cluster' && db > 0 && { db }),
  };
  return { addresses, options };
}
