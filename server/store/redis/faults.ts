import { StoreUnavailable } from '../store.ts';

/** Redis is there, but cannot hold a store: too old, or of another mode. Trying again does not help. */
export class UnsuitableRedis extends Error {
  override readonly name = 'UnsuitableRedis';

  shouldRetry(): boolean {
    return false;
  }
}

/**
 * What a failed command calls for: `reload` the function library and send it again, `retry` it after a while, or give up because
 * its time is up (`late`) or because it would be the same the next time (`fail`).
 */
export type Verdict = 'reload' | 'retry' | 'late' | 'fail';

// Replies that say "not now" or "not here". Other error replies would be the same the next time.
const PASSING = [
  'ASK',
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MOVED',
  'NOREPLICAS',
  'READONLY',
  'TRYAGAIN',
];

export function verdictOn(error: unknown): Verdict {
  if (!(error instanceof Error)) return 'fail';
  if (error instanceof UnsuitableRedis) return 'fail';
  if (error.message === 'Command timed out') return 'late';
  if (error.message.includes('Function not found')) return 'reload';
  // Everything that did not come from Redis itself is about the connection.
  if (error.name !== 'ReplyError') return 'retry';
  const code = error.message.split(' ', 1)[0] ?? '';
  return PASSING.includes(code) ? 'retry' : 'fail';
}

/**
 * Wraps what went wrong. ioredis hangs the whole command on its errors, and a command holds people's words or a password:
 * only the name and the message are kept.
 */
export function unavailable(message: string, error?: unknown): StoreUnavailable {
  if (!(error instanceof Error)) return new StoreUnavailable(message);
  const cause = new Error(error.message);
  cause.name = error.name;
  return new StoreUnavailable(`${message}: ${error.message}`, { cause });
}
