import { CLOSE_CODES, type CloseCode } from '../../protocol/close-codes.ts';
import { ERROR_KINDS, type ErrorData, type ErrorType } from '../../protocol/errors.ts';

/** An error as it goes to the client, and the close that follows it (`null`: the connection stays open). */
export interface Refusal {
  readonly error: ErrorData;
  readonly close: CloseCode | null;
}

/** The refusal that the table of error types prescribes, with what this case adds. */
export function refusal(
  errorType: ErrorType,
  message?: string,
  extra: Partial<Omit<ErrorData, 'error_type' | 'code' | 'message'>> & { readonly close?: CloseCode } = {},
): Refusal {
  const kind = ERROR_KINDS[errorType];
  const { close, ...fields } = extra;
  return {
    error: {
      message: message ?? kind.message ?? errorType,
      error_type: errorType,
      code: kind.code,
      retryable: kind.retryable,
      ...fields,
    },
    close: close ?? kind.close,
  };
}

/** The store or the agent is out of reach: the connection stays, the message may be sent again. */
export const OUT_OF_REACH: Refusal = refusal('server_error');

/** A fault of this server's own: code 500, 1011, no detail. */
export const INTERNAL_ERROR: Refusal = {
  error: { message: 'Internal server error', error_type: 'server_error', code: 500, retryable: true },
  close: CLOSE_CODES.internalError,
};
