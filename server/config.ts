import { redisFault } from './config/checks.ts';
import { checkSecrets, type JwtSettings, readJwt, readSessionSecrets } from './config/credentials.ts';
import { type DevelopmentSettings, readDevelopment } from './config/development.ts';
import { type RetentionPolicy, readRetention } from './config/retention.ts';
import { type ReadValues, readValues } from './config/read.ts';
import type { Values } from './config/table.ts';

export { SESSION_AUDIENCE, type JwtSettings } from './config/credentials.ts';
export { SETTINGS_TABLE } from './config/table.ts';
export type { RetentionPolicy } from './config/retention.ts';

/** Which store holds the sessions, and how it is reached. */
export type StoreSettings =
  | {
      readonly kind: 'sqlite';
      readonly dataDir: string;
      readonly synchronous: 'full' | 'normal';
      /** 0: nothing is kept for a full disk. */
      readonly reserveBytes: number;
    }
  | {
      readonly kind: 'redis';
      readonly mode: 'single' | 'cluster' | 'sentinel';
      /** One address with `single`, a comma-separated list otherwise. May hold passwords: never logged. */
      readonly url: string;
      readonly sentinelName: string;
      readonly commandTimeoutMs: number;
    };

/**
 * What the process was told, read once at its start. Durations are ms, sizes bytes.
 * A limit that was turned off is `Infinity`, a timer that was turned off is 0. What each means is said in `SETTINGS_TABLE`.
 */
export interface Settings {
  readonly production: boolean;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** `undefined`: the process makes one. */
  readonly nodeId: undefined | string;
  /** Origins, or `self` for this server under a name of loopback or of `publicHosts`. */
  readonly allowedOrigins: readonly string[];
  /** Names, with or without a port, under which browsers reach this server. */
  readonly publicHosts: readonly string[];
  /** Addresses, ranges, and the names `loopback`, `linklocal`, `uniquelocal`. */
  readonly trustProxy: false | string[];
  readonly debugEndpoints: boolean;
  readonly logLevel: Values['LOG_LEVEL'];
  readonly metricsToken: undefined | string;
  readonly drainMs: number;
  readonly store: StoreSettings;
  readonly agent: 'demo' | 'none';
  readonly auth: AuthSettings;
  readonly sessions: SessionSettings;
  readonly runs: RunSettings;
  readonly sockets: SocketSettings;
  readonly http: HttpSettings;
}

export interface HttpSettings {
  readonly ratePerMin: number;
  readonly bodyBytes: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly writeTimeoutMs: number;
}

export interface AuthSettings {
  readonly keysFile: undefined | string;
  /** Keys that everybody knows: none in production. */
  readonly developmentKeys: DevelopmentSettings['developmentKeys'];
  readonly jwt: undefined | JwtSettings;
  /** The first signs, all verify; empty: one that the store keeps. */
  readonly sessionSecrets: readonly string[];
  readonly sessionTokenMaxAgeMs: number;
  readonly failedPerMin: number;
}

export interface SessionSettings {
  /** For keys that name no policy. */
  readonly retention: RetentionPolicy;
  readonly policies: ReadonlyMap<string, RetentionPolicy>;
  readonly maxPerSubject: number;
  readonly maxBytes: number;
  readonly maxContextBytes: number;
  readonly replayMaxEvents: number;
  readonly historyPage: number;
  readonly attachBeatMs: number;
  readonly attachTtlMs: number;
  readonly sweepIntervalMs: number;
}

export interface RunSettings {
  readonly leaseMs: number;
  readonly maxMs: number;
  readonly maxAttempts: number;
  readonly maxQueued: number;
  readonly maxConcurrent: number;
  readonly maxActivePerSubject: number;
  readonly chunkCoalesceMs: number;
}

export interface SocketSettings {
  readonly authTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly silenceTimeoutMs: number;
  readonly maxFrameBytes: number;
  readonly sendQueueBytes: number;
  readonly pageBytes: number;
  readonly unsentBytes: number;
  readonly unsentBytesPerSubject: number;
  readonly slowReaderMs: number;
  readonly pressedReaderMs: number;
  readonly messageRatePerS: number;
  readonly messageBurst: number;
  readonly controlFrameRatePerS: number;
  readonly connectionRatePerS: number;
  /** `undefined`: as many as the process's file descriptors allow. */
  readonly maxOpenSockets: undefined | number;
  readonly maxConnections: number;
  readonly maxConnectionsPerSubject: number;
  readonly maxUnauthenticated: number;
  readonly maxUnauthenticatedPerAddress: number;
  /** `Infinity`: nobody has to wait for others. */
  readonly fairLoadPercent: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
}

export type ReadSettings =
  | { readonly ok: true; readonly settings: Settings; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly faults: readonly string[] };

/**
 * Reads every setting from the environment. Each fault is one readable line that names its variable and repeats no secret;
 * warnings are lines about settings that work but are unwise.
 */
export function readSettings(env: Readonly<Record<string, undefined | string>>): ReadSettings {
  const read = readValues(env);
  const { values, isSet, faults } = read;
  const production = values.NODE_ENV === 'production';
  const { developmentKeys, debugEndpoints } = readDevelopment(read);
  const agent = values.AGENT;
  if (agent === 'llm' || agent === 'remote') faults.push(`AGENT=${agent} is not built yet; use demo or none`);

  const auth: AuthSettings = {
    keysFile: values.API_KEYS_FILE,
    developmentKeys,
    jwt: readJwt(read),
    sessionSecrets: readSessionSecrets(read),
    sessionTokenMaxAgeMs: values.SESSION_TOKEN_MAX_AGE_MS,
    failedPerMin: values.FAILED_AUTH_PER_MIN,
  };
  checkSecrets(read);
  const store = readStore(values, faults);
  const sessions = readSessions(read);
  const sockets = readSockets(read);
  if (faults.length > 0 || agent === 'llm' || agent === 'remote') return { ok: false, faults };

  const warnings: string[] = [];
  if (production && auth.keysFile === undefined && auth.jwt === undefined)
    warnings.push('API_KEYS_FILE and JWT_* are unset: nobody can authenticate');
  if (production && !isSet('PUBLIC_HOSTS') && !isSet('ALLOWED_ORIGINS'))
    warnings.push(
      'PUBLIC_HOSTS and ALLOWED_ORIGINS are unset: programs can open sockets, pages only on loopback',
    );
  const settings: Settings = {
    production,
    host: values.HOST,
    port: values.PORT,
    nodeId: isSet('NODE_ID') ? values.NODE_ID : undefined,
    allowedOrigins: values.ALLOWED_ORIGINS,
    publicHosts: values.PUBLIC_HOSTS,
    trustProxy: values.TRUST_PROXY.length > 0 ? [...values.TRUST_PROXY] : false,
    debugEndpoints,
    logLevel: values.LOG_LEVEL,
    metricsToken: values.METRICS_TOKEN,
    drainMs: values.DRAIN_MS,
    store,
    agent,
    auth,
    sessions,
    runs: {
      leaseMs: values.RUN_LEASE_MS,
      maxMs: values.RUN_MAX_MS,
      maxAttempts: values.RUN_MAX_ATTEMPTS,
      maxQueued: values.MAX_QUEUED_RUNS,
      maxConcurrent: values.MAX_CONCURRENT_RUNS,
      maxActivePerSubject: values.MAX_ACTIVE_RUNS_PER_SUBJECT,
      chunkCoalesceMs: values.CHUNK_COALESCE_MS,
    },
    sockets,
    http: {
      ratePerMin: values.HTTP_RATE_PER_MIN,
      bodyBytes: values.HTTP_BODY_BYTES,
      headersTimeoutMs: values.HTTP_HEADERS_TIMEOUT_MS,
      requestTimeoutMs: values.HTTP_REQUEST_TIMEOUT_MS,
      idleTimeoutMs: values.HTTP_IDLE_TIMEOUT_MS,
      writeTimeoutMs: values.HTTP_WRITE_TIMEOUT_MS,
    },
  };
  return { ok: true, settings, warnings };
}

function readStore(values: Values, faults: string[]): StoreSettings {
  const urls = values.REDIS_URL;
  if (urls.length === 0)
    return {
      kind: 'sqlite',
      dataDir: values.DATA_DIR,
      synchronous: values.SQLITE_SYNCHRONOUS,
      reserveBytes: values.DISK_RESERVE_BYTES,
    };
  const fault = redisFault(urls, values.REDIS_MODE);
  if (fault !== undefined) faults.push(`REDIS_URL ${fault}`);
  return {
    kind: 'redis',
    mode: values.REDIS_MODE,
    url: urls.join(','),
    sentinelName: values.REDIS_SENTINEL_NAME,
    commandTimeoutMs: values.REDIS_TIMEOUT_MS,
  };
}

function readSessions(read: ReadValues): SessionSettings {
  const { values, isSet, faults } = read;
  // A default gives way to what was set: a beat must fit into the time that it keeps a connection alive.
  const beatMs = values.ATTACH_BEAT_MS;
  const ttlMs = values.ATTACH_TTL_MS;
  if (isSet('ATTACH_BEAT_MS') && isSet('ATTACH_TTL_MS') && beatMs >= ttlMs)
    faults.push('ATTACH_BEAT_MS must be shorter than ATTACH_TTL_MS');
  return {
    ...readRetention(read),
    maxPerSubject: values.MAX_SESSIONS_PER_SUBJECT,
    maxBytes: values.MAX_SESSION_BYTES,
    maxContextBytes: values.MAX_CONTEXT_BYTES,
    replayMaxEvents: values.REPLAY_MAX_EVENTS,
    historyPage: values.HISTORY_PAGE,
    attachBeatMs: isSet('ATTACH_BEAT_MS') ? beatMs : Math.max(1, Math.min(beatMs, Math.floor(ttlMs / 2.5))),
    attachTtlMs: isSet('ATTACH_TTL_MS') ? ttlMs : Math.max(ttlMs, Math.ceil(beatMs * 2.5)),
    sweepIntervalMs: values.SWEEP_INTERVAL_MS,
  };
}

function readSockets({ values, isSet, faults }: ReadValues): SocketSettings {
  const pingMs = values.HEARTBEAT_INTERVAL_MS;
  const silenceMs = values.SILENCE_TIMEOUT_MS;
  const clash = pingMs > 0 && silenceMs > 0 && pingMs >= silenceMs;
  if (clash && isSet('HEARTBEAT_INTERVAL_MS') && isSet('SILENCE_TIMEOUT_MS'))
    faults.push('HEARTBEAT_INTERVAL_MS must be shorter than SILENCE_TIMEOUT_MS');
  if (values.RECONNECT_MIN_MS > values.RECONNECT_MAX_MS)
    faults.push('RECONNECT_MIN_MS must not be longer than RECONNECT_MAX_MS');
  return {
    authTimeoutMs: values.AUTH_TIMEOUT_MS,
    // As above: where only one of the two is set, the other's default gives way.
    heartbeatIntervalMs:
      clash && !isSet('HEARTBEAT_INTERVAL_MS') ? Math.max(1, Math.floor(silenceMs / 2.4)) : pingMs,
    silenceTimeoutMs: clash && !isSet('SILENCE_TIMEOUT_MS') ? Math.ceil(pingMs * 2.4) : silenceMs,
    maxFrameBytes: values.MAX_FRAME_BYTES,
    sendQueueBytes: values.SEND_QUEUE_BYTES,
    pageBytes: values.PAGE_BYTES,
    unsentBytes: values.UNSENT_BYTES,
    unsentBytesPerSubject: values.SUBJECT_UNSENT_BYTES,
    slowReaderMs: values.SLOW_READER_MS,
    pressedReaderMs: values.PRESSED_READER_MS,
    messageRatePerS: values.MESSAGE_RATE_PER_S,
    messageBurst: values.MESSAGE_BURST,
    controlFrameRatePerS: values.CONTROL_FRAME_RATE_PER_S,
    connectionRatePerS: values.CONNECTION_RATE_PER_S,
    maxOpenSockets: values.MAX_OPEN_SOCKETS,
    maxConnections: values.MAX_CONNECTIONS,
    maxConnectionsPerSubject: values.MAX_CONNECTIONS_PER_SUBJECT,
    maxUnauthenticated: values.MAX_UNAUTHENTICATED,
    maxUnauthenticatedPerAddress:
      values.MAX_UNAUTHENTICATED_PER_ADDRESS ?? Math.max(100, Math.floor(values.MAX_UNAUTHENTICATED / 4)),
    fairLoadPercent: values.FAIR_LOAD_PERCENT,
    reconnectMinMs: values.RECONNECT_MIN_MS,
    reconnectMaxMs: values.RECONNECT_MAX_MS,
  };
}
