import { describe, expect, it } from 'vitest';
import { CLOSE_CODES, explainClose } from './close-codes.ts';
import { ERROR_KINDS, errorData } from './errors.ts';

/** The contract's table: error type, code, message (`null`: says what), close code (`null`: stays open), retryable. */
const TABLE: readonly [string, number, null | string, null | number, boolean][] = [
  ['invalid_key', 403, 'Invalid API key', 4000, false],
  ['token_expired', 403, 'Token expired', 4000, false],
  ['invalid_session_token', 403, 'Invalid session token', 4000, false],
  ['auth_timeout', 403, 'Authentication timeout', 4000, true],
  ['rate_limited', 429, 'Rate limit exceeded', 4001, true],
  ['invalid_format', 400, 'Invalid message format', 4002, false],
  ['invalid_message', 422, null, null, false],
  ['protocol_violation', 409, null, 4003, false],
  ['unsupported_version', 426, null, 4003, false],
  ['forbidden', 403, null, null, false],
  ['not_found', 404, null, null, false],
  ['busy', 409, null, null, true],
  ['conflict', 409, null, null, false],
  ['limit_exceeded', 413, null, null, false],
  ['not_available', 501, null, null, false],
  ['id_conflict', 409, null, null, false],
  ['server_error', 503, 'The service is out of reach', null, true],
];

const VERDICTS: readonly [number, string][] = [
  [1000, 'never'],
  [1001, 'backoff'],
  [1005, 'backoff'],
  [1006, 'backoff'],
  [1009, 'never'],
  [1011, 'backoff'],
  [1012, 'backoff'],
  [1013, 'backoff'],
  [4000, 'new_credentials'],
  [4001, 'after_retry_after'],
  [4002, 'never'],
  [4003, 'never'],
  // Not of this list: a proxy's, or a later server's.
  [1002, 'backoff'],
  [1014, 'backoff'],
  [3000, 'backoff'],
  [4999, 'backoff'],
];

describe('errors', () => {
  it('MSG-10 MSG-18 every error type has its code, message, close code and verdict', () => {
    const rows = Object.entries(ERROR_KINDS).map(([type, { code, message, close, retryable }]) => [
      type,
      code,
      message,
      close?.code ?? null,
      retryable,
    ]);
    expect(rows).toEqual(TABLE);
  });

  it('MSG-10 the schema knows exactly these types', () => {
    const error = { message: 'm', code: 400, retryable: false };
    for (const [error_type] of TABLE)
      expect(errorData.safeParse({ ...error, error_type }).success).toBe(true);
    expect(errorData.safeParse({ ...error, error_type: 'oops' }).success).toBe(false);
  });
});

describe('close codes', () => {
  it.each(VERDICTS)('MSG-20 after %i a client may: %s', (code, verdict) => {
    expect(explainClose(code)).toMatchObject({ code, retry: verdict });
  });

  it('MSG-20 no code or name stands twice, and every one is explained above', () => {
    const codes = Object.values(CLOSE_CODES);
    expect(new Set(codes.map((c) => c.code)).size).toBe(codes.length);
    expect(new Set(codes.map((c) => c.name)).size).toBe(codes.length);
    const known = VERDICTS.map(([code]) => code);
    for (const { code } of codes) expect(known).toContain(code);
  });
});
