import { CLOSE_CODES, explainClose } from '../../protocol/close-codes.ts';
import type { ErrorData, ErrorType } from '../../protocol/errors.ts';
import type { Verdict } from './connection-state.ts';
import { ClientFaultError, LineLostError, RateLimitedError, RefusedError } from './errors.ts';

/** What the server said about the end of the line before the line ended. */
export interface LastWords {
  /** The last `error` that was no answer to an operation. */
  readonly error: undefined | ErrorData;
  /** The reason of `disconnect`: the server is about to close. */
  readonly disconnect: undefined | string;
}

/** Errors that end the connection, by the code that follows: known even when the close frame itself was lost. */
const CLOSES: Partial<Record<ErrorType, number>> = {
  invalid_key: CLOSE_CODES.authentication.code,
  token_expired: CLOSE_CODES.authentication.code,
  invalid_session_token: CLOSE_CODES.authentication.code,
  auth_timeout: CLOSE_CODES.authentication.code,
  rate_limited: CLOSE_CODES.rateLimited.code,
  invalid_format: CLOSE_CODES.invalidFormat.code,
  protocol_violation: CLOSE_CODES.protocolViolation.code,
  unsupported_version: CLOSE_CODES.protocolViolation.code,
};

/** Whether the server closes the connection after this error. */
export function endsConnection(errorType: ErrorType): boolean {
  return CLOSES[errorType] !== undefined;
}

/** What a client does after this close, by the contract's table. */
export function judgeClose(code: number, reason: string, words: LastWords): Verdict {
  const said = words.error;
  const effective = closeFrameLost(code) && words.disconnect !== undefined ? impliedCode(words) : code;
  const text = said?.message ?? (reason === '' ? explainClose(effective).meaning : reason);
  switch (explainClose(effective).retry) {
    case 'backoff':
      return { retry: 'backoff', error: new LineLostError(effective, reason || (words.disconnect ?? '')) };
    case 'after_retry_after': {
      const error = new RateLimitedError(text, said?.retry_after_ms);
      return said?.retry_after_ms === undefined
        ? { retry: 'backoff', error }
        : { retry: 'after', ms: said.retry_after_ms, error };
    }
    case 'new_credentials':
      if (said?.error_type === 'auth_timeout')
        return { retry: 'backoff', error: new LineLostError(effective, said.message) };
      return {
        retry: 'new_credentials',
        error: new RefusedError(text, said?.error_type ?? 'invalid_key', said?.credential),
      };
    case 'never':
      if (effective === CLOSE_CODES.normal.code)
        return { retry: 'closed', reason: words.disconnect ?? (reason === '' ? undefined : reason) };
      return { retry: 'never', error: new ClientFaultError(text, effective, said?.error_type) };
  }
}

/** What a client does when `connect` was answered with an error and the socket stays open. */
export function judgeRefusal(error: ErrorData): Verdict {
  if (!error.retryable)
    return {
      retry: 'new_credentials',
      error: new RefusedError(error.message, error.error_type, error.credential),
    };
  const lost = new LineLostError(1006, error.message);
  return error.retry_after_ms === undefined
    ? { retry: 'backoff', error: lost }
    : { retry: 'after', ms: error.retry_after_ms, error: lost };
}

function closeFrameLost(code: number): boolean {
  return explainClose(code).name === 'line_lost';
}

function impliedCode({ error }: LastWords): number {
  return (error && CLOSES[error.error_type]) ?? 1006;
}
