import { type DestinationStream, type Logger, pino } from 'pino';
import type { Settings } from './config.ts';

/** The process's log: one JSON object a line. */
export type Log = Logger;

/** Fields that hold credentials, wherever in a logged object (up to three levels deep) they stand. */
const SECRET_FIELDS = [
  'api_key',
  'apiKey',
  'session_token',
  'sessionToken',
  'authorization',
  'Authorization',
  'cookie',
  'token',
  'secret',
  'secrets',
  'sessionSecrets',
  'password',
  'metricsToken',
  'keyId',
  'secretOrPublicKey',
];
const DEPTHS = ['', '*.', '*.*.'];

/**
 * Makes the log. Nothing in the server logs a credential on purpose; redaction is for what is logged by accident.
 * @param destination where lines go; standard output when left out
 */
export function createLog(settings: Pick<Settings, 'logLevel'>, destination?: DestinationStream): Log {
  const options = {
    level: settings.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: [
        // ioredis hangs the whole command on its errors; an address of Redis may hold its password.
        'err.command.args',
        'store.url',
        '*.store.url',
        '*.auth.jwt.secretOrPublicKey',
        ...DEPTHS.flatMap((depth) => SECRET_FIELDS.map((field) => `${depth}${field}`)),
      ],
      censor: '[redacted]',
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
