import type { ErrorData, ErrorType, Issue } from '../../protocol/errors.ts';

/** The base of every error of the SDK. `name` tells the classes apart, also across bundles. */
export abstract class HoldfastError extends Error {
  /** Whether the same thing may succeed when it is done again, unchanged. */
  abstract shouldRetry(): boolean;
}

/** The line went: closed, cut, silent, or never there. `code` is the close code, 1006 where there was no close frame. */
export class LineLostError extends HoldfastError {
  override readonly name = 'LineLostError';
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, options?: ErrorOptions) {
    super(reason === '' ? `The line was lost (${code})` : `The line was lost (${code}): ${reason}`, options);
    this.code = code;
    this.reason = reason;
  }

  shouldRetry(): boolean {
    return true;
  }
}

/** What the server said does not add up: a gap in the log, a frame that is none. The line is dropped and resumed. */
export class ServerFaultError extends HoldfastError {
  override readonly name = 'ServerFaultError';

  shouldRetry(): boolean {
    return true;
  }
}

/** The server was asked too much. */
export class RateLimitedError extends HoldfastError {
  override readonly name = 'RateLimitedError';
  /** `undefined`: the server did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs: number | undefined, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }

  shouldRetry(): boolean {
    return true;
  }
}

/** The server does not let this client in: other credentials (`authenticate`) or another session are needed. */
export class RefusedError extends HoldfastError {
  override readonly name = 'RefusedError';
  /** Translate by this, not by the message. */
  readonly errorType: ErrorType;
  readonly credential: 'api_key' | 'session_token' | undefined;

  constructor(
    message: string,
    errorType: ErrorType,
    credential?: 'api_key' | 'session_token',
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.errorType = errorType;
    this.credential = credential;
  }

  shouldRetry(): boolean {
    return false;
  }
}

/** The server says that this client broke the protocol (4002, 4003, 1009): a bug on this side, or versions apart. */
export class ClientFaultError extends HoldfastError {
  override readonly name = 'ClientFaultError';
  readonly code: number;
  readonly errorType: ErrorType | undefined;

  constructor(message: string, code: number, errorType?: ErrorType, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.errorType = errorType;
  }

  shouldRetry(): boolean {
    return false;
  }
}

/** The server answered one operation with an error; the connection goes on. */
export class OperationRefusedError extends HoldfastError {
  override readonly name = 'OperationRefusedError';
  readonly operation: string;
  /** Translate by this, not by the message. */
  readonly errorType: ErrorType;
  readonly code: number;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly issues: readonly Issue[];

  constructor(operation: string, error: ErrorData) {
    super(error.message);
    this.operation = operation;
    this.errorType = error.error_type;
    this.code = error.code;
    this.retryable = error.retryable;
    this.retryAfterMs = error.retry_after_ms;
    this.issues = error.issues ?? [];
  }

  shouldRetry(): boolean {
    return this.retryable;
  }
}

/** No answer within the operation's time. It may have been done all the same. */
export class OperationTimeoutError extends HoldfastError {
  override readonly name = 'OperationTimeoutError';
  readonly operation: string;
  readonly timeoutMs: number;

  constructor(operation: string, timeoutMs: number, options?: ErrorOptions) {
    super(`No answer to ${operation} within ${timeoutMs} ms`, options);
    this.operation = operation;
    this.timeoutMs = timeoutMs;
  }

  shouldRetry(): boolean {
    return true;
  }
}

/** The client was closed, or cannot go on (`cause`), before this was done. A message in the outbox stays there. */
export class ClientClosedError extends HoldfastError {
  override readonly name = 'ClientClosedError';

  shouldRetry(): boolean {
    return false;
  }
}

/** The session that this was meant for has ended. */
export class SessionEndedError extends HoldfastError {
  override readonly name = 'SessionEndedError';
  readonly sessionId: string | undefined;

  constructor(sessionId: string | undefined) {
    super('The session has ended');
    this.sessionId = sessionId;
  }

  shouldRetry(): boolean {
    return false;
  }
}

/** No room for more: the outbox (bytes) or the operations under way (count). `limit` names the bound. */
export class OverflowError extends HoldfastError {
  override readonly name = 'OverflowError';
  readonly limit: number;

  constructor(message: string, limit: number) {
    super(message);
    this.limit = limit;
  }

  shouldRetry(): boolean {
    return true;
  }
}

/** What was asked for cannot be: nothing was sent. */
export class InvalidRequestError extends HoldfastError {
  override readonly name = 'InvalidRequestError';

  shouldRetry(): boolean {
    return false;
  }
}

/** The person took the message back before it was confirmed. */
export class DiscardedError extends HoldfastError {
  override readonly name = 'DiscardedError';

  shouldRetry(): boolean {
    return false;
  }
}

/** The injected storage failed. The SDK goes on in memory; a reload will not find what could not be written. */
export class StorageError extends HoldfastError {
  override readonly name = 'StorageError';

  shouldRetry(): boolean {
    return true;
  }
}
