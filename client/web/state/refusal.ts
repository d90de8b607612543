import type { HoldfastError } from '../../sdk/index.ts';

/** What a refusal is about: the key (another one helps) or the thread (another one helps). */
export type RefusalOf = 'key' | 'thread';

export function refusalOf(error: HoldfastError): RefusalOf {
  const { errorType, credential } = error as HoldfastError & { errorType?: string; credential?: string };
  if (errorType === 'token_expired') return credential === 'session_token' ? 'thread' : 'key';
  return errorType === 'invalid_key' || errorType === 'forbidden' ? 'key' : 'thread';
}
