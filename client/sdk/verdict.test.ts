import { describe, expect, it } from 'vitest';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import type { ErrorData, ErrorType } from '../../protocol/errors.ts';
import { ERROR_KINDS } from '../../protocol/errors.ts';
import { RefusedError } from './errors.ts';
import { endsConnection, judgeClose, judgeRefusal } from './verdict.ts';

const SILENT = { error: undefined, disconnect: undefined };
const said = (error_type: ErrorType, more: Partial<ErrorData> = {}) => ({
  error: { message: 'told', error_type, code: 403, retryable: false, ...more },
  disconnect: 'told',
});

describe('judgeClose', () => {
  it.each([
    [1000, 'closed'],
    [1001, 'backoff'],
    [1005, 'backoff'],
    [1006, 'backoff'],
    [1009, 'never'],
    [1011, 'backoff'],
    [1012, 'backoff'],
    [1013, 'backoff'],
    [1015, 'backoff'],
    [4000, 'new_credentials'],
    [4001, 'backoff'],
    [4002, 'never'],
    [4003, 'never'],
    [4999, 'backoff'],
  ] as const)('CLI-5 %i without a word is %s', (code, retry) => {
    expect(judgeClose(code, '', SILENT).retry).toBe(retry);
  });

  it('CLI-5 knows every code of the table', () => {
    const listed = Object.values(CLOSE_CODES).map((c) => c.code);
    expect(listed).toEqual([1000, 1001, 1009, 1011, 1012, 1013, 4000, 4001, 4002, 4003]);
  });

  it('CLI-4 waits for `retry_after_ms`', () => {
    expect(judgeClose(4001, '', said('rate_limited', { retry_after_ms: 1500 }))).toMatchObject({
      retry: 'after',
      ms: 1500,
    });
  });

  it('CLI-5 an authentication that took too long is tried again', () => {
    expect(judgeClose(4000, '', said('auth_timeout')).retry).toBe('backoff');
  });

  it('CLI-5 a refusal says what was refused', () => {
    const verdict = judgeClose(4000, '', said('token_expired', { credential: 'api_key' }));
    if (verdict.retry !== 'new_credentials' || !(verdict.error instanceof RefusedError)) throw verdict;
    expect(verdict.error).toMatchObject({
      errorType: 'token_expired',
      credential: 'api_key',
      message: 'told',
    });
    expect(verdict.error.shouldRetry()).toBe(false);
  });

  it('CLI-5 the last words count when the close frame is lost', () => {
    expect(judgeClose(1006, '', said('invalid_key')).retry).toBe('new_credentials');
    expect(judgeClose(1006, '', said('rate_limited', { retry_after_ms: 9 }))).toMatchObject({ ms: 9 });
    expect(judgeClose(1006, '', said('unsupported_version')).retry).toBe('never');
    // Without `disconnect` the line may have gone for any reason.
    expect(judgeClose(1006, '', { ...said('invalid_key'), disconnect: undefined }).retry).toBe('backoff');
  });

  it('CLI-5 a normal closure carries the reason', () => {
    expect(judgeClose(1000, '', { error: undefined, disconnect: 'erased' })).toEqual({
      retry: 'closed',
      reason: 'erased',
    });
  });

  it('CLI-5 knows which errors end the connection', () => {
    for (const [type, kind] of Object.entries(ERROR_KINDS))
      expect([type, endsConnection(type as ErrorType)]).toEqual([type, kind.close !== null]);
  });
});

describe('judgeRefusal', () => {
  it('CLI-5 a passing error is tried again, any other needs a person', () => {
    const data = { message: 'm', error_type: 'server_error', code: 503, retryable: true } as const;
    expect(judgeRefusal(data).retry).toBe('backoff');
    expect(judgeRefusal({ ...data, retry_after_ms: 70 })).toMatchObject({ retry: 'after', ms: 70 });
    expect(judgeRefusal({ ...data, error_type: 'forbidden', code: 403, retryable: false }).retry).toBe(
      'new_credentials',
    );
  });
});
