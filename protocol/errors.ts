import { z } from 'zod';
import { CLOSE_CODES, type CloseCode } from './close-codes.ts';

/** What an error type means on the wire: its default code, its default text, and whether it ends the connection. */
export interface ErrorKind {
  /** HTTP-like number, sent as `code`. */
  readonly code: number;
  /** The default `message`; `null` where the sender always says something of its own. */
  readonly message: string | null;
  /** The close code that follows, or `null` when the connection stays open. */
  readonly close: CloseCode | null;
  readonly retryable: boolean;
}

/**
 * Every `error_type` of the chat plane. The only home of the table; clients translate by the key, never by the text.
 * `server_error` has two faces: code 503 keeps the connection (store or agent out of reach), 500 is a bug and closes 1011.
 */
export const ERROR_KINDS = {
  invalid_key: { code: 403, message: 'Invalid API key', close: CLOSE_CODES.authentication, retryable: false },
  token_expired: { code: 403, message: 'Token expired', close: CLOSE_CODES.authentication, retryable: false },
  invalid_session_token: {
    code: 403,
    message: 'Invalid session token',
    close: CLOSE_CODES.authentication,
    retryable: false,
  },
  auth_timeout: {
    code: 403,
    message: 'Authentication timeout',
    close: CLOSE_CODES.authentication,
    retryable: true,
  },
  rate_limited: {
    code: 429,
    message: 'Rate limit exceeded',
    close: CLOSE_CODES.rateLimited,
    retryable: true,
  },
  invalid_format: {
    code: 400,
    message: 'Invalid message format',
    close: CLOSE_CODES.invalidFormat,
    retryable: false,
  },
  invalid_message: { code: 422, message: null, close: null, retryable: false },
  protocol_violation: { code: 409, message: null, close: CLOSE_CODES.protocolViolation, retryable: false },
  unsupported_version: { code: 426, message: null, close: CLOSE_CODES.protocolViolation, retryable: false },
  forbidden: { code: 403, message: null, close: null, retryable: false },
  not_found: { code: 404, message: null, close: null, retryable: false },
  busy: { code: 409, message: null, close: null, retryable: true },
  conflict: { code: 409, message: null, close: null, retryable: false },
  limit_exceeded: { code: 413, message: null, close: null, retryable: false },
  not_available: { code: 501, message: null, close: null, retryable: false },
  id_conflict: { code: 409, message: null, close: null, retryable: false },
  server_error: { code: 503, message: 'The service is out of reach', close: null, retryable: true },
} as const satisfies Record<string, ErrorKind>;

export type ErrorType = keyof typeof ERROR_KINDS;

export const errorTypeSchema = z.enum(Object.keys(ERROR_KINDS) as [ErrorType, ...ErrorType[]]);

/** One fault of a message, without the value that was at fault. */
export const issueSchema = z.object({ path: z.string(), message: z.string() });
export type Issue = z.infer<typeof issueSchema>;

/** `error`: what went wrong. Whether the connection ends is said by the `disconnect` that follows, or its absence. */
export const errorData = z.object({
  message: z.string(),
  error_type: errorTypeSchema,
  code: z.int(),
  retryable: z.boolean(),
  retry_after_ms: z.int().nonnegative().optional(),
  credential: z.enum(['api_key', 'session_token']).optional(),
  issues: z.array(issueSchema).optional(),
  original_type: z.string().optional(),
});
export type ErrorData = z.infer<typeof errorData>;
