import { hostFault, nodeIdFault, originFault, proxyFault, readPolicies } from './checks.ts';
import {
  choice,
  count,
  duration,
  flag,
  limit,
  list,
  optionalTimer,
  type Setting,
  secret,
  text,
  timer,
} from './kinds.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const DAY_MS = 86_400_000;
const bytes = { unit: 'bytes' };
const perSecond = { unit: 'per s' };
const perMinute = { unit: 'per min' };
const DEFAULT_POLICIES = '{"enterprise":{"medium_ms":86400000}}';

/** Every setting: its name, how it is read, its default and its meaning. Parsing and documentation both come from here. */
export const SETTINGS = {
  // Where it listens and who may come
  NODE_ENV: choice(
    ['development', 'test', 'production'],
    'development',
    '`production` refuses development keys, debug endpoints and weak secrets',
  ),
  HOST: text('127.0.0.1', 'address it listens on'),
  PORT: count(8000, 'port it listens on; 0 picks one and logs it', { min: 0, max: 65_535 }),
  NODE_ID: { ...text(undefined, "this process's name among servers; random when unset"), read: nodeId },
  ALLOWED_ORIGINS: list(
    'self,http://localhost:5173,http://127.0.0.1:5173',
    'origins whose pages may open sockets; `self` is this server under a name of loopback or of `PUBLIC_HOSTS`',
    originFault,
  ),
  PUBLIC_HOSTS: list(
    undefined,
    'names (with the port, where it is not 80 or 443) under which browsers reach this server, besides loopback',
    hostFault,
  ),
  TRUST_PROXY: list(undefined, 'addresses and ranges whose `X-Forwarded-For` counts', proxyFault),
  DEBUG_ENDPOINTS: flag(
    undefined,
    'true outside production, on loopback',
    '`/debug/...` sockets and `POST /debug/clock`; not allowed in production',
  ),
  LOG_LEVEL: choice(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'info',
    'the least important lines that are logged',
  ),
  METRICS_TOKEN: secret(
    'bearer token for `GET /metrics`, at least 16 characters in production; without it only loopback may ask, outside production and without `TRUST_PROXY`, or a key with `operate`',
  ),
  DRAIN_MS: timer(4000, 'how long a stopping server takes to hand over and say goodbye', { min: 0 }),

  // Store
  REDIS_URL: {
    ...list(undefined, '`redis://` or `rediss://`; unset: the embedded store', () => undefined),
    secret: true,
  },
  REDIS_MODE: choice(['single', 'cluster', 'sentinel'], 'single', 'what is behind `REDIS_URL`'),
  REDIS_SENTINEL_NAME: text('mymaster', "the master's name with `REDIS_MODE=sentinel`"),
  REDIS_TIMEOUT_MS: timer(5000, 'within this an operation of the store is answered or fails'),
  DATA_DIR: text('.data', 'where the embedded store keeps its file'),
  SQLITE_SYNCHRONOUS: choice(
    ['full', 'normal'],
    'full',
    'what is acknowledged outlives: `full` a power loss, `normal` the end of the process',
  ),
  DISK_RESERVE_BYTES: count(
    16 * MIB,
    'disk that the embedded store keeps for the time when the disk is full, so that erasing works; 0: none',
    { min: 0, max: 1024 * MIB, ...bytes },
  ),

  // Agent
  AGENT: choice(
    ['demo', 'llm', 'remote', 'none'],
    'demo',
    'who answers: `demo`, or `none` (people only); `llm` and `remote` are not built yet',
  ),
  LLM_BASE_URL: text(undefined, 'endpoint of the model for `AGENT=llm` (not built yet)'),
  LLM_MODEL: text(undefined, 'its model (not built yet)'),
  LLM_API_KEY: secret('its key (not built yet)'),
  AGENT_TOKENS_FILE: text(undefined, "file with the digests of remote agents' tokens (not built yet)"),

  // Credentials
  API_KEYS_FILE: text(undefined, 'file with the digests of API keys'),
  ALLOW_DEVELOPMENT_KEYS: flag(
    undefined,
    'only on loopback, without other keys',
    'whether `development` and `TEST_API_KEY` hold outside production; must be said when the server can be reached from elsewhere or has other keys',
  ),
  TEST_API_KEY: text('valid-test-key', 'a key with `chat` that holds where development keys do'),
  JWT_ALGORITHM: choice(
    ['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384'],
    'HS256',
    'the only algorithm of JWTs that serve as API keys',
  ),
  JWT_SECRET: secret('secret of JWTs with an HS algorithm; at least 32 bytes in production'),
  // Where the public key is meant, the private one may stand by mistake.
  JWT_PUBLIC_KEY: secret('public key (PEM, line ends may be `\\n`) of JWTs with another algorithm'),
  JWT_AUDIENCE: text(undefined, 'the audience that such JWTs must name; required with either of the two'),
  JWT_ISSUER: text(undefined, 'the only issuer of such JWTs; unset: any that holds the signing key'),
  SESSION_SECRET: secret(
    'signs session tokens; a comma list rotates: the first signs, all verify; required in production, of at least 32 bytes each; otherwise made once and kept in the store',
  ),
  SESSION_TOKEN_MAX_AGE_MS: duration(30 * DAY_MS, 'how long a session token holds; 0 for ever', {
    off: Infinity,
  }),
  FAILED_AUTH_PER_MIN: limit(20, 'failed attempts to authenticate that an address may make', perMinute),

  // Sessions
  SESSION_TIER_BRIEF_MS: duration(30_000, 'longest absence of the tier `brief`'),
  SESSION_TIER_MEDIUM_MS: duration(300_000, 'longest absence of the tier `medium`; beyond, it expires'),
  RETENTION_POLICIES: {
    fallback: DEFAULT_POLICIES,
    absent: { enterprise: { medium_ms: DAY_MS } },
    unit: 'JSON',
    meaning: 'other limits by name, for keys with that `retention`: `brief_ms`, `medium_ms`, `archive_days`',
    secret: false,
    read: readPolicies,
  },
  THREAD_ARCHIVE_DAYS: count(
    30,
    'how long the transcript of an expired session stays readable; 0 erases it at expiry',
    { min: 0, max: 36_500, unit: 'days' },
  ),
  MAX_SESSIONS_PER_SUBJECT: limit(10_000, 'sessions a subject may have'),
  MAX_SESSION_BYTES: limit(
    64 * MIB,
    'size of one session: people may write so much, a run 1 MiB more',
    bytes,
  ),
  MAX_CONTEXT_BYTES: limit(256 * KIB, "size of a session's memory and preferences together", bytes),
  REPLAY_MAX_EVENTS: count(
    1000,
    'missed events up to which a restore replays instead of showing a snapshot',
    {
      min: 0,
      max: 100_000,
    },
  ),
  HISTORY_PAGE: count(50, 'messages that a snapshot holds', { max: 500 }),
  ATTACH_BEAT_MS: timer(10_000, 'how often a process tells the store which connections are alive'),
  ATTACH_TTL_MS: duration(25_000, 'after how long without that a connection counts as gone', { min: 1 }),
  SWEEP_INTERVAL_MS: timer(1000, 'how often sessions that need attention are looked for'),

  // Runs
  RUN_LEASE_MS: timer(10_000, 'how long a run belongs to a process that shows no life'),
  RUN_MAX_MS: optionalTimer(900_000, 'longest run'),
  RUN_MAX_ATTEMPTS: limit(5, 'times that the executor of a run may die before it is `lost`'),
  MAX_QUEUED_RUNS: limit(16, 'runs that may wait in one session'),
  MAX_CONCURRENT_RUNS: limit(
    1000,
    'runs that a process carries out at once; others wait, or other processes take them',
  ),
  MAX_ACTIVE_RUNS_PER_SUBJECT: limit(
    0,
    'runs of one subject that a process carries out at once; others of it wait',
  ),
  CHUNK_COALESCE_MS: timer(40, 'text of an answer is sent at most once in so long', { min: 0 }),

  // Sockets
  AUTH_TIMEOUT_MS: optionalTimer(10_000, 'time a new connection has for `connect`'),
  HEARTBEAT_INTERVAL_MS: optionalTimer(25_000, 'time between WebSocket pings'),
  SILENCE_TIMEOUT_MS: optionalTimer(60_000, 'a peer silent for so long is dropped'),
  MAX_FRAME_BYTES: count(MIB, 'largest frame', { min: KIB, max: 64 * MIB, ...bytes }),
  SEND_QUEUE_BYTES: count(MIB, 'bytes given to a socket and not sent yet, before it is held back', {
    min: KIB,
    max: 1024 * MIB,
    ...bytes,
  }),
  PAGE_BYTES: count(
    MIB,
    'bytes of messages or missed events that one answer holds: a page of history, a snapshot, the beginning of a replay',
    { min: KIB, max: 64 * MIB, ...bytes },
  ),
  UNSENT_BYTES: limit(
    256 * MIB,
    'bytes given to peers and not taken yet, over all sockets and HTTP answers; beyond, large ones wait',
    bytes,
  ),
  SUBJECT_UNSENT_BYTES: limit(64 * MIB, 'the same of one subject', bytes),
  SLOW_READER_MS: optionalTimer(60_000, 'a reader that takes nothing for so long is dropped'),
  PRESSED_READER_MS: optionalTimer(
    10_000,
    'the same while other connections of its subject wait for it (`SUBJECT_UNSENT_BYTES`)',
  ),
  MESSAGE_RATE_PER_S: limit(20, 'frames a connection may send', perSecond),
  MESSAGE_BURST: count(60, 'frames a connection may send at once'),
  CONTROL_FRAME_RATE_PER_S: limit(
    10,
    'WebSocket pings and pongs a connection may send; ten times as many at once',
    perSecond,
  ),
  CONNECTION_RATE_PER_S: limit(500, 'new connections an address may open; beyond, HTTP 429', perSecond),
  MAX_OPEN_SOCKETS: {
    ...limit(
      0,
      "open TCP sockets in all, HTTP included; beyond, the oldest HTTP one of the busiest address is closed; unset, and at most: the process's file descriptors (`ulimit -n`) less a reserve",
    ),
    fallback: undefined,
    absent: undefined,
  },
  MAX_CONNECTIONS: limit(
    100_000,
    'open connections in all, at most 15/16 of the open sockets (a larger number is taken down to that); beyond, HTTP 503',
  ),
  MAX_CONNECTIONS_PER_SUBJECT: limit(1000, 'open connections of one subject'),
  MAX_UNAUTHENTICATED: limit(1000, 'open connections that have not authenticated'),
  MAX_UNAUTHENTICATED_PER_ADDRESS: {
    ...limit(
      250,
      'those of them that an address may have; beyond, HTTP 429; unset: a quarter of them, at least 100',
    ),
    absent: undefined,
  },
  FAIR_LOAD_PERCENT: limit(
    75,
    'share of its time from which a process counts as busy: then subjects that use more of it than their part have to wait',
    { unit: 'percent', max: 100 },
  ),
  RECONNECT_MIN_MS: count(500, 'shortest first delay that clients are told to reconnect after', {
    min: 0,
    max: 3_600_000,
    unit: 'ms',
  }),
  RECONNECT_MAX_MS: count(30_000, 'longest such delay', { max: 3_600_000, unit: 'ms' }),

  // HTTP
  HTTP_RATE_PER_MIN: limit(
    1200,
    'requests to `/api` that a subject, or an unknown address, may make',
    perMinute,
  ),
  HTTP_HEADERS_TIMEOUT_MS: optionalTimer(10_000, 'time in which the headers of a request must have arrived'),
  HTTP_REQUEST_TIMEOUT_MS: optionalTimer(30_000, 'time in which a whole request must have arrived'),
  HTTP_IDLE_TIMEOUT_MS: optionalTimer(72_000, 'an HTTP connection without a request for so long is closed'),
  HTTP_WRITE_TIMEOUT_MS: optionalTimer(
    30_000,
    'a peer that takes nothing of its HTTP answer for so long is dropped',
  ),
  HTTP_BODY_BYTES: count(64 * KIB, 'largest request body', { min: KIB, max: 64 * MIB, ...bytes }),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;

/** What the settings read as, by name. */
export type Values = { readonly [N in SettingName]: (typeof SETTINGS)[N]['absent'] | ReadOf<N> };
type ReadOf<N extends SettingName> = Extract<ReturnType<(typeof SETTINGS)[N]['read']>, { ok: true }>['value'];

function nodeId(value: string) {
  const fault = nodeIdFault(value);
  return fault === undefined ? ({ ok: true, value } as const) : ({ ok: false, fault } as const);
}

/** The table of settings as the documentation shows it. */
export const SETTINGS_TABLE: readonly {
  readonly name: SettingName;
  readonly default: string;
  readonly unit: string;
  readonly meaning: string;
}[] = (Object.entries(SETTINGS) as [SettingName, Setting<unknown>][]).map(
  ([name, { fallback, unit, meaning }]) => ({ name, default: fallback ?? 'unset', unit, meaning }),
);
